"""Know what a dialect hands on: a gateway, the names in its file, and every mistake."""

from dataclasses import dataclass

from xds.config.gateway import Gateway
from xds.config.problems import Problem


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says; the gateway is whole only where there are no problems."""

    gateway: Gateway
    endpoint_names: tuple[str, ...]
    model_names: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
