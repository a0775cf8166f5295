"""What the README shows is what a user gets.

A block ```yaml NAME becomes that file; in a block ```console each `$ command` is run beside those
files, and must print just the lines below it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xds.config.document import Document
from xds.config.settings import Settings, read_settings

README = Path(__file__).parent.parent / "README.md"
FENCED = re.compile(r"^```(yaml|console)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCED.findall(README.read_text())
FILES = {name: text for kind, name, text in BLOCKS if kind == "yaml"}
COMMANDS = [
    (command, output)
    for kind, _, text in BLOCKS
    if kind == "console"
    for command, _, output in (part.partition("\n") for part in text.split("$ ")[1:])
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[each[0] for each in COMMANDS])
def test_a_command_prints_what_is_shown(command: str, output: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S602  as a user's shell runs it
        command,
        shell=True,
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.stdout == output


def test_the_defaults_shown_are_the_defaults(folder: Path) -> None:
    shown = read_settings(Document.parse("defaults.yaml", (folder / "defaults.yaml").read_bytes()))

    assert shown == Settings()
