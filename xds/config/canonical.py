"""Know dialect C: `version: v0.3` with `providers.models[].backend_refs`, as routers read it today.

https://vllm-semantic-router.com/docs/installation/configuration
"""

from collections.abc import Iterator, Mapping
from typing import Any

from xds.config.document import Document
from xds.config.gateway import HealthCheck, OutlierDetection, Resilience, Retry
from xds.config.problems import Path, unknown
from xds.config.providers import ProvidersReader
from xds.config.providers_schema import (
    ELSEWHERE_IN_CANONICAL,
    KNOWN_OF_BACKEND,
    KNOWN_OF_CANONICAL,
    KNOWN_OF_CANONICAL_MODEL,
    KNOWN_OF_CANONICAL_PROVIDERS,
    KNOWN_OF_CARD,
    KNOWN_OF_RELIABILITY,
    NAMES_OF_CANONICAL,
    BackendRef,
    CanonicalConfig,
    CanonicalModel,
    ModelCard,
    ModelEntry,
    Reliability,
)
from xds.config.reading import Entries, Reading
from xds.config.settings import Settings
from xds.config.validation import validate

VERSION = "v0.3"
_CARDS: Path = ("routing", "modelCards")


def read(
    document: Document, settings: Settings, last: Entries, environment: Mapping[str, str]
) -> Reading:
    """Return what a document of dialect C says."""
    return _Reader(document, settings, last, environment=environment).read()


class _Reader(ProvidersReader):
    config = CanonicalConfig
    model = CanonicalModel
    backend = BackendRef
    backends = "backend_refs"
    others = ("endpoints", "v0.1")
    names = NAMES_OF_CANONICAL
    elsewhere = ELSEWHERE_IN_CANONICAL
    known = KNOWN_OF_CANONICAL
    known_of_providers = KNOWN_OF_CANONICAL_PROVIDERS
    known_of_model = KNOWN_OF_CANONICAL_MODEL
    known_of_backend = KNOWN_OF_BACKEND

    def loras(self, data: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
        version = data.get("version")
        if version is not None and str(version) not in {VERSION, VERSION.removeprefix("v")}:
            self.warn(("version",), f"is not known here and read as {VERSION}; check the result")
        faultless = len(self.problems)
        cards = self._cards(data)
        if cards and len(self.problems) == faultless:
            for name in self.bases.keys() - cards.keys():
                said = unknown("model card", name, cards)
                self.error(self.places[name], f"{said}; `routing.modelCards` must list it")
        for name, (path, card) in cards.items():
            self.bases.setdefault(name, name)
            for index, lora in enumerate(card.loras):
                yield (*path, "loras", index, "name"), lora.name, name

    def _cards(self, data: Mapping[str, Any]) -> dict[str, tuple[Path, ModelCard]]:
        routing = data.get("routing")
        items = routing.get("modelCards") if isinstance(routing, dict) else None
        found: dict[str, tuple[Path, ModelCard]] = {}
        places: dict[str, Path] = {}
        for index, item in enumerate(items if isinstance(items, list) else []):
            path = (*_CARDS, index)
            if isinstance(item, dict):
                self.check_keys(path, item, KNOWN_OF_CARD)
            card = validate(self.document, ModelCard, item, path, self.problems)
            if card is not None:
                self.check_unique(places, card.name, (*path, "name"), "a model card")
                found.setdefault(card.name, (path, card))
        return found

    def default_path(self, data: Mapping[str, Any]) -> Path:
        providers = data.get("providers")
        defaults = providers.get("defaults") if isinstance(providers, dict) else None
        newer = isinstance(defaults, dict) and not defaults.get("default_model")
        return ("providers", "defaults", "model" if newer and defaults else "default_model")

    def check_model(self, path: Path, item: Mapping[str, Any]) -> None:
        reliability = item.get("reliability")
        if isinstance(reliability, dict):
            self.check_keys((*path, "reliability"), reliability, KNOWN_OF_RELIABILITY)

    def resilience(self, model: ModelEntry) -> Resilience:
        common = self.settings.resilience
        own = model.reliability if isinstance(model, CanonicalModel) else None
        return common if own is None else _resilience(own, common)


def _resilience(own: Reliability, common: Resilience) -> Resilience:
    """Return what `reliability` says, literally; it knows no limits of time and number."""
    check = None
    if own.health_check_path:
        check = HealthCheck(
            path=own.health_check_path,
            interval=own.health_check_interval,
            timeout=own.health_check_timeout,
        )
    return common.model_copy(
        update={
            "lb_policy": own.lb_policy,
            "retry": Retry(on=own.retry_on, attempts=own.retry_count),
            "outlier_detection": OutlierDetection(
                consecutive_5xx=own.consecutive_5xx,
                interval=common.outlier_detection.interval,
                base_ejection_time=own.base_ejection_time,
                max_ejection_percent=own.max_ejection_percent,
            ),
            "health_check": check,
        }
    )
