"""Know how any dialect is read: what is right becomes a gateway, and every mistake is gathered."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from xds.config.document import Document
from xds.config.fields import MAX_WEIGHT
from xds.config.gateway import Endpoint, Gateway
from xds.config.places import at, standing, values
from xds.config.problems import Path, Problem, listed, nearest
from xds.config.settings import EndpointSettings, Settings
from xds.config.upstreams import Upstream
from xds.config.validation import unknown_key

# The router ignores what it does not know, and so do we, but not what is nearly a known key.
_NEARLY: Final = 0.75

# What entries say that name an endpoint, by all that it depends on but the settings.
Entries = Mapping[Hashable, Endpoint]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says; the gateway is whole only where there are no problems.

    `has_listeners` tells whether it says itself where clients connect; `entries` are those in
    which nothing is wrong.
    """

    gateway: Gateway
    endpoint_names: tuple[str, ...]
    model_names: tuple[str, ...]
    entries: Entries
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    has_listeners: bool = False


@dataclass
class Reader:
    """Reads as much as can be read, and gathers what is wrong with the rest.

    `last` are the entries of an earlier reading under the same settings.
    """

    document: Document
    settings: Settings
    last: Entries = field(default_factory=dict)
    entries: dict[Hashable, Endpoint] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

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

    def check_form(self, data: Mapping[str, Any], elsewhere: Mapping[str, str]) -> None:
        """Refuse what only another form of the file has; `elsewhere` tells what to write here."""
        for place, right in elsewhere.items():
            for path, value in standing(data, place):
                if value not in (None, "", []):
                    text = f"is of another form of the file and not read here; write {right}"
                    self.error(path, text, key=True)

    def check_names(
        self, data: dict[str, Any], places: Collection[str], mappings: Collection[str] = ()
    ) -> dict[str, Any]:
        """Refuse names with spaces around them, also where the keys of mappings are names.

        Return data without these spaces, so that they make nothing else wrong.
        """
        spaced = [place for place in places if any(map(_is_spaced, values(data, place)))]
        wrong = [one for place in spaced for one in standing(data, place) if _is_spaced(one[1])]
        keys = [
            path
            for mapping in mappings
            for path, _ in standing(data, f"{mapping}.*")
            if _is_spaced(path[-1])
        ]
        for path, name in wrong:
            self.error(path, _spaced(name))
        for path in keys:
            self.error(path, _spaced(str(path[-1])), key=True)
        return _without_spaces(data, wrong, keys) if wrong or keys else data

    def check_unique(self, places: dict[str, Path], name: str, path: Path, what: str) -> None:
        """Refuse a name that stands elsewhere, and remember where this one stands."""
        first = places.setdefault(name, path)
        if first != path:
            line = self.document.line(first)
            text = f'there is already {what} named "{name}", in {line}; rename one of the two'
            self.error(path, text)

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

    def once(
        self,
        item: object,
        fields: Collection[str],
        given: Hashable,
        read: Callable[[], Endpoint | None],
    ) -> Endpoint | None:
        """Return the endpoint that an entry names, which is read only if it is not known.

        That depends on which keys the entry has, on the values of some fields, and on what else is
        given. An entry with something wrong in it is read each time, as what is wrong has to be
        told with its place.
        """
        said = mapping(item)
        its = tuple(map(said.get, fields))
        # As values, 1 and True are equal.
        key = (type(self), tuple(said), its, tuple(map(type, its)), given)
        try:
            found = self.last.get(key)
        except TypeError:
            # A list or a mapping stands where it is wrong.
            return read()
        if found is None:
            faultless = len(self.problems), len(self.warnings)
            found = read()
            if found is None or (len(self.problems), len(self.warnings)) != faultless:
                return found
        self.entries[key] = found
        return found

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


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping, or an empty one in the place of anything else, which is told elsewhere."""
    return value if isinstance(value, dict) else {}


def _is_spaced(name: object) -> bool:
    return isinstance(name, str) and name != name.strip()


def _spaced(name: str) -> str:
    bare = name.strip()
    right = f'"{bare}"' if bare else "a name"
    return f'"{name}" begins or ends with a space; write {right}'


def _without_spaces(
    data: dict[str, Any], values: list[tuple[Path, Any]], keys: list[Path]
) -> dict[str, Any]:
    mended = deepcopy(data)
    for path, name in values:
        at(mended, path[:-1])[path[-1]] = name.strip() or name
    for mapping in {str(path[0]) for path in keys}:
        items = mended[mapping].items()
        mended[mapping] = {key.strip() or key: each for key, each in items}
    return mended
