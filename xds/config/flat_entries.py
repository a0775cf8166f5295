"""Know what an entry of `vllm_endpoints` or `model_config` says, whatever else the file says."""

from collections.abc import Mapping
from dataclasses import dataclass

from xds.config.addresses import canonical, faults
from xds.config.flat_schema import (
    KNOWN_OF_ENDPOINT,
    KNOWN_OF_MODEL,
    KNOWN_OF_PROFILE,
    LEFT_OVERS,
    NAMES_OF_ENDPOINT,
    NAMES_OF_MODEL,
    FlatEndpoint,
    FlatModel,
    FlatProfile,
    ProfiledEndpoint,
)
from xds.config.gateway import Endpoint
from xds.config.places import mapping, sequence
from xds.config.problems import Path
from xds.config.reading import Reader, loras
from xds.config.upstreams import Upstream, api_path, path_faults, upstream, upstream_faults
from xds.config.validation import validate


@dataclass(frozen=True, slots=True)
class EndpointEntry:
    """What an entry of `vllm_endpoints` says; `endpoint` is None if a profile has to place it.

    Both that and `profiled` are None if there is a mistake in it.
    """

    name: str
    model: str
    profile: str
    endpoint: Endpoint | None
    profiled: ProfiledEndpoint | None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What a value of `model_config` says; in the place of what is no name, "" is preferred."""

    preferred: tuple[str, ...]
    loras: tuple[tuple[int, str], ...]
    is_right: bool


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """What a value of `provider_profiles` says; no server where there is no URL, or a wrong one."""

    url: str | None
    server: Upstream | None


class EntryReader(Reader):
    """Reads entries of dialect A."""

    def endpoint_entry(self, path: Path, entry: object) -> EndpointEntry:
        """Return what an entry of `vllm_endpoints` says."""
        entry = self.check_names(path, entry, NAMES_OF_ENDPOINT)
        faultless = len(self.problems)
        said = mapping(entry)
        self.check_keys(path, said, KNOWN_OF_ENDPOINT)
        for key in LEFT_OVERS.keys() & said.keys():
            self.warn((*path, key), LEFT_OVERS[key], key=True)
        by_profile = said.get("provider_profile")
        read = self._profiled(path, said) if by_profile else self._addressed(path, entry)
        if len(self.problems) > faultless:
            read = None
        name, model, profile = (_text(said.get(key)) for key in NAMES_OF_ENDPOINT)
        return EndpointEntry(
            name,
            model,
            profile,
            self._endpoint(read) if isinstance(read, FlatEndpoint) else None,
            read if isinstance(read, ProfiledEndpoint) else None,
        )

    def _addressed(self, path: Path, entry: object) -> FlatEndpoint | None:
        self._check_address(path, mapping(entry))
        read = validate(self.document, FlatEndpoint, entry, path, self.problems)
        for fault in path_faults(read.path) if read else ():
            self.error((*path, "path"), fault)
        return read

    def _endpoint(self, read: FlatEndpoint) -> Endpoint:
        address, tls = canonical(read.address.strip()), read.protocol == "https"
        server = Upstream(address, read.port, tls, api_path(read.path))
        return self.endpoint(read.name, server, read.weight)

    def _check_address(self, path: Path, said: Mapping[str, object]) -> None:
        address = said.get("address")
        if isinstance(address, str):
            allow = self.settings.allow_domain_names
            name = said.get("name")
            who = f'endpoint "{name}": ' if isinstance(name, str) else ""
            for fault in faults(address, allow_domain_names=allow):
                self.error((*path, "address"), f"{who}{fault}")

    def _profiled(self, path: Path, said: Mapping[str, object]) -> ProfiledEndpoint | None:
        for key in ("address", "port"):
            if said.get(key):
                text = "is not used: `provider_profile` says where the endpoint is; leave it out"
                self.warn((*path, key), text, key=True)
        return validate(self.document, ProfiledEndpoint, said, path, self.problems)

    def profile_entry(self, path: Path, entry: object) -> ProfileEntry | None:
        """Return what a value of `provider_profiles` says; None where it has a mistake."""
        self.check_keys(path, mapping(entry), KNOWN_OF_PROFILE)
        read = validate(self.document, FlatProfile, entry, path, self.problems)
        if read is None:
            return None
        if not read.base_url:
            return ProfileEntry(read.base_url, None)
        wrong = upstream_faults(read.base_url, url=True)
        for fault in wrong:
            self.error((*path, "base_url"), fault)
        return ProfileEntry(read.base_url, None if wrong else upstream(read.base_url))

    def model_entry(self, path: Path, entry: object) -> ModelEntry:
        """Return what a value of `model_config` says."""
        entry = self.check_names(path, entry, NAMES_OF_MODEL)
        # `"qwen3":` with nothing behind it is a model with nothing to say.
        said = {} if entry is None else entry
        self.check_keys(path, mapping(said), KNOWN_OF_MODEL)
        read = validate(self.document, FlatModel, said, path, self.problems)
        preferred = map(_text, sequence(mapping(said).get("preferred_endpoints")))
        return ModelEntry(tuple(preferred), loras(said), read is not None)


def _text(value: object) -> str:
    """Return a text, or nothing in the place of anything else, which is told elsewhere."""
    return value if isinstance(value, str) else ""
