"""Know how an Envoy message is written down, as Envoy's documentation does: YAML or JSON."""

import json
import re
from typing import Any, Final, cast

import yaml
from betterproto2 import Casing, Message

_NOT_TEXT_TO_ENVOY: Final = re.compile(
    r"(?:[yYnN]|[-+]?(?:0[xXoO][0-9a-fA-F]+|[0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9]+)?))\Z"
)


def to_dict(message: Message) -> dict[str, Any]:
    """Return a message as plain values, under the names that its fields have in Envoy's protos."""
    # betterproto's own snake case makes consecutive_5_xx of consecutive_5xx.
    return message.to_dict(casing=cast("Casing", str))


def to_json(value: object) -> str:
    """Return plain values as JSON, indented."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def to_yaml(value: object) -> str:
    """Return plain values as YAML, in the order of their fields."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=100,
    )


class _Dumper(yaml.CSafeDumper):
    """Writes every value where it stands: an anchor would hide what two places share."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Envoy's parser takes more words for numbers and booleans than PyYAML does.
    style = "'" if _NOT_TEXT_TO_ENVOY.match(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)
