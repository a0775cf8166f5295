"""`xds render`: what a file becomes, in text that other programs can read."""

import asyncio
import json
import re
from typing import Any

import yaml

from cli.console import Xds
from xds.dataplane import find_envoy, judge


def test_resources_are_printed_as_yaml_or_json_all_or_of_one_type(xds: Xds) -> None:
    as_yaml = xds.start("render", "good.yaml")
    as_json = xds.start("render", "good.yaml", "-o", "json")
    endpoints = xds.start("render", "good.yaml", "--type", "endpoints")
    routes = xds.start("render", "good.yaml", "--type", "routes", "-o", "json")
    for ran in (as_yaml, as_json, endpoints, routes):
        assert (ran.finish().code, ran.finish().err) == (0, "")

    resources = yaml.safe_load(as_yaml.finish().out)
    assert tuple(resources) == ("clusters", "endpoints", "listeners", "routes")
    [cluster], [assignment], [listener], [route] = resources.values()
    assert (cluster["name"], assignment["cluster_name"]) == ("model/qwen3", "model/qwen3")
    assert "filter_chains" in listener
    assert "virtual_hosts" in route
    assert json.loads(as_json.finish().out) == resources
    assert yaml.safe_load(endpoints.finish().out) == resources["endpoints"]
    assert json.loads(routes.finish().out) == resources["routes"]


def weights(static: dict[str, Any]) -> dict[int, int]:
    """Return the weight of each port in the first cluster of a complete configuration."""
    [cluster] = static["static_resources"]["clusters"]
    return {
        endpoint["endpoint"]["address"]["socket_address"]["port_value"]: endpoint[
            "load_balancing_weight"
        ]
        for locality in cluster["load_assignment"]["endpoints"]
        for endpoint in locality["lb_endpoints"]
    }


def test_a_static_configuration_is_complete(xds: Xds) -> None:
    settings = xds.write("settings.yaml", "listener: {address: 127.0.0.1, port: 8899}\n")
    options = ("--static", "--settings", str(settings), "--envoy-admin", "[::1]:9901")
    out = xds("render", "good.yaml", *options, "-o", "json").out
    static = json.loads(out)

    assert static["admin"]["address"]["socket_address"] == {"address": "::1", "port_value": 9901}
    assert "dynamic_resources" not in static
    [listener] = static["static_resources"]["listeners"]
    assert listener["address"]["socket_address"]["port_value"] == 8899
    assert weights(static) == {8000: 3, 8001: 1}
    assert "rds" not in out
    assert asyncio.run(judge(find_envoy(), out)) is None


LOCKED = """\
version: v0.3
listeners:
  - {name: a, address: 127.0.0.1, port: 8801, api_keys: [sk-1, sk-2]}
  - {name: b, address: 127.0.0.1, port: 8802, api_keys: [sk-3]}
providers: {models: [{name: m, backend_refs: [{endpoint: 127.0.0.1}]}]}
"""


def test_no_key_that_anybody_knows_opens_a_static_configuration(xds: Xds) -> None:
    xds.write("locked.yaml", LOCKED)
    runs = [xds.start("render", "locked.yaml", "--static") for _ in range(2)]
    first, second = (re.findall(r"REDACTED-\S+", ran.finish().out) for ran in runs)
    shown = xds("render", "locked.yaml", "--type", "listeners")

    assert len({*first, *second}) == 6
    assert all(re.fullmatch("REDACTED-[0-9a-f]{32}-[12]", word) for word in (*first, *second))
    for ran in runs:
        assert ran.finish().err == (
            "locked.yaml: the keys of listeners are not in what is printed; "
            "write them where REDACTED-... stands\n"
        )
    assert re.findall(r"REDACTED-\S+", shown.out) == ["REDACTED-1", "REDACTED-2", "REDACTED-1"]
    assert shown.err == ""


def test_what_can_not_be_rendered_is_told(xds: Xds) -> None:
    bad = xds.start("render", "bad.yaml")
    both = xds.start("render", "good.yaml", "--static", "--type", "clusters")

    assert (bad.finish().code, bad.finish().out) == (1, "")
    assert "bad.yaml:4:11: vllm_endpoints[0].port: " in bad.finish().err
    assert (both.finish().code, both.finish().out) == (2, "")
    assert "--static and --type exclude each other" in both.finish().err
