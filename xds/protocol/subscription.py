"""Know which resources of one type a client wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from xds.resources import COMPLETE_TYPES, Resource

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

    def replaced(self, type_url: str, names: frozenset[str]) -> Self:
        """Return the subscription after a state-of-the-world request with these names."""
        if not names and not self.named:
            return type(self)(wildcard=type_url in COMPLETE_TYPES)
        return type(self)(names - {WILDCARD}, wildcard=WILDCARD in names, named=True)

    def select(self, resources: Mapping[str, Resource]) -> Mapping[str, Resource]:
        """Return those of a type's resources that are wanted."""
        if self.wildcard:
            return resources
        return {name: resources[name] for name in sorted(self.names) if name in resources}
