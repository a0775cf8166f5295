"""Know how an Envoy is found, asked, run and kept running on this machine."""

from xds.dataplane.binary import EnvoyError, find_envoy, judge
from xds.dataplane.process import RunningEnvoy, bootstrap_json, envoy
from xds.dataplane.supervision import Supervised, supervised

__all__ = [
    "EnvoyError",
    "RunningEnvoy",
    "Supervised",
    "bootstrap_json",
    "envoy",
    "find_envoy",
    "judge",
    "supervised",
]
