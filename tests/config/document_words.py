"""What the tests of documents share."""

from typing import Any

import pytest

from xds.config.document import Document
from xds.config.problems import ConfigError

MEND = "mend the indentation, quotes or brackets here or just above"


STRAY = "while scanning for the next token, found character that cannot start any token"


CONTROL = "a control character, which YAML does not allow; write a YAML text file"


def data(text: str) -> dict[str, Any]:
    return Document.parse("config.yaml", text.encode()).data


def errors(content: str | bytes) -> list[str]:
    """Return the lines of the refusal, without the name of the file that each begins with."""
    encoded = content.encode() if isinstance(content, str) else content
    with pytest.raises(ConfigError) as refused:
        Document.parse("config.yaml", encoded)
    lines = str(refused.value).splitlines()
    assert all(line.startswith("config.yaml:") for line in lines)
    return [line.removeprefix("config.yaml:") for line in lines]
