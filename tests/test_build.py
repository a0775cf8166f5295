"""What is built anew when the files change; the work is counted, not timed."""

from pathlib import Path
from typing import Any

import pytest
from betterproto2 import Message

from xds.build import build
from xds.config.flat_schema import FlatEndpoint
from xds.config.gateway import Gateway
from xds.config.load import Source, load
from xds.config.validation import validate
from xds.files import Files
from xds.publisher import Publisher
from xds.references import Reference, references
from xds.resources import Resource
from xds.store import SnapshotStore
from xds.wire.codec import encode

MODELS, ENDPOINTS = 50, 4


def fleet(weight: int = 1, models: int = MODELS, default: str = "model-0") -> str:
    """Return a configuration in which the first endpoint of the second model has some weight."""
    names = [
        [f"endpoint-{model}-{number}" for number in range(ENDPOINTS)] for model in range(models)
    ]
    endpoints = "".join(
        f"  - {{name: {name}, address: 10.0.{model}.{number}, port: 8000, "
        f"weight: {weight if (model, number) == (1, 0) else 1}}}\n"
        for model, pool in enumerate(names)
        for number, name in enumerate(pool)
    )
    pools = "".join(
        f"  model-{model}: {{preferred_endpoints: [{', '.join(pool)}]}}\n"
        for model, pool in enumerate(names)
    )
    by_default = f"default_model: {default}\n" if default else ""
    return f"vllm_endpoints:\n{endpoints}model_config:\n{pools}{by_default}"


def gateway(text: str) -> Gateway:
    return load(Source("config.yaml", text.encode())).gateway


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that every resource joins when it is encoded."""
    names: list[str] = []

    def counted(message: Message) -> bytes:
        names.append(getattr(message, "cluster_name", "") or message.name)  # type: ignore[attr-defined]
        return encode(message)

    monkeypatch.setattr("xds.build.encode", counted)
    return names


def test_everything_is_encoded_at_first(encoded: list[str]) -> None:
    first = build(gateway(fleet()))

    assert len(encoded) == 2 * MODELS + 2
    assert {resource.body for resource in first.resources.values()} == {
        resource.body for named in first.snapshot.resources.values() for resource in named.values()
    }


def test_nothing_is_encoded_again_for_the_same(encoded: list[str]) -> None:
    first = build(gateway(fleet()))
    encoded.clear()

    again = build(gateway(fleet() + "# a comment\n"), first)

    assert encoded == []
    assert again.snapshot == first.snapshot


@pytest.mark.parametrize("default", ["model-0", ""])
def test_an_edited_endpoint_costs_the_pools_that_it_is_in(encoded: list[str], default: str) -> None:
    first = build(gateway(fleet(default=default)))
    encoded.clear()

    edited = build(gateway(fleet(weight=3, default=default)), first)

    pools = ["model/model-1"] if default else ["model/model-1", "all-endpoints"]
    assert sorted(encoded) == sorted(2 * pools)
    assert edited.snapshot == build(gateway(fleet(weight=3, default=default))).snapshot


@pytest.mark.parametrize("models", [10, 50])
def test_the_work_of_an_edit_does_not_grow_with_the_fleet(encoded: list[str], models: int) -> None:
    first = build(gateway(fleet(models=models)))
    encoded.clear()

    build(gateway(fleet(weight=3, models=models)), first)

    assert len(encoded) == 2


def test_a_removed_model_costs_the_routes_and_the_listener(encoded: list[str]) -> None:
    first = build(gateway(fleet()))
    encoded.clear()

    smaller = build(gateway(fleet(models=MODELS - 1)), first)

    assert len(encoded) == 2
    assert smaller.snapshot == build(gateway(fleet(models=MODELS - 1))).snapshot
    assert len(smaller.resources) == len(first.resources) - 2


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that every entry of a file joins when it is read, and every resource."""
    names: list[str] = []

    def read(document: Any, model: type[Any], value: Any, *rest: Any) -> Any:
        if model is FlatEndpoint:
            names.append(value["name"])
        return validate(document, model, value, *rest)

    def searched(resource: Resource) -> frozenset[Reference]:
        names.append(resource.name)
        return references(resource)

    monkeypatch.setattr("xds.config.flat_entries.validate", read)
    monkeypatch.setattr("xds.snapshot.references", searched)
    return names


async def test_a_published_edit_takes_over_what_was_published(
    encoded: list[str], looked_at: list[str], tmp_path: Path
) -> None:
    files = Files(tmp_path / "config.yaml")
    publisher = Publisher(files, SnapshotStore())
    every = 2 * MODELS + 2
    for weight, made, seen in ((1, every, MODELS * ENDPOINTS + every), (3, 2, 2), (1, 2, 2)):
        files.config.write_text(fleet(weight))
        encoded.clear()
        looked_at.clear()

        await publisher.publish()

        assert len(encoded) == made
        # The entry, and the load assignment that it is in; its cluster became the same again.
        assert len(looked_at) == seen
