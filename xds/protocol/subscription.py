"""Know which resources of one type a client wants."""

from dataclasses import dataclass, replace
from typing import Final, Self

from xds.resources import COMPLETE_TYPES
from xds.selection import Selection
from xds.snapshot import Snapshot

WILDCARD: Final = "*"


@dataclass(frozen=True, slots=True)
class Subscription:
    """The wish for one type on one stream: everything, some names, or both.

    An empty list of names means everything for clusters and listeners until names were once given
    on the stream; from then on it means nothing.
    https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
    """

    names: frozenset[str] = frozenset()
    wildcard: bool = False
    named: bool = False

    @classmethod
    def first(cls, type_url: str, names: frozenset[str]) -> Self:
        """Return the subscription with which a client comes."""
        if names:
            return cls().replaced(type_url, names)
        return cls(wildcard=type_url in COMPLETE_TYPES)

    def replaced(self, type_url: str, names: frozenset[str]) -> Self:
        """Return the subscription after a state-of-the-world request with these names."""
        # Streams share the names that they ask for alike, which spares comparing one by one.
        is_same = names is self.names or names == self.names
        if is_same and self.named and not self.wildcard:
            return self
        if not names and not self.named:
            return type(self).first(type_url, names)
        return type(self)(_plain(names), wildcard=WILDCARD in names, named=True)

    def changed(self, subscribe: frozenset[str], unsubscribe: frozenset[str]) -> Self:
        """Return the subscription after an incremental request with these names.

        A name that is both given up and asked for is wanted.
        """
        wildcard = (self.wildcard and WILDCARD not in unsubscribe) or WILDCARD in subscribe
        names = (self.names - unsubscribe) | subscribe if self.names else subscribe
        return replace(self, names=_plain(names), wildcard=wildcard)

    def select(self, snapshot: Snapshot, type_url: str) -> Selection:
        """Return those of a snapshot's resources of one type that are wanted."""
        return (
            snapshot.everything(type_url) if self.wildcard else snapshot.named(type_url, self.names)
        )


def _plain(names: frozenset[str]) -> frozenset[str]:
    """Return names without the wildcard: the very set, which many share, if it is not there."""
    return names - {WILDCARD} if WILDCARD in names else names
