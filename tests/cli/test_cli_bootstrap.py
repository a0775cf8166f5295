"""`xds bootstrap`: what users hand to their own Envoy."""

import asyncio
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from cli.console import Finished, Xds
from xds.dataplane import find_envoy, judge

WRITTEN = Path(__file__).parents[2] / "envoy" / "bootstrap.yaml"


def accepted(bootstrap: dict[str, Any]) -> bool:
    """Have a real Envoy judge."""
    refusal = asyncio.run(judge(find_envoy(), json.dumps(bootstrap)))
    assert refusal is None, refusal
    return True


def xds_cluster(bootstrap: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the type of the cluster in a bootstrap, and the address in it."""
    [cluster] = bootstrap["static_resources"]["clusters"]
    [locality] = cluster["load_assignment"]["endpoints"]
    [endpoint] = locality["lb_endpoints"]
    return cluster["type"], endpoint["endpoint"]["address"]["socket_address"]


def test_without_options_it_is_the_file_in_the_repository(xds: Xds) -> None:
    ran = xds("bootstrap")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == WRITTEN.read_text()
    assert accepted(yaml.safe_load(ran.out))


def test_every_option_has_its_place(xds: Xds) -> None:
    running = xds.start(
        *("bootstrap", "--xds-address", "[fd00::1]:18001", "--node-id", "envoy-7"),
        *("--node-cluster", "fleet", "--admin-address", "[::1]:0"),
    )
    by_name = xds.start("bootstrap", "--xds-address", "xds.example.org:18000")
    bootstrap = yaml.safe_load(running.finish().out)

    assert bootstrap["node"] == {"id": "envoy-7", "cluster": "fleet"}
    address = {"address": "fd00::1", "port_value": 18001}
    assert xds_cluster(bootstrap) == ("STATIC", address)
    assert bootstrap["admin"]["address"]["socket_address"]["address"] == "::1"
    assert accepted(bootstrap)

    # A host name is looked up, again and again.
    bootstrap = yaml.safe_load(by_name.finish().out)
    address = {"address": "xds.example.org", "port_value": 18000}
    assert xds_cluster(bootstrap) == ("STRICT_DNS", address)
    assert accepted(bootstrap)


def test_the_version_is_told(xds: Xds) -> None:
    assert xds("--version") == Finished(0, f"xds {metadata.version('semantic-router-xds')}\n", "")
