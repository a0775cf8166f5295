"""How files are read, which dialect they are in, and how mistakes in both are told together."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xds.config import document
from xds.config import load as loading
from xds.config.gateway import Endpoint, Gateway, Listener, Model
from xds.config.load import Source, load, read_file
from xds.config.problems import ConfigError

CONFIG = """\
vllm_endpoints:
  - {name: a, address: 10.0.0.1, port: 8000}
model_config:
  qwen3: {}
"""
NO_DIALECT = (
    "there are no endpoints in this file; write endpoints in one of the router's forms: "
    "`vllm_endpoints:` and `model_config:` (routers up to v0.2), "
    "`version: v0.1` with `providers.models[].endpoints` (vllm-sr up to v0.2), or "
    "`version: v0.3` with `providers.models[].backend_refs` (routers from v0.3 on)"
)


def loaded(config: str, settings: str | None = None) -> Gateway:
    return load(
        Source("config.yaml", config.encode()),
        None if settings is None else Source("settings.yaml", settings.encode()),
    ).gateway


def errors(config: str, settings: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loaded(config, settings)
    return str(refused.value).splitlines()


def unreadable(path: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        read_file(str(path), path)
    [problem] = refused.value.problems
    assert (problem.file, problem.line) == (str(path), 0)
    return str(refused.value)


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff not even text\r\n")

    assert read_file(str(path), path) == Source(str(path), b"\xff not even text\r\n")


def test_a_pipe_is_read_only_where_somebody_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    os.mkfifo(path)
    follow = "this is a pipe or a device, which can not be followed; name a file"
    assert unreadable(path) == f"{path}: {follow}"

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(path.write_bytes, b"a: b")
        assert read_file("p", path, wait=True) == Source("p", b"a: b")
        writing.result()


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"

    assert unreadable(path) == f"{path}: there is no such file; check the path"


def test_a_file_in_a_directory_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "config.yaml"

    assert unreadable(path) == f"{path}: there is no such file; check the path"


def test_a_directory(tmp_path: Path) -> None:
    assert unreadable(tmp_path) == f"{tmp_path}: this is a directory; name the file in it"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "config.yaml"
    monkeypatch.setattr("xds.config.load.os.open", refuse)

    assert unreadable(path) == f"{path}: there is no permission to read it; allow it"


def test_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(CONFIG)
    path = tmp_path / "config" / "config.yaml"

    assert unreadable(path) == f"{path}: can not be read: Not a directory"


def test_no_more_of_a_file_is_read_than_shows_that_it_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MAX_BYTES", 8)
    monkeypatch.setattr(document, "MAX_BYTES", 8)
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: 5678901234567890")

    source = read_file(str(path), path)
    assert source.content == b"a: 567890"
    with pytest.raises(ConfigError) as refused:
        load(source)
    [problem] = refused.value.problems
    assert problem.file == str(path)
    assert "more than 8 bytes" in problem.text


def test_settings_are_optional() -> None:
    endpoint = Endpoint("a", "10.0.0.1", 8000)
    gateway = Gateway(
        listeners=(Listener("http", "0.0.0.0", 8801),),  # noqa: S104  the gateway's default
        endpoints=(endpoint,),
        models=(Model("qwen3", (endpoint,)),),
    )

    assert loaded(CONFIG) == gateway
    assert loaded(CONFIG, "{}") == gateway


def test_settings_add_to_the_configuration() -> None:
    assert loaded(CONFIG, "listener: {port: 80}").listeners == (
        Listener("http", "0.0.0.0", 80),  # noqa: S104  the gateway's default
    )


@pytest.mark.parametrize(
    "config",
    [
        "{}",
        "semantic_cache: {enabled: true}",
        "version: v0.1",
        "providers:",
        "providers: openai",
        "default_model: qwen3",
    ],
)
def test_a_file_without_endpoints_is_told_what_the_forms_look_like(config: str) -> None:
    assert errors(config) == [f"config.yaml:1:1: {NO_DIALECT}"]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("vllm_endpoints", "1:16: vllm_endpoints: is empty"),
        ("model_config", "1:1: vllm_endpoints: is missing"),
    ],
)
def test_one_key_of_the_flat_form_is_enough_to_know_it(key: str, wrong: str) -> None:
    assert errors(f"{key}:\nproviders: {{defaults: {{}}}}\n") == [
        f"config.yaml:{wrong}; write a list of at least one endpoint"
    ]


@pytest.mark.parametrize("key", ["vllm_endpoints", "model_config"])
@pytest.mark.parametrize("version", ["v0.1", "v0.3", "''"])
def test_a_file_is_of_one_form(key: str, version: str) -> None:
    config = f"version: {version}\n{key}: []\nproviders: {{models: [{{name: m}}]}}\n"

    assert errors(config) == [
        (
            f"config.yaml:3:13: providers.models: is of another form of the file than `{key}`, "
            "and forms do not mix; keep one of them"
        )
    ]


def test_mistakes_in_both_files_are_told_together() -> None:
    config = CONFIG.replace("8000", "0").replace("qwen3: {}", "qwen3: []")
    settings = "listener: {port: 0}\nmodels: {llama: {}}\n"

    assert errors(config, settings) == [
        (
            "config.yaml:2:40: vllm_endpoints[0].port: is the number 0; "
            "write a whole number from 1 to 65535"
        ),
        "config.yaml:4:10: model_config.qwen3: is an empty list; write a mapping",
        "settings.yaml:1:18: listener.port: is the number 0; write a whole number from 1 to 65535",
        'settings.yaml:2:10: models.llama: there is no model named "llama"; known: "qwen3"',
    ]


def test_files_that_are_no_yaml_are_told_together() -> None:
    assert errors("- a", "a: 1\n---\nb: 2") == [
        ("config.yaml:1:1: the file is a list; write keys with values, such as `key: value`"),
        "settings.yaml:2:1: a second YAML document begins; keep one document in the file",
    ]


def test_a_configuration_of_no_form_does_not_hide_mistakes_in_the_settings() -> None:
    assert errors("{}", "listener: {port: 0}") == [
        f"config.yaml:1:1: {NO_DIALECT}",
        "settings.yaml:1:18: listener.port: is the number 0; write a whole number from 1 to 65535",
    ]


def test_settings_that_are_no_yaml_do_not_hide_mistakes_in_the_configuration() -> None:
    lines = errors(CONFIG.replace("8000", "0"), "listener: [")

    assert [line.partition(": ")[0] for line in lines] == ["config.yaml:2:40", "settings.yaml:2:1"]


def test_settings_name_endpoints_and_models_that_have_mistakes() -> None:
    config = CONFIG.replace("8000", "0")

    assert errors(config, "endpoints: {a: {priority: 1}}\nmodels: {qwen3: {}}") == [
        (
            "config.yaml:2:40: vllm_endpoints[0].port: is the number 0; "
            "write a whole number from 1 to 65535"
        ),
    ]


def test_a_mistake_is_told_once() -> None:
    one = Source("config.yaml", b"vllm_endpoints: [")

    with pytest.raises(ConfigError) as refused:
        load(one, one)
    assert len(refused.value.problems) == 1


def test_a_mistake_in_the_settings_makes_none_in_the_configuration() -> None:
    config = b"vllm_endpoints: [{name: a, address: vllm.example.com, port: 80}]"
    settings = b"allow_domain_names: true\nlistner: {}"
    with pytest.raises(ConfigError) as raised:
        load(Source("config.yaml", config), Source("settings.yaml", settings))

    assert str(raised.value) == (
        'settings.yaml:2:1: listner: is not a known key; did you mean "listener"?'
    )


def test_a_slip_in_the_key_that_tells_the_form_is_told() -> None:
    with pytest.raises(ConfigError) as raised:
        load(Source("config.yaml", b"vllm_endpoint: []"))

    assert str(raised.value) == (
        'config.yaml:1:1: vllm_endpoint: is not a known key; did you mean "vllm_endpoints"?'
    )
