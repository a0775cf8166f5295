"""Know some resources of one type that are sent together, and what separates two such sets.

What derives from two selections is derived once, however many streams ask for it: streams that
want the same names share their selection, by identity.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar, final
from weakref import WeakKeyDictionary, WeakValueDictionary

from xds.resources import Resource, digest

Made = TypeVar("Made")


class Difference(NamedTuple):
    """What is new or changed in a selection, and what is no longer in it."""

    changed: "Selection"
    gone: Mapping[str, Resource]


@final
class Selection:
    """Resources of one type by name, and the version of the set that they were selected from."""

    __slots__ = ("__weakref__", "_differences", "_made", "_retaining", "resources", "version")

    def __init__(self, resources: Mapping[str, Resource], version: str) -> None:
        self.resources = resources
        self.version = version
        # The part that changed, or None where that is all of this very selection.
        self._differences: WeakKeyDictionary[
            Selection, tuple[Selection | None, Mapping[str, Resource]]
        ] = WeakKeyDictionary()
        self._made: dict[object, Any] = {}
        self._retaining: WeakKeyDictionary[Selection, Selection] = WeakKeyDictionary()

    def once(self, make: Callable[["Selection"], Made]) -> Made:
        """Return what a function makes of this selection, which it is asked for only once."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    def since(self, old: "Selection") -> Difference:
        """Return what separates this selection from an older one."""
        if not old.resources:
            return Difference(self, {})
        found = self._differences.get(old)
        if found is None:
            found = self._differences[old] = self._since(old.resources)
        changed, gone = found
        return Difference(self if changed is None else changed, gone)

    def _since(
        self, old: Mapping[str, Resource]
    ) -> "tuple[Selection | None, Mapping[str, Resource]]":
        gone = {name: old[name] for name in old.keys() - self.resources.keys()}
        changed = {
            name: each
            for name, each in self.resources.items()
            if name not in old or old[name].version != each.version
        }
        return (None if len(changed) == len(self.resources) else self.part(changed)), gone

    def part(self, resources: Mapping[str, Resource]) -> "Selection":
        """Return some of these resources, as a part of the same set."""
        return Selection(resources, self.version)

    def retaining(self, old: "Selection") -> "Selection":
        """Return this selection and all that is only in an older one.

        Its version is of its own: whoever has that has more than what was published.
        """
        found = self._retaining.get(old)
        if found is None:
            resources = {**self.since(old).gone, **self.resources}
            found = self._retaining[old] = Selection(resources, version_of(resources))
        return found

    def retained(self, version: str) -> "Selection | None":
        """Return what this selection and some older one became under a version of their own."""
        made = (each for each in self._retaining.values() if each.version == version)
        return next(made, None)

    def only(self, names: frozenset[str]) -> "Selection":
        """Return the part of this selection that goes by some names, or aliases."""
        kept = {name: each for name, each in self.resources.items() if _goes_by(each, names)}
        return self if len(kept) == len(self.resources) else self.part(kept)


@final
class Collection:
    """All resources of one type, and the selections of them, which streams share."""

    __slots__ = ("_aliases", "_named", "everything")

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        self.everything = Selection(resources, version_of(resources))
        # Forgotten with the last stream that holds one.
        self._named: WeakValueDictionary[frozenset[str], Selection] = WeakValueDictionary()
        self._aliases: Mapping[str, str] | None = None

    def named(self, names: frozenset[str], *, is_complete: bool) -> Selection:
        """Return those that have some names, or aliases.

        Where a response is the complete truth about its type, the version tells the names, too.
        """
        found = self._named.get(names)
        if found is None:
            version = self.everything.version
            own = named_version(version, names) if is_complete else version
            found = self._named[names] = Selection(self._select(names), own)
        return found

    def _select(self, names: frozenset[str]) -> Mapping[str, Resource]:
        resources = self.everything.resources
        if self._aliases is None:
            self._aliases = {
                alias: each.name for each in resources.values() for alias in each.aliases
            }
        wanted = (name if name in resources else self._aliases.get(name) for name in sorted(names))
        return {name: resources[name] for name in wanted if name is not None}


def _goes_by(resource: Resource, names: frozenset[str]) -> bool:
    return resource.name in names or not names.isdisjoint(resource.aliases)


def named_version(version: str, names: frozenset[str]) -> str:
    """Return the version of what some names select from everything under a version."""
    return f"{version}:{digest(*(name.encode() for name in sorted(names)))}"


def version_of(named: Mapping[str, Resource]) -> str:
    """Return the version of some resources of one type together."""
    return digest(*(f"{name}={named[name].version}".encode() for name in sorted(named)))


NOTHING: Final = Selection({}, "")
