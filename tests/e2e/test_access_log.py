"""Each request leaves one line of JSON, that tells where it went and how long it took."""

from pathlib import Path

import pytest

from e2e.servers import servers
from e2e.world import endpoints, world

pytestmark = pytest.mark.each_envoy


async def test_a_line_tells_of_its_request(tmp_path: Path) -> None:
    async with servers("a") as (a,):
        config = f"{endpoints({'a': a.where})}model_config: {{m: {{}}}}\n"
        async with world(tmp_path, config, backends={}) as gateway:
            asked = {"x-request-id": "8a4c0b5e-0000-4000-8000-000000000001"}
            assert (
                await gateway.ask({"model": "m"}, path="/v1/x?y=z", headers=asked)
            ).status == 200

    [line] = gateway.access_log()
    took = {key: line.pop(key) for key in ("duration", "response_duration")}
    assert 0 <= took["response_duration"] <= took["duration"]
    assert line.pop("time")
    assert line.pop("bytes_sent") > 0
    assert line == {
        "method": "POST",
        "path": "/v1/x?y=z",
        "protocol": "HTTP/1.1",
        "code": 200,
        "details": "via_upstream",
        "flags": "-",
        "attempts": 1,
        "bytes_received": len('{"model": "m"}'),
        "model": "m",
        "upstream_host": str(a.where),
        "upstream_cluster": "model/m",
        "request_id": line["request_id"],
    }


async def test_a_line_tells_why_a_request_failed(tmp_path: Path) -> None:
    settings = "resilience: {outlier_detection: {consecutive_5xx: 0}}\n"
    async with servers("one", "two") as (one, two):
        config = endpoints({each.name: each.where for each in (one, two)})
        async with world(tmp_path, config, settings, backends={}) as gateway:
            await one.end()
            await two.end()
            assert (await gateway.ask()).status == 503

    [line] = gateway.access_log()
    assert (line["code"], line["attempts"]) == (503, 3)
    assert set(line["flags"].split(",")) == {"UF", "URX"}
    assert "connection_failure" in line["details"]
    assert line["response_duration"] is None
