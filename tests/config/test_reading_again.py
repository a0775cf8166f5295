"""A file that is read again: what it says as before is not read anew, and that changes nothing."""

from collections import Counter
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.test_hypothesis import (
    CANONICAL,
    CONFIG,
    NESTED_SETTINGS,
    SETTINGS,
    UNHURRIED,
    USER,
    dumped,
    manifest,
    mutations,
)
from xds.config import flat, flat_entries, providers, providers_entries
from xds.config.load import Loaded, Source, load
from xds.config.problems import ConfigError, Problem
from xds.config.validation import validate

ENDPOINTS = 20
ENVIRONMENT = {"SET": "value", "HOST": "10.0.0.1"}


def read(config: bytes, own: bytes | None = None, last: Loaded | None = None) -> Loaded:
    settings = None if own is None else Source("settings.yaml", own)
    return load(Source("config.yaml", config), settings, last=last, environment=ENVIRONMENT)


def told(
    config: bytes, own: bytes | None, last: Loaded | None = None
) -> Loaded | tuple[Problem, ...]:
    """Return what two files say, or what is wrong with them."""
    try:
        return read(config, own, last)
    except ConfigError as refused:
        return refused.problems


Pools = dict[str, dict[str, int]]
Loras = dict[str, list[dict[str, str]]]

WEIGHTS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, 2]), min_size=1)
POOLS = st.dictionaries(st.sampled_from(["m", "n", "m_a"]), WEIGHTS, min_size=1)


@st.composite
def fleets(draw: st.DrawFn) -> bytes:
    """Return a file of some form, in which a few models have some of a few endpoints."""
    pools = draw(POOLS)
    loras = {name: draw(st.sampled_from([[], [{"name": "sql"}]])) for name in pools}
    match draw(st.sampled_from("ABC")):
        case "A":
            return dumped(flat_pools(pools, loras, draw(st.sampled_from("xy"))))
        case "B":
            models = nested_pools(pools, "endpoints")
            models = [model | {"loras": loras[model["name"]]} for model in models]
            return dumped({"version": "v0.1", "providers": {"models": models}})
        case _:
            models = nested_pools(pools, "backend_refs")
            cards = [{"name": name, "loras": its} for name, its in loras.items()]
            routing = {"modelCards": cards}
            return dumped({"version": "v0.3", "providers": {"models": models}, "routing": routing})


def flat_pools(pools: Pools, loras: Loras, host: str) -> dict[str, Any]:
    endpoints = [
        {"name": f"{model}-{name}", "weight": weight}
        | (
            {"provider_profile": "p"}
            if name == "c"
            else {"address": "10.0.0.1", "port": 80, "path": "/api"}
        )
        for model, pool in pools.items()
        for name, weight in pool.items()
    ]
    models = {
        model: {"preferred_endpoints": [f"{model}-{name}" for name in pool], "loras": loras[model]}
        for model, pool in pools.items()
    }
    profiles = {"p": {"base_url": f"http://{host}/api"}}
    return {"provider_profiles": profiles, "vllm_endpoints": endpoints, "model_config": models}


def nested_pools(pools: Pools, key: str) -> list[dict[str, Any]]:
    return [
        {
            "name": model,
            key: [
                {"name": name, "endpoint": "$HOST:80", "weight": weight}
                for name, weight in pool.items()
            ],
        }
        for model, pool in pools.items()
    ]


@UNHURRIED
@given(st.lists(fleets(), min_size=2, max_size=6))
def test_after_any_history_the_same_is_said_as_of_a_file_that_is_new(history: list[bytes]) -> None:
    last: Loaded | None = None
    for config in history:
        now = told(config, None, last)

        assert now == told(config, None)
        last = now if isinstance(now, Loaded) else last


@UNHURRIED
@given(mutations(CONFIG), st.just(dumped(SETTINGS)) | mutations(SETTINGS))
def test_after_any_edit_the_same_is_said_as_of_a_file_that_is_new(
    config: bytes, own: bytes
) -> None:
    last = read(dumped(CONFIG), dumped(SETTINGS))

    assert told(config, own, last) == told(config, own)


@UNHURRIED
@given(
    st.sampled_from([USER, CANONICAL]),
    mutations(USER) | mutations(CANONICAL),
    st.just(dumped(NESTED_SETTINGS)) | mutations(NESTED_SETTINGS),
)
def test_so_it_is_in_the_newer_forms(before: dict[str, Any], config: bytes, own: bytes) -> None:
    last = read(dumped(before), dumped(NESTED_SETTINGS))

    assert told(config, own, last) == told(config, own)


def flat_fleet(weight: Any = 1) -> dict[str, Any]:
    endpoints: list[dict[str, Any]] = [
        {"name": f"e{number}", "address": f"10.0.0.{number}", "port": 8000, "weight": 1}
        for number in range(ENDPOINTS)
    ]
    endpoints[7]["weight"] = weight
    return {"vllm_endpoints": endpoints}


