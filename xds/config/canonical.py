"""Know dialect C: `version: v0.3` with `providers.models[].backend_refs`, as routers read it today.

https://vllm-semantic-router.com/docs/installation/configuration
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xds.config.document import Document
from xds.config.gateway import HealthCheck, OutlierDetection, Resilience, Retry
from xds.config.places import at, mapping, sequence
from xds.config.problems import Path, unknown
from xds.config.providers import Adapters, ProvidersReader, places
from xds.config.providers_entries import MODELS, Said
from xds.config.providers_schema import (
    ELSEWHERE_IN_CANONICAL,
    ELSEWHERE_IN_CANONICAL_MODEL,
    KNOWN_OF_BACKEND,
    KNOWN_OF_CANONICAL,
    KNOWN_OF_CANONICAL_MODEL,
    KNOWN_OF_CANONICAL_PROVIDERS,
    KNOWN_OF_CARD,
    KNOWN_OF_RELIABILITY,
    NAMES_OF_CANONICAL,
    NAMES_OF_CARD,
    BackendRef,
    CanonicalConfig,
    CanonicalModel,
    ModelCard,
    ModelEntry,
    Reliability,
)
from xds.config.reading import Known, Reading, loras
from xds.config.settings import Settings
from xds.config.validation import validate

VERSION = "v0.3"
_CARDS: Path = ("routing", "modelCards")


def read(
    document: Document, settings: Settings, last: Known, environment: Mapping[str, str]
) -> Reading:
    """Return what a document of dialect C says."""
    return _Reader(document, settings, last, environment=environment).read()


@dataclass(frozen=True, slots=True)
class _Card:
    """What an item of `routing.modelCards` says."""

    name: str
    loras: tuple[tuple[int, str], ...]


class _Reader(ProvidersReader):
    config = CanonicalConfig
    model = CanonicalModel
    backend = BackendRef
    backends = "backend_refs"
    others = ("endpoints", "v0.1")
    sections = (MODELS, _CARDS)
    names = NAMES_OF_CANONICAL
    names_of_model = ("name",)
    elsewhere = ELSEWHERE_IN_CANONICAL
    elsewhere_of_model = ELSEWHERE_IN_CANONICAL_MODEL
    known_of_config = KNOWN_OF_CANONICAL
    known_of_providers = KNOWN_OF_CANONICAL_PROVIDERS
    known_of_model = KNOWN_OF_CANONICAL_MODEL
    known_of_backend = KNOWN_OF_BACKEND

    def check_file(self, data: Mapping[str, Any]) -> None:
        version = data.get("version")
        if version is not None and str(version) not in {VERSION, VERSION.removeprefix("v")}:
            self.warn(("version",), f"is not known here and read as {VERSION}; check the result")

    def listed_loras(self, data: Mapping[str, Any], models: Sequence[Said]) -> list[Adapters]:
        faultless = len(self.problems)
        cards = self._cards(data)
        if cards and len(self.problems) == faultless:
            self._check_listed(cards, models)
        return [(path, name, card.loras) for name, (path, card) in cards.items()]

    def misplaced_loras(
        self,
        data: Mapping[str, Any],  # noqa: ARG002  where B looks
        models: Sequence[Said],
    ) -> Iterable[str]:
        return (lora for one in models for _, lora in one.loras)

    def _check_listed(self, cards: Collection[str], models: Sequence[Said]) -> None:
        """Refuse models without a card, where there are cards."""
        told: set[str] = set()
        for path, name in places(models):
            if name not in cards and name not in told:
                said = unknown("model card", name, cards)
                self.error(path, f"{said}; `routing.modelCards` must list it")
                told.add(name)

    def _cards(self, data: Mapping[str, Any]) -> dict[str, tuple[Path, _Card]]:
        """Return the first card of each name, and where it stands."""
        cards = self.each(_CARDS, sequence(at(data, _CARDS)), self._card)
        found: dict[str, tuple[Path, _Card]] = {}
        for index, card in enumerate(cards):
            if card is not None:
                found.setdefault(card.name, ((*_CARDS, index), card))
        standing = (
            ((*_CARDS, index, "name"), card.name) for index, card in enumerate(cards) if card
        )
        self.check_all_unique([card.name for card in cards if card], standing, "a model card")
        return found

    def _card(self, path: Path, raw: object) -> _Card | None:
        card = self.check_names(path, self.filled(path, raw), NAMES_OF_CARD)
        self.check_keys(path, mapping(card), KNOWN_OF_CARD)
        read = validate(self.document, ModelCard, card, path, self.problems)
        return _Card(read.name, loras(card)) if read else None

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
