"""Know how any dialect is read: what is right becomes a gateway, and every mistake is gathered."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, TypeVarTuple

from xds.config.document import Document
from xds.config.fields import MAX_WEIGHT
from xds.config.gateway import Endpoint, Gateway
from xds.config.places import mapping, replaced, sequence, standing
from xds.config.problems import Path, Problem, listed, nearest
from xds.config.settings import EndpointSettings, Settings
from xds.config.upstreams import Upstream
from xds.config.validation import unknown_key

# The router ignores what it does not know, and so do we, but not what is nearly a known key.
_NEARLY: Final = 0.75

Said = TypeVar("Said")
Made = TypeVar("Made")
Given = TypeVarTuple("Given")


@dataclass(frozen=True, slots=True)
class Entries(Generic[Said]):
    """What each of some entries says, by its identity, unless there is a warning of it.

    The entries are held, so that nothing else gets the identity of one.
    """

    held: Sequence[object] = ()
    said: Mapping[int, Said] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What was made of a file without mistakes.

    `entries` are those of each section; `made` has what was made of several together, by a name,
    beside what it was made of.
    """

    entries: dict[Path, Entries[Any]] = field(default_factory=dict)
    made: dict[Hashable, tuple[tuple[object, ...], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says; the gateway is whole only where there are no problems.

    `has_listeners` tells whether it says itself where clients connect; `known` is for the reading
    after this one.
    """

    gateway: Gateway
    endpoint_names: tuple[str, ...]
    model_names: tuple[str, ...]
    known: Known
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    has_listeners: bool = False


@dataclass
class Reader:
    """Reads as much as can be read, and gathers what is wrong with the rest.

    `last` is what is known from an earlier document in the same dialect, whose values this one
    shares, under the same settings and environment.
    """

    document: Document
    settings: Settings
    last: Known = field(default_factory=Known)
    known: Known = field(default_factory=Known)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def each(
        self,
        section: Path,
        entries: Sequence[Any],
        say: Callable[[Path, Any], Said],
        keys: Sequence[str | int] = (),
    ) -> list[Said]:
        """Return what each entry of a section says, which may depend on nothing but the entry.

        Only those that are not known are read; `keys` tells where they stand, if not in a list.
        """
        known = self.last.entries.get(section, Entries())
        said, self.known.entries[section] = self.recall(section, entries, say, known, keys)
        return said

    def recall(
        self,
        section: Path,
        entries: Sequence[Any],
        say: Callable[[Path, Any], Said],
        known: Entries[Said],
        keys: Sequence[str | int] = (),
    ) -> tuple[list[Said], Entries[Said]]:
        """Return what `each` does, given what is known, and what is known afterwards.

        That is not an entry of which there is a warning, as that has to be told each time with its
        place. What is known of a file with mistakes is of no use.
        """
        identities = list(map(id, entries))
        said: list[Any] = list(map(known.said.get, identities))
        kept = dict(zip(identities, said, strict=True))
        for index in [index for index, one in enumerate(said) if one is None]:
            warnings = len(self.warnings)
            path = (*section, keys[index] if keys else index)
            kept[identities[index]] = said[index] = say(path, entries[index])
            if len(self.warnings) > warnings:
                del kept[identities[index]]
        return said, Entries(entries, kept)

    def once(self, name: Hashable, make: Callable[[*Given], Made], *given: *Given) -> Made:
        """Return what is made of something, which is not made again if it was of equal values."""
        known = self.last.made.get(name)
        warnings = len(self.warnings)
        made: Made = make(*given) if known is None or known[0] != given else known[1]
        if len(self.warnings) == warnings:
            self.known.made[name] = given, made
        return made

    def error(self, path: Path, text: str, *, key: bool = False) -> None:
        """Add a mistake that forbids to use the file."""
        self.problems.append(self.document.problem(path, text, key=key))

    def warn(self, path: Path, text: str, *, key: bool = False) -> None:
        """Add something that the author should know."""
        self.warnings.append(self.document.problem(path, text, key=key, is_warning=True))

    def check_keys(self, path: Path, item: Mapping[str, object], known: Sequence[str]) -> None:
        """Refuse keys that are nearly known ones."""
        for key in item:
            if key not in known and nearest(key, known, cutoff=_NEARLY):
                self.error((*path, key), unknown_key(key, known), key=True)

    def check_form(self, path: Path, value: object, elsewhere: Mapping[str, str]) -> None:
        """Refuse what only another form of the file has; `elsewhere` tells what to write here."""
        for place, right in elsewhere.items():
            for steps, found in standing(value, place):
                if found not in (None, "", []):
                    text = f"is of another form of the file and not read here; write {right}"
                    self.error((*path, *steps), text, key=True)

    def check_names(
        self,
        path: Path,
        value: Any,  # noqa: ANN401  any YAML value
        places: Collection[str],
        mappings: Collection[str] = (),
    ) -> Any:  # noqa: ANN401
        """Refuse names with spaces around them, also where the keys of mappings are names.

        Return the value without these spaces, so that they make nothing else wrong.
        """
        found = (one for place in places for one in standing(value, place))
        spaced = {steps: name for steps, name in found if _is_spaced(name)}
        for steps, name in spaced.items():
            self.error((*path, *steps), _spaced(name))
        value = replaced(value, {steps: name.strip() or name for steps, name in spaced.items()})
        for place in mappings:
            entries = mapping(mapping(value).get(place))
            if keys := [key for key in entries if _is_spaced(key)]:
                for key in keys:
                    self.error((*path, place, key), _spaced(key), key=True)
                value = {
                    **value,
                    place: {key.strip() or key: each for key, each in entries.items()},
                }
        return value

    def check_unique(self, places: dict[str, Path], name: str, path: Path, what: str) -> None:
        """Refuse a name that stands elsewhere, and remember where this one stands."""
        first = places.setdefault(name, path)
        if first != path:
            line = self.document.line(first)
            text = f'there is already {what} named "{name}", in {line}; rename one of the two'
            self.error(path, text)

    def check_all_unique(
        self, names: Collection[str], standing: Iterable[tuple[Path, str]], what: str
    ) -> None:
        """Refuse names that stand twice; `standing`, where each stands, is only then asked."""
        if len(set(names)) < len(names):
            places: dict[str, Path] = {}
            for path, name in standing:
                self.check_unique(places, name, path, what)

    def endpoint(self, name: str, server: Upstream, weight: int) -> Endpoint:
        """Return an endpoint, with what the settings add to it."""
        own = self.settings.endpoints.get(name, EndpointSettings())
        return Endpoint(
            name=name,
            address=server.address,
            port=server.port,
            weight=weight,
            priority=own.priority,
            zone=own.zone,
            tls=server.tls,
            path=server.path,
        )

    def check_pool(self, path: Path, who: str, endpoints: Sequence[Endpoint], cure: str) -> None:
        """Refuse endpoints that can not serve together; `cure` is for those of different paths."""
        total = sum(endpoint.weight for endpoint in endpoints)
        if endpoints and total == 0:
            text = f"all endpoints of {who} are drained; give one of them a weight of 1 or more"
            self.error(path, text)
        if total > MAX_WEIGHT:
            text = f"the weights of {who} add up to {total}; make that at most {MAX_WEIGHT}"
            self.error(path, text)
        # A request has got its path before Envoy chooses the endpoint.
        paths = dict.fromkeys(endpoint.path or "/v1" for endpoint in endpoints)
        if len(paths) > 1:
            text = f"the endpoints of {who} have different paths, {listed(paths)}; "
            if self.settings.router:
                self.warn(path, f"{text}the router has to write the right one into each request")
            else:
                self.error(path, f"{text}{cure}")

    def check_model_pool(self, path: Path, model: str, endpoints: Sequence[Endpoint]) -> None:
        """Refuse endpoints that can not serve one model."""
        cure = "write one path, or make two models of them"
        self.check_pool(path, f'model "{model}"', endpoints, cure)

    def check_gateway_pool(self, path: Path, endpoints: Sequence[Endpoint]) -> None:
        """Refuse endpoints that can not all take the requests that no model takes."""
        cure = "set `default_model`, which takes the requests without a model"
        self.check_pool(path, "the gateway", endpoints, cure)


def loras(entry: object) -> tuple[tuple[int, str], ...]:
    """Return the LoRA names of a model that was not validated, each with its place."""
    names = (mapping(lora).get("name") for lora in sequence(mapping(entry).get("loras")))
    return tuple((index, name) for index, name in enumerate(names) if isinstance(name, str))


def _is_spaced(name: object) -> bool:
    return isinstance(name, str) and name != name.strip()


def _spaced(name: str) -> str:
    bare = name.strip()
    right = f'"{bare}"' if bare else "a name"
    return f'"{name}" begins or ends with a space; write {right}'