def nested_fleet(key: str, version: str, weight: Any = 1) -> dict[str, Any]:
    backends: list[dict[str, Any]] = [
        {"name": f"e{number}", "endpoint": f"10.0.0.{number}:8000", "weight": 1}
        for number in range(ENDPOINTS)
    ]
    backends[7]["weight"] = weight
    return {"version": version, "providers": {"models": [{"name": "m", key: backends}]}}


def fleet(dialect: str, weight: Any = 1) -> bytes:
    """Return twenty endpoints, one of them of some weight."""
    match dialect:
        case "A":
            return dumped(flat_fleet(weight))
        case "B":
            return dumped(nested_fleet("endpoints", "v0.1", weight))
        case _:
            return dumped(nested_fleet("backend_refs", "v0.3", weight))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is held against the model of an entry."""
    done = Counter[str]()

    def counted(document: Any, model: Any, *rest: Any) -> Any:
        done[model.__name__] += 1
        return validate(document, model, *rest)

    for module in (flat, flat_entries, providers, providers_entries):
        monkeypatch.setattr(module, "validate", counted)
    return done


@pytest.mark.parametrize(
    ("dialect", "model"), [("A", "FlatEndpoint"), ("B", "UserEndpoint"), ("C", "BackendRef")]
)
def test_only_the_endpoint_that_was_edited_is_read(
    dialect: str, model: str, work: Counter[str]
) -> None:
    last = read(fleet(dialect))
    assert work[model] == ENDPOINTS
    work.clear()

    edited = read(fleet(dialect, weight=3), last=last)

    assert work[model] == 1
    assert [each.weight for each in edited.gateway.endpoints].index(3) == 7
    before = dict(enumerate(last.gateway.endpoints))
    assert all(each is before[n] for n, each in enumerate(edited.gateway.endpoints) if n != 7)


@pytest.mark.parametrize(
    ("dialect", "model"), [("A", "FlatEndpoint"), ("B", "UserEndpoint"), ("C", "BackendRef")]
)
def test_where_an_endpoint_stands_is_no_matter(
    dialect: str, model: str, work: Counter[str]
) -> None:
    last = read(fleet(dialect))
    config = yaml.safe_load(fleet(dialect))
    if dialect == "A":
        endpoints = config["vllm_endpoints"]
    else:
        [entry] = config["providers"]["models"]
        endpoints = entry["endpoints" if dialect == "B" else "backend_refs"]
    endpoints.insert(0, endpoints.pop())
    work.clear()

    moved = read(dumped(config), last=last)

    assert work[model] == 0
    assert [each.address for each in moved.gateway.endpoints][:2] == ["10.0.0.19", "10.0.0.0"]


def test_an_endpoint_goes_by_the_name_of_the_model_that_it_is_in_now() -> None:
    config = nested_fleet("backend_refs", "v0.3")
    last = read(dumped(config))
    config["providers"]["models"][0]["name"] = "renamed"

    moved = read(dumped(config), last=last)

    assert {each.name.split("_")[0] for each in moved.gateway.endpoints} == {"renamed"}


def test_what_is_enough_in_one_form_of_the_file_is_not_in_another() -> None:
    model: dict[str, Any] = {"name": "m", "backend_refs": [{"endpoint": "10.0.0.1:8000"}]}
    last = read(dumped({"version": "v0.3", "providers": {"models": [model]}}))

    model["endpoints"] = model.pop("backend_refs")
    with pytest.raises(ConfigError, match=r"endpoints\[0\].name: is missing"):
        read(dumped({"version": "v0.1", "providers": {"models": [model]}}), last=last)


@pytest.mark.parametrize("key", ["name", "weight", "port", "address"])
def test_what_is_no_single_value_is_refused_as_ever(key: str) -> None:
    config = flat_fleet()
    last = read(dumped(config))
    config["vllm_endpoints"][3][key] = [{}]

    assert told(dumped(config), None, last) == told(dumped(config), None)


def test_what_is_kept_is_shown_to_nobody() -> None:
    backend = {"endpoint": "10.0.0.1:8000", "api_key": "sk-1", "extra_headers": {"a": "sk-2"}}
    model = {"name": "m", "backend_refs": [backend]}

    loaded = read(dumped({"version": "v0.3", "providers": {"models": [model]}}))

    assert "sk-" not in repr(loaded)


@pytest.mark.parametrize("dialect", ["A", "B", "C"])
@pytest.mark.parametrize("weight", [True, 1.0, "1"])
def test_what_equals_what_was_right_may_be_wrong(dialect: str, weight: object) -> None:
    last = read(fleet(dialect, weight=1))

    with pytest.raises(ConfigError, match=r"weight: is .*; write a whole number"):
        read(fleet(dialect, weight=weight), last=last)


def test_new_settings_count_for_endpoints_as_they_were() -> None:
    config = fleet("A")
    last = read(config, b"endpoints: {e7: {priority: 1}}")

    gateway = read(config, b"endpoints: {e7: {priority: 2}}", last).gateway

    assert {each.name: each.priority for each in gateway.endpoints}["e7"] == 2


def test_names_that_may_no_longer_be_are_refused() -> None:
    config = flat_fleet()
    config["vllm_endpoints"][3]["address"] = "vllm"
    last = read(dumped(config), b"allow_domain_names: true")

    with pytest.raises(ConfigError, match='"vllm" is a domain name'):
        read(dumped(config), b"allow_domain_names: false", last)


def test_a_profile_that_moves_takes_its_own_endpoints_along(work: Counter[str]) -> None:
    def config(host: str) -> bytes:
        profiles = {
            "p": {"base_url": f"https://{host}/v1"},
            "q": {"base_url": "https://other.example.com/v1"},
        }
        items = [{"name": name, "provider_profile": name} for name in profiles]
        return dumped({"provider_profiles": profiles, "vllm_endpoints": items})

    last = read(config("one.example.com"))
    work.clear()
    moved, other = read(config("two.example.com"), last=last).gateway.endpoints

    assert (moved.address, other.address) == ("two.example.com", "other.example.com")
    assert (work["ProfiledEndpoint"], work["FlatProfile"]) == (0, 1)
    assert other is last.gateway.endpoints[1]


def test_a_variable_that_changes_takes_its_endpoints_along() -> None:
    config = Source("config.yaml", dumped(CANONICAL))
    last = load(config, environment=ENVIRONMENT)

    moved = load(config, last=last, environment={**ENVIRONMENT, "HOST": "10.0.0.2"})

    assert moved.gateway.models[1].endpoints[0].address == "10.0.0.2"


def test_what_may_not_do_what_it_says_is_told_each_time() -> None:
    config = flat_fleet()
    config["vllm_endpoints"][3]["health_check_path"] = "/health"
    last = read(dumped(config))

    again = read(dumped(config), last=last)

    assert len(again.warnings) == 1
    assert again.warnings == last.warnings


@pytest.mark.parametrize("models", ["", "model_config: {m: {}}"])
def test_of_endpoints_that_do_not_go_together_is_told_each_time(models: str) -> None:
    config = flat_fleet()
    config["vllm_endpoints"][3]["path"] = "/api"
    router = b"router: {address: router}"
    last = read(dumped(config) + models.encode(), router)

    again = read(dumped(config) + models.encode(), router, last)

    assert "have different paths" in str(again.warnings[0])
    assert again.warnings == last.warnings


def sizes(loaded: Loaded | None) -> list[int]:
    """Return how much is remembered."""
    assert loaded is not None
    assert loaded.memory is not None
    shared, known = loaded.memory.shared, loaded.memory.known
    tables: list[Any] = [shared.numbers, shared.mappings, shared.lists, known.made]
    for each in known.entries.values():
        tables += [each.held, each.said]
    return list(map(len, tables))


@pytest.mark.parametrize("dialect", ["A", "B", "C"])
@pytest.mark.parametrize("is_manifest", [False, True])
def test_what_is_no_longer_said_is_forgotten(dialect: str, is_manifest: bool) -> None:  # noqa: FBT001
    def content(weight: int) -> bytes:
        return dumped(manifest(fleet(dialect, weight))) if is_manifest else fleet(dialect, weight)

    last: Loaded | None = None
    for weight in range(3, 10):
        last = read(content(weight), last=last)

    assert sizes(last) == sizes(read(content(3)))


def test_of_a_file_that_is_refused_nothing_is_remembered() -> None:
    last = read(fleet("A"))
    before = sizes(last)

    with pytest.raises(ConfigError):
        read(fleet("A", "sk-secret"), last=last)
    with pytest.raises(ConfigError):
        read(fleet("A") + b"- ]", last=last)

    assert sizes(last) == before


@pytest.mark.parametrize("is_manifest", [False, True])
def test_what_stands_in_a_manifest_is_remembered(is_manifest: bool, work: Counter[str]) -> None:  # noqa: FBT001
    last: Loaded | None = None
    for weight in range(1, 4):
        work.clear()
        config = fleet("A", weight)
        last = read(dumped(manifest(config)) if is_manifest else config, last=last)

    assert work["FlatEndpoint"] == 1


def test_a_tag_makes_no_difference(work: Counter[str]) -> None:
    config = fleet("A").replace(b"10.0.0.3\n", b"!!str 10.0.0.3\n").replace(b"8000", b"!!int 8000")
    last = read(config)
    work.clear()

    assert read(config, last=last).gateway == last.gateway
    assert work["FlatEndpoint"] == 0


def test_an_entry_is_held_for_as_long_as_it_is_known_by_its_identity() -> None:
    last = read(fleet("C"))
    assert last.memory is not None
    models = last.memory.known.entries[("providers", "models")]
    [said] = models.said.values()

    assert set(models.said) == set(map(id, models.held))
    assert set(said.known.said) == set(map(id, said.known.held))
