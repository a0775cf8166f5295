"""Know everything that is served at one moment, under versions that derive from the content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from google.protobuf.message import DecodeError

from xds.resources import CLUSTERS, ENDPOINTS, ORDER, Resource, digest
from xds.wire import references_pb2 as references

# What nobody published is known to be empty, and has a version as everything has.
_NONE: Final[Mapping[str, Resource]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change:
    """How many resources of one type were added, removed and changed."""

    added: int = 0
    removed: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable set of resources of any types: type URL → name → resource."""

    resources: Mapping[str, Mapping[str, Resource]]
    versions: Mapping[str, str]

    @classmethod
    def build(cls, resources: Iterable[Resource]) -> Self:
        """Put resources together into a snapshot.

        Raises ValueError if two resources of one type share a name, which Envoy refuses, or if a
        cluster is none.
        """
        by_type: dict[str, dict[str, Resource]] = {}
        for resource in resources:
            named = by_type.setdefault(resource.type_url, {})
            if resource.name in named:
                message = f"two resources of {resource.type_url} are named {resource.name!r}"
                raise ValueError(message)
            named[resource.name] = resource
        if CLUSTERS in by_type and ENDPOINTS in by_type:
            _tie_assignments(by_type[CLUSTERS], by_type[ENDPOINTS])
        return cls(
            MappingProxyType({url: MappingProxyType(named) for url, named in by_type.items()}),
            MappingProxyType({url: version_of(named) for url, named in by_type.items()}),
        )

    def of_type(self, type_url: str) -> Mapping[str, Resource]:
        """Return the resources of one type by name; empty for a type that nobody published."""
        return self.resources.get(type_url, _NONE)

    def changes_since(self, old: "Snapshot") -> Mapping[str, Change]:
        """Return what differs from an older snapshot, for each type in which anything does."""
        changes = {url: _change(old.of_type(url), self.of_type(url)) for url in _types(old, self)}
        return {url: change for url, change in changes.items() if change != Change()}

    def version(self, type_url: str) -> str:
        """Return the version of all resources of one type together."""
        return self.versions.get(type_url) or version_of(_NONE)


def _types(*snapshots: Snapshot) -> list[str]:
    published = dict.fromkeys(url for snapshot in snapshots for url in snapshot.resources)
    return [url for url in ORDER if url in published] + [u for u in published if u not in ORDER]


def _change(old: Mapping[str, Resource], new: Mapping[str, Resource]) -> Change:
    return Change(
        added=len(new.keys() - old.keys()),
        removed=len(old.keys() - new.keys()),
        changed=sum(old[name].version != new[name].version for name in old.keys() & new.keys()),
    )


def version_of(named: Mapping[str, Resource]) -> str:
    """Return the version of some resources of one type together."""
    return digest(*(f"{name}={named[name].version}".encode() for name in sorted(named)))


def _tie_assignments(clusters: Mapping[str, Resource], assignments: dict[str, Resource]) -> None:
    # A changed cluster warms until its load assignment arrives once more, though that has not
    # changed (15 s otherwise), so the version of an assignment takes in its cluster's.
    # https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#resource-warming
    # By name, as several clusters may share one.
    for _, cluster in sorted(clusters.items()):
        try:
            message = references.Cluster.FromString(cluster.body)
        except DecodeError:
            text = f"the body of {cluster.name!r} is no Cluster message"
            raise ValueError(text) from None
        name = message.eds_cluster_config.service_name or cluster.name
        if assignment := assignments.get(name):
            version = digest(assignment.version.encode(), cluster.version.encode())
            assignments[name] = Resource(ENDPOINTS, name, assignment.body, version)
