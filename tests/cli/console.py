"""The console command as users run it: a process with arguments, and what it writes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PATIENCE = 20.0

GOOD = """\
vllm_endpoints:
  - name: "a"
    address: "127.0.0.1"
    port: 8000
    weight: 3
  - name: "b"
    address: "127.0.0.1"
    port: 8001
model_config:
  "qwen3":
    preferred_endpoints: ["a", "b"]
default_model: "qwen3"
"""

BAD = """\
vllm_endpoints:
  - name: "a"
    address: "http://10.0.0.10"
    port: 99999
model_config:
  "qwen3":
    preferred_endpoints: ["b"]
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command that ended left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Running:
    """A command that runs; what it writes is read all the time, so that it never waits for us."""

    process: subprocess.Popen[str]
    _out: list[str] = field(default_factory=list)
    _err: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _readers: list[threading.Thread] = field(default_factory=list)
    _children: list[int] = field(default_factory=list)
    _finished: Finished | None = None

    def __post_init__(self) -> None:
        for stream, lines in (
            (self.process.stdout, self._out),
            (self.process.stderr, self._err),
        ):
            assert stream is not None
            reader = threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            reader.start()
            self._readers.append(reader)

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def told(self, text: str) -> str:
        """Wait until a line on standard error holds a text, and return that line."""

        def found() -> str | None:
            return next((line for line in self._err if text in line), None)

        with self._news:
            self._news.wait_for(lambda: found() or not self._readers[1].is_alive(), PATIENCE)
            line = found()
        assert line is not None, f"no line with {text!r} in\n{''.join(self._err)}"
        return line.rstrip("\n")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; should its own children outlive it then, `kill` ends them."""
        self._remember_children()
        self.process.send_signal(number)

    def _remember_children(self) -> None:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        self._children.extend(map(int, children.split()))

    def finish(self) -> Finished:
        """Wait for the end; a traceback is never an answer to a user."""
        if self._finished is None:
            code = self.process.wait(PATIENCE)
            for reader in self._readers:
                reader.join(PATIENCE)
            self._finished = Finished(code, "".join(self._out), "".join(self._err))
            assert "Traceback" not in self._finished.err, self._finished.err
        return self._finished

    def kill(self) -> None:
        """End it by force, with its children, if it still runs."""
        if self.process.poll() is None:
            self._remember_children()
            self.process.kill()
        for child in self._children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.finish()


class Xds:
    """Starts `xds` in a folder, with nothing of this process's settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Running] = []

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, under: Sequence[str] = ()
    ) -> Running:
        """Start a command, maybe under another that runs it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDS_")}
        # Wide and plain, so that no line is broken and no color comes between the words.
        plain = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "XDS_ADMIN": "127.0.0.1:0"}
        process = subprocess.Popen(
            [*under, sys.executable, "-m", "xds", *arguments],
            cwd=self.folder,
            env=kept | plain | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = Running(process)
        self.running.append(running)
        return running

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Finished:
        """Run a command to its end."""
        return self.start(*arguments, env=env).finish()

    def kill(self) -> None:
        """End by force whatever still runs."""
        with ExitStack() as stack:
            for running in self.running:
                stack.callback(running.kill)
