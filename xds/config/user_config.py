"""Know dialect B: `version: v0.1` with `providers.models[].endpoints`, of `vllm-sr` up to v0.2."""

from collections.abc import Iterator, Mapping
from typing import Any

from xds.config.document import Document
from xds.config.problems import Path
from xds.config.providers import MODELS, ProvidersReader
from xds.config.providers_schema import (
    ELSEWHERE_IN_USER,
    KNOWN_OF_BACKEND,
    KNOWN_OF_USER,
    KNOWN_OF_USER_MODEL,
    KNOWN_OF_USER_PROVIDERS,
    NAMES_OF_USER,
    UserConfig,
    UserEndpoint,
    UserModel,
)
from xds.config.reading import Entries, Reading
from xds.config.settings import Settings


def read(
    document: Document, settings: Settings, last: Entries, environment: Mapping[str, str]
) -> Reading:
    """Return what a document of dialect B says."""
    return _Reader(document, settings, last, environment=environment).read()


class _Reader(ProvidersReader):
    config = UserConfig
    model = UserModel
    backend = UserEndpoint
    backends = "endpoints"
    others = ("backend_refs", "v0.3")
    names = NAMES_OF_USER
    elsewhere = ELSEWHERE_IN_USER
    known = KNOWN_OF_USER
    known_of_providers = KNOWN_OF_USER_PROVIDERS
    known_of_model = KNOWN_OF_USER_MODEL
    known_of_backend = KNOWN_OF_BACKEND

    def loras(self, data: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
        for index, item in enumerate(data["providers"]["models"] if self.bases else ()):
            loras = item.get("loras") if isinstance(item, dict) else None
            for number, lora in enumerate(loras if isinstance(loras, list) else ()):
                name = lora.get("name") if isinstance(lora, dict) else None
                if isinstance(name, str) and isinstance(item.get("name"), str):
                    yield (*MODELS, index, "loras", number, "name"), name, item["name"]

    def default_path(self, data: Mapping[str, Any]) -> Path:  # noqa: ARG002  where C asks
        return ("providers", "default_model")
