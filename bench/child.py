"""Know how to talk with a program that answers lines with lines, and what a process has used."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent


class Child:
    """A program beside this file that answers a line with a line of JSON."""

    def __init__(self, program: str, *arguments: object) -> None:
        command = [sys.executable, str(HERE / program), *map(str, arguments)]
        self._process = subprocess.Popen(  # noqa: S603  our own programs
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def hear(self) -> dict[str, Any]:
        """Return the next answer."""
        output = self._process.stdout
        line = output.readline() if output else ""
        if not line:
            message = f"{self._process.args!r} ended"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def say(self, command: str) -> None:
        """Send a command."""
        print(command, file=self._process.stdin, flush=True)

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command and return its answer."""
        self.say(command)
        return self.hear()


def used() -> dict[str, float]:
    """Return the seconds of processor and the bytes of memory that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": pages * resource.getpagesize(),
        "peak": usage.ru_maxrss * 1024,
    }
