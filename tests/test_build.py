"""What is built anew when the files change; the work is counted, not timed."""

import gc
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from betterproto2 import Message

from config.test_hypothesis import dumped
from xds.build import build
from xds.config import scalars, sharing, tree
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


def of_dialect(dialect: str, models: int, endpoints: int, weight: int) -> bytes:
    """Return a fleet in which the first of the two endpoints of the second model has some weight.

    All other models have some number of endpoints.
    """
    names = [f"model-{number}" for number in range(models)]
    servers = [
        [(f"e{each}", f"10.{model // 200}.{model % 200}.{each}") for each in range(endpoints)]
        for model in range(models)
    ]
    del servers[1][2:]
    weights = [[1] * len(pool) for pool in servers]
    weights[1][0] = weight
    if dialect == "A":
        listed = [
            {"name": f"{model}-{name}", "address": address, "port": 8000, "weight": its}
            for model, pool, own in zip(names, servers, weights, strict=True)
            for (name, address), its in zip(pool, own, strict=True)
        ]
        pools = {
            model: {"preferred_endpoints": [f"{model}-{name}" for name, _ in pool]}
            for model, pool in zip(names, servers, strict=True)
        }
        return dumped({"vllm_endpoints": listed, "model_config": pools, "default_model": "model-0"})
    key, version = ("endpoints", "v0.1") if dialect == "B" else ("backend_refs", "v0.3")
    default = {"default_model": "model-0"}
    items = [
        {
            "name": model,
            key: [
                {"name": name, "endpoint": f"{address}:8000", "weight": its}
                for (name, address), its in zip(pool, own, strict=True)
            ],
        }
        for model, pool, own in zip(names, servers, weights, strict=True)
    ]
    providers = {"models": items, **(default if dialect == "B" else {"defaults": default})}
    return dumped({"version": version, "providers": providers})


def calls_of_an_edit(dialect: str, models: int, endpoints: int) -> int:
    """Return how many functions are called when an endpoint is edited, after the YAML.

    The second time, when what is the same for all fleets is there already.
    """
    first = load(Source("config.yaml", of_dialect(dialect, models, endpoints, 1)))
    built = build(first.gateway)
    source = Source("config.yaml", of_dialect(dialect, models, endpoints, 3))
    parsed = {tree.__file__, sharing.__file__, scalars.__file__}
    build(load(source, last=first).gateway, built)
    calls = 0

    def called(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        name = frame.f_code.co_filename
        calls += event == "call" and "/xds/" in name and name not in parsed

    sys.setprofile(called)
    try:
        build(load(source, last=first).gateway, built)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("dialect", ["A", "B", "C"])
def test_nothing_is_called_for_an_endpoint_that_was_left_alone(dialect: str) -> None:
    assert calls_of_an_edit(dialect, 40, 20) == calls_of_an_edit(dialect, 40, 2)


@pytest.mark.parametrize("dialect", ["A", "B", "C"])
def test_next_to_nothing_is_called_for_a_model_that_was_left_alone(dialect: str) -> None:
    few, many = (calls_of_an_edit(dialect, models, 2) for models in (20, 120))

    assert (many - few) / 100 < 20


@pytest.mark.parametrize("dialect", ["A", "B", "C"])
def test_what_was_before_an_edit_is_gone_at_once(dialect: str) -> None:
    first = load(Source("config.yaml", of_dialect(dialect, 5, 2, 1)))
    built = build(first.gateway)
    last = load(Source("config.yaml", of_dialect(dialect, 5, 2, 2)), last=first)
    built = build(last.gateway, built)
    gc.collect()
    gc.disable()
    try:
        last = load(Source("config.yaml", of_dialect(dialect, 5, 2, 3)), last=last)
        built = build(last.gateway, built)

        # Nothing refers to itself, and so waits for the collector, which looks seldom.
        assert gc.collect() == 0
    finally:
        gc.enable()
