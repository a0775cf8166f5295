"""Know everything that is served at one moment, under versions that derive from the content."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from xds.references import eds_name, own_name, references
from xds.resources import CLUSTERS, COMPLETE_TYPES, ENDPOINTS, ORDER, Resource, digest, in_order
from xds.selection import Collection, Selection, version_of

# What nobody published is known to be empty, and has a version as everything has.
_NONE: Final[Mapping[str, Resource]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change:
    """How many resources of one type were added, removed and changed."""

    added: int = 0
    removed: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """What is wrong with one resource among the others, in words."""

    type_url: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{_kind(self.type_url)} {self.name!r} {self.reason}"


@dataclass(frozen=True, slots=True)
class _Tie:
    """A load assignment as it was given, its clusters, and what it is together with them."""

    given: Resource
    clusters: tuple[Resource, ...]
    tied: Resource


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable set of resources of any types: type URL → name → resource."""

    resources: Mapping[str, Mapping[str, Resource]]
    versions: Mapping[str, str]
    # What a type holds, shared by all snapshots in a row that hold the same.
    _collections: dict[str, Collection] = field(default_factory=dict, compare=False, repr=False)
    # By the name of the cluster, and by that of the load assignment.
    _eds_names: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    _ties: Mapping[str, _Tie] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def build(cls, resources: Iterable[Resource], last: Self | None = None) -> Self:
        """Put resources together into a snapshot.

        What is in an earlier snapshot too, `last`, is not worked out again, if it is the very
        object. The result is the same without; only load assignments that were taken out of it are
        known for what they were made of.

        Raises ValueError if two resources of one type share a name, which Envoy refuses, or if a
        cluster is none.
        """
        if last is None:
            last = cls({}, {})
        by_type = _by_type(resources)
        clusters = by_type.get(CLUSTERS, {})
        eds_names = last._name_assignments(clusters)
        ties = last._tie_assignments(by_type.get(ENDPOINTS, {}), clusters, eds_names)
        if ties:
            by_type[ENDPOINTS] = {name: tie.tied for name, tie in ties.items()}
        collections = {url: last._collect(url, named) for url, named in by_type.items()}
        everything = {url: each.everything for url, each in collections.items()}
        return cls(
            MappingProxyType({url: each.resources for url, each in everything.items()}),
            MappingProxyType({url: each.version for url, each in everything.items()}),
            collections,
            eds_names,
            ties,
        )

    def _name_assignments(self, clusters: Mapping[str, Resource]) -> Mapping[str, str]:
        """Return under which name each cluster finds its load assignment."""
        old = self.of_type(CLUSTERS)
        return {
            name: self._eds_names[name] if old.get(name) is each else eds_name(each)
            for name, each in clusters.items()
        }

    def _tie_assignments(
        self,
        assignments: Mapping[str, Resource],
        clusters: Mapping[str, Resource],
        eds_names: Mapping[str, str],
    ) -> Mapping[str, _Tie]:
        """Return load assignments, together with the clusters that they belong to."""
        # By name, as several clusters may share one.
        belonging: dict[str, list[Resource]] = {}
        for name in sorted(clusters):
            belonging.setdefault(eds_names[name], []).append(clusters[name])
        ties = {}
        for name, given in assignments.items():
            tie = self._ties.get(name)
            its = tuple(belonging.get(name, ()))
            # Taken out of that snapshot, it is still the one that it was made of.
            own = tie.given if tie is not None and given is tie.tied else given
            if tie is None or tie.given is not own or tie.clusters != its:
                tie = _tie(own, its)
            ties[name] = tie
        return ties

    def _collect(self, type_url: str, named: Mapping[str, Resource]) -> Collection:
        """Return a collection of resources: the one that there is, if it holds the same."""
        found = self._collections.get(type_url)
        if found is not None and found.everything.resources == named:
            return found
        return Collection(MappingProxyType(named))

    def of_type(self, type_url: str) -> Mapping[str, Resource]:
        """Return the resources of one type by name; empty for a type that nobody published."""
        return self.resources.get(type_url, _NONE)

    def everything(self, type_url: str) -> Selection:
        """Return all resources of one type."""
        return self._collection(type_url).everything

    def named(self, type_url: str, names: frozenset[str]) -> Selection:
        """Return those resources of one type that have some names, or aliases."""
        is_complete = type_url in COMPLETE_TYPES
        return self._collection(type_url).named(names, is_complete=is_complete)

    def _collection(self, type_url: str) -> Collection:
        found = self._collections.get(type_url)
        if found is None:
            found = Collection(_NONE)
            # Others may be what clients make up, of which there is no end.
            if type_url in ORDER:
                self._collections[type_url] = found
        return found

    def changes_since(self, old: "Snapshot") -> Mapping[str, Change]:
        """Return what differs from an older snapshot, for each type in which anything does."""
        published = dict.fromkeys((*self.resources, *old.resources))
        changes = {url: self._change(old, url) for url in in_order(published)}
        return {url: change for url, change in changes.items() if change != Change()}

    def _change(self, old: "Snapshot", type_url: str) -> Change:
        difference = self.everything(type_url).since(old.everything(type_url))
        changed = difference.changed.resources.keys()
        added = len(changed - old.of_type(type_url).keys())
        return Change(added, len(difference.gone), len(changed) - added)

    def version(self, type_url: str) -> str:
        """Return the version of all resources of one type together."""
        return self.versions.get(type_url) or version_of(_NONE)

    def inconsistencies(self, last: Self | None = None) -> tuple[Inconsistency, ...]:
        """Return which resources name others that are not there, or go by another name themselves.

        Envoy waits up to 15 s for what is named and not there, and answers with 503 for a cluster.
        Only references that are resolved by the aggregated stream count, but clusters always: one
        that the bootstrap defines is reported too. `last` is an earlier snapshot without any: where
        nothing is gone since, only what is new or changed is looked at.
        """
        is_more = last is not None and all(
            named.keys() <= self.of_type(url).keys() for url, named in last.resources.items()
        )
        found = []
        for type_url in in_order(self.resources):
            fine = last.of_type(type_url) if last and is_more else _NONE
            named = self.resources[type_url].items()
            unknown = [(name, each) for name, each in named if fine.get(name) is not each]
            for name, resource in sorted(unknown):
                reasons = self._reasons(resource)
                found += [Inconsistency(type_url, name, reason) for reason in reasons]
        return tuple(found)

    def _reasons(self, resource: Resource) -> Iterator[str]:
        try:
            if (own := own_name(resource)) != resource.name:
                yield f"calls itself {own!r}"
            for reference in sorted(references(resource)):
                if reference.name not in self.of_type(reference.type_url):
                    kind = _kind(reference.type_url)
                    yield f"names {kind} {reference.name!r}, which is not there"
        except ValueError as error:
            yield str(error)


def _kind(type_url: str) -> str:
    return type_url.rpartition(".")[2]


def _by_type(resources: Iterable[Resource]) -> dict[str, dict[str, Resource]]:
    by_type: dict[str, dict[str, Resource]] = {}
    for resource in resources:
        named = by_type.setdefault(resource.type_url, {})
        if resource.name in named:
            message = f"two resources of {resource.type_url} are named {resource.name!r}"
            raise ValueError(message)
        named[resource.name] = resource
    return by_type


def _tie(given: Resource, clusters: tuple[Resource, ...]) -> _Tie:
    # A changed cluster warms until its load assignment arrives once more, though that has not
    # changed (15 s otherwise), so the version of an assignment takes in its clusters'.
    # https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#resource-warming
    version = given.version
    for cluster in clusters:
        version = digest(version.encode(), cluster.version.encode())
    tied = Resource(ENDPOINTS, given.name, given.body, version, given.aliases)
    return _Tie(given, clusters, tied if clusters else given)
