"""Know dialect B: `version: v0.1` with `providers.models[].endpoints`, of `vllm-sr` up to v0.2."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xds.config.document import Document
from xds.config.places import standing
from xds.config.problems import Path
from xds.config.providers import Adapters, ProvidersReader
from xds.config.providers_entries import MODELS, Said
from xds.config.providers_schema import (
    ELSEWHERE_IN_USER,
    ELSEWHERE_IN_USER_MODEL,
    KNOWN_OF_BACKEND,
    KNOWN_OF_USER,
    KNOWN_OF_USER_MODEL,
    KNOWN_OF_USER_PROVIDERS,
    NAMES_OF_USER,
    UserConfig,
    UserEndpoint,
    UserModel,
)
from xds.config.reading import Known, Reading
from xds.config.settings import Settings


def read(
    document: Document, settings: Settings, last: Known, environment: Mapping[str, str]
) -> Reading:
    """Return what a document of dialect B says."""
    return _Reader(document, settings, last, environment=environment).read()


class _Reader(ProvidersReader):
    config = UserConfig
    model = UserModel
    backend = UserEndpoint
    backends = "endpoints"
    others = ("backend_refs", "v0.3")
    sections = (MODELS,)
    names = NAMES_OF_USER
    names_of_model = ("name", "loras.*.name")
    elsewhere = ELSEWHERE_IN_USER
    elsewhere_of_model = ELSEWHERE_IN_USER_MODEL
    known_of_config = KNOWN_OF_USER
    known_of_providers = KNOWN_OF_USER_PROVIDERS
    known_of_model = KNOWN_OF_USER_MODEL
    known_of_backend = KNOWN_OF_BACKEND

    def listed_loras(
        self,
        data: Mapping[str, Any],  # noqa: ARG002  where C looks
        models: Sequence[Said],
    ) -> list[Adapters]:
        return [
            ((*MODELS, index), one.name, one.loras)
            for index, one in enumerate(models)
            if one.name and one.loras
        ]

    def misplaced_loras(
        self,
        data: Mapping[str, Any],
        models: Sequence[Said],  # noqa: ARG002  where C looks
    ) -> Iterable[str]:
        return (str(name) for _, name in standing(data, "routing.modelCards.*.loras.*.name"))

    def default_path(self, data: Mapping[str, Any]) -> Path:  # noqa: ARG002  where C asks
        return ("providers", "default_model")

    def check_model(self, path: Path, item: Mapping[str, Any]) -> None:
        """Check nothing, as both dialects have what this one has in a model."""
