"""What is published when the files say something new, and what stays when they do not."""

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from written import BAD, config, words
from xds.config.gateway import Gateway
from xds.config.load import Source
from xds.config.problems import ConfigError
from xds.dataplane import find_envoy
from xds.files import Files
from xds.lastgood import LastGood
from xds.publisher import Publisher
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.store import SnapshotStore
from xds.translate import Translation, translate

LOCKED = """\
version: v0.3
listeners: [{{name: locked, address: 127.0.0.1, port: 8801, api_keys: [{key}]}}]
providers: {{models: [{{name: m, backend_refs: [{{endpoint: "127.0.0.1:8000"}}]}}]}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    written = Files(tmp_path / "config.yaml")
    written.config.write_text(config("one"))
    return written


@pytest.fixture
def store() -> SnapshotStore:
    return SnapshotStore()


@pytest.fixture
async def publisher(files: Files, store: SnapshotStore) -> Publisher:
    """Return one that published the files already."""
    started = Publisher(files, store)
    await started.publish()
    return started


async def test_the_first_configuration_is_published(files: Files, store: SnapshotStore) -> None:
    with capture_logs() as lines:
        await Publisher(files, store).publish()

    assert store.current is not None
    assert {url: len(named) for url, named in store.current.resources.items()} == dict.fromkeys(
        (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES), 1
    )
    assert list(store.current.of_type(CLUSTERS)) == list(store.current.of_type(ENDPOINTS))
    assert lines == [
        {
            "event": "configuration published",
            "log_level": "info",
            "clusters": "+1",
            "endpoints": "+1",
            "listeners": "+1",
            "routes": "+1",
        }
    ]


async def test_an_edit_is_published_and_the_log_counts_what_it_changes(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    files.config.write_text(config("two", "three"))
    with capture_logs() as lines:
        await publisher.publish()

    assert store.current is not None
    assert sorted(store.current.of_type(CLUSTERS)) == ["model/three", "model/two"]
    assert lines == [
        {
            "event": "configuration published",
            "log_level": "info",
            "clusters": "+2 -1: +model/three +model/two -model/one",
            "endpoints": "+2 -1: +model/three +model/two -model/one",
            "routes": "~1: ~http/routes",
        }
    ]


async def test_the_same_content_publishes_nothing(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text(config("one"))
    with capture_logs() as lines:
        await publisher.publish()

    assert store.current is before
    assert lines == []


async def test_an_edit_of_a_comment_publishes_nothing(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text("# Reviewed.\n" + config("one"))
    with capture_logs() as lines:
        await publisher.publish()

    assert store.current is before
    assert words(lines) == ["configuration read; nothing that matters here changed"]


async def test_an_edit_of_the_settings_is_published(tmp_path: Path, store: SnapshotStore) -> None:
    files = Files(tmp_path / "config.yaml", tmp_path / "settings.yaml")
    files.config.write_text(config("one"))
    settings = tmp_path / "settings.yaml"
    settings.write_text("listener: {port: 8801}\n")
    publisher = Publisher(files, store)
    await publisher.publish()
    before = store.current

    settings.write_text("listener: {port: 8802}\n")
    await publisher.publish()

    assert before is not None
    assert store.current is not None
    assert list(store.current.changes_since(before)) == [LISTENERS]


async def test_a_bad_edit_keeps_the_last_snapshot(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text(BAD)

    with pytest.raises(ConfigError, match="protocol prefix") as raised:
        await publisher.publish()

    [problem] = raised.value.problems
    assert (problem.file, problem.line) == (str(files.config), 3)
    assert store.current is before


async def test_a_file_that_went_away_keeps_the_last_snapshot(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.unlink()

    with pytest.raises(ConfigError, match="there is no such file"):
        await publisher.publish()

    assert store.current is before


async def test_an_empty_file_keeps_the_last_snapshot(  # S1, family 8
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text("")

    with pytest.raises(ConfigError, match="the file is empty"):
        await publisher.publish()

    assert store.current is before


async def test_an_edit_that_is_taken_back_publishes_nothing(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text(BAD)
    with pytest.raises(ConfigError):
        await publisher.publish()

    files.config.write_text(config("one"))
    await publisher.publish()

    assert store.current is before


async def test_a_mended_edit_is_published(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    files.config.write_text(BAD)
    with pytest.raises(ConfigError):
        await publisher.publish()

    files.config.write_text(config("mended"))
    await publisher.publish()

    assert store.current is not None
    assert list(store.current.of_type(CLUSTERS)) == ["model/mended"]


async def test_nothing_is_published_of_a_file_that_is_bad_from_the_start(  # S1, family 8
    files: Files, store: SnapshotStore
) -> None:
    files.config.write_text(BAD)

    with pytest.raises(ConfigError):
        await Publisher(files, store).publish()

    assert store.current is None


async def test_what_is_published_is_told_by_name_as_far_as_there_is_room(
    files: Files, publisher: Publisher
) -> None:
    files.config.write_text(config("a", "b", "c", "d"))
    with capture_logs() as lines:
        await publisher.publish()

    assert lines[0]["clusters"] == "+4 -1: +model/a +model/b +model/c …"


async def test_a_reload_publishes_what_is_there_though_it_is_not_new(
    files: Files, publisher: Publisher
) -> None:
    with capture_logs() as lines:
        await publisher.publish()
        assert lines == []

        await publisher.reload()
    assert words(lines) == ["configuration read; nothing that matters here changed"]

    files.config.write_text(BAD)
    for _ in range(2):
        with capture_logs() as lines:
            await publisher.reload()
        assert words(lines) == ["configuration refused; the last good one stays"]


async def test_the_state_tells_what_is_in_force_and_what_is_wrong_and_since_when(
    files: Files, store: SnapshotStore
) -> None:
    publisher = Publisher(files, store)
    assert publisher.state.waits_for == "the files are being read"

    await publisher.publish()
    good = publisher.state
    assert good.waits_for is None
    assert good.refusal is None
    assert good.in_force is not None
    assert store.current is not None
    assert list(good.in_force.versions.values()) == list(store.current.versions.values())

    for wrong in (BAD, ""):
        files.config.write_text(wrong)
        with pytest.raises(ConfigError) as raised:
            await publisher.publish()
        assert publisher.state.in_force == good.in_force
        assert publisher.state.refusal is not None
        assert publisher.state.refusal.problems == tuple(map(str, raised.value.problems))
    # The same content as at first, which changes nothing but what is told.
    files.config.write_text(config("one"))
    await publisher.publish()
    assert publisher.state == good


async def test_a_refusal_is_told_since_the_first_of_several(
    files: Files, publisher: Publisher
) -> None:
    since = []
    for wrong in (BAD, "", BAD):
        files.config.write_text(wrong)
        with pytest.raises(ConfigError):
            await publisher.publish()
        assert publisher.state.refusal is not None
        since.append(publisher.state.refusal.since)

    assert since == [since[0]] * 3


async def test_what_we_do_not_understand_changes_nothing_and_is_told(
    files: Files,
    store: SnapshotStore,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mistake = RuntimeError("a mistake of ours")

    def broken(*_: object) -> object:
        raise mistake

    before = store.current
    monkeypatch.setattr("xds.build.translate", broken)
    files.config.write_text(config("two"))
    with capture_logs() as lines:
        await publisher.reload()

    assert words(lines) == [
        "configuration not understood",
        "configuration refused; the last good one stays",
    ]
    assert "which is our mistake: RuntimeError" in lines[1]["problem"]
    assert store.current is before


async def test_what_names_something_that_is_not_there_is_not_published(
    files: Files, store: SnapshotStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_clusters(gateway: Gateway, last: Translation | None = None) -> Translation:
        return replace(translate(gateway, last), clusters=())

    before = store.current
    monkeypatch.setattr("xds.build.translate", without_clusters)
    files.config.write_text(config("two", "three", "four", "five"))
    with pytest.raises(ConfigError) as raised:
        await publisher.publish()

    routes = "RouteConfiguration 'http/routes' names Cluster"
    told = "; ".join(
        f"{routes} 'model/{name}', which is not there" for name in ("five", "four", "three")
    )
    assert str(raised.value) == f"{files.config}: this is a mistake of ours: {told}; and 1 more"
    assert store.current is before


async def test_a_warning_is_told_each_time_and_refuses_where_that_is_asked_for(
    files: Files, store: SnapshotStore
) -> None:
    files.config.write_text(config("one").replace("port:", "models: [one]\n    port:"))
    told = f"{files.config}:4:5: warning: vllm_endpoints[0].models: "
    publisher = Publisher(files, store)
    with capture_logs() as lines:
        await publisher.publish()
        await publisher.reload()

    warnings = [line["problem"] for line in lines if line["log_level"] == "warning"]
    assert [warning.startswith(told) for warning in warnings] == [True, True]
    with pytest.raises(ConfigError, match=r":4:5: vllm_endpoints\[0\].models: "):
        await Publisher(replace(files, strict=True), store).publish()


async def test_a_warning_is_no_reason_of_a_refusal(files: Files, store: SnapshotStore) -> None:
    wrong = "models: [one]\n    weight: true\n    port:"
    publisher = Publisher(files, store)
    await publisher.publish()
    files.config.write_text(config("one").replace("port:", wrong))
    with capture_logs() as lines:
        await publisher.reload()

    told = {line["log_level"]: line["problem"] for line in lines if "problem" in line}
    assert "warning: vllm_endpoints[0].models: " in told["warning"]
    assert "vllm_endpoints[0].weight: is true" in told["error"]


async def test_a_key_is_served_and_no_word_of_ours_or_of_envoy_shows_it(
    files: Files, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-for-listeners"
    files.config.write_text(LOCKED.format(key=key))
    await Publisher(files, store).publish()
    assert store.current is not None
    [listener] = store.current.of_type(LISTENERS).values()
    assert key.encode() in listener.body

    async def talkative(_: Path, config: str) -> str:
        return config

    monkeypatch.setattr("xds.publisher.judge", talkative)
    judged = Publisher(files, SnapshotStore(), envoy=Path("envoy"))
    with capture_logs() as lines:
        await judged.reload()
    assert "REDACTED-1" in str(judged.state)
    assert key not in f"{judged.state} {lines}"


async def test_envoy_judges_whatever_is_published(
    files: Files, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(files, store, envoy=find_envoy())
    await publisher.publish()
    before = store.current
    assert before is not None

    # What passes our own checks is not known to be refused by any Envoy.
    monkeypatch.setattr(
        "xds.publisher._static", lambda _: '{"static_resources": {"clusters": [{"name": ""}]}}'
    )
    files.config.write_text(config("two"))
    with pytest.raises(
        ConfigError, match=r"Envoy refuses what this becomes: (?s:.*)ClusterValidationError"
    ):
        await publisher.publish()
    assert store.current is before


async def test_an_envoy_that_can_not_be_asked_refuses(
    files: Files, store: SnapshotStore, tmp_path: Path
) -> None:
    publisher = Publisher(files, store, envoy=tmp_path / "no-envoy")

    with pytest.raises(ConfigError, match=r"Envoy can not judge what this becomes: .*no-envoy"):
        await publisher.publish()

    assert store.current is None


async def test_an_envoy_that_does_not_come_to_an_end_refuses(
    files: Files, store: SnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xds.dataplane.binary._PATIENCE", 0.1)
    stub = tmp_path / "envoy"
    stub.write_text("#!/bin/sh\nexec sleep 60\n")
    stub.chmod(0o755)

    with pytest.raises(ConfigError, match="becomes: it did not judge that within 0 s"):
        await Publisher(files, store, envoy=stub).publish()


async def test_what_is_good_is_kept_before_anybody_gets_it(
    files: Files, store: SnapshotStore, tmp_path: Path
) -> None:
    last_good = LastGood(tmp_path / "state", files.places())
    publisher = Publisher(files, store, last_good=last_good)
    seen = []
    with store.follow(lambda: seen.append(last_good.load(["config.yaml"]))):
        await publisher.publish()

    assert seen == [(Source("config.yaml", files.config.read_bytes()),)]
