"""`xds status`: what people are told of a running control plane."""

import asyncio
import json

from cli.console import BAD, GOOD, Xds
from server.clients import connected
from xds.ports import free_port
from xds.resources import CLUSTERS, LISTENERS


async def test_envoys_are_told_with_what_they_accepted_and_refused(xds: Xds) -> None:
    xds.write("config.yaml", GOOD)
    serving = xds.start("serve", "--listen", "127.0.0.1:0", "--log-format", "json")
    line = json.loads(await asyncio.to_thread(serving.told, '"serving"'))
    admin = f"http://{line['admin']}"
    nobody = await asyncio.to_thread(xds, "status", "--admin", admin)
    assert nobody.out.startswith("config.yaml: served since 2")
    assert nobody.out.endswith("no Envoy is connected\n")

    async with connected(line["xds"]) as client:
        await client.ask(CLUSTERS, node="envoy-7")
        clusters = await client.got()
        await client.ack(clusters)
        await client.ask(LISTENERS)
        listeners = await client.got()
        await client.ask(LISTENERS, nonce=listeners.nonce, error="no [such] port")
        # Only once this is answered has the refusal been heard.
        await client.ask(CLUSTERS, "of-nobody", nonce=clusters.nonce)
        await client.got()

        told = await asyncio.to_thread(xds, "status", "--admin", admin)
        whole = await asyncio.to_thread(xds, "status", "--admin", admin, "--json")

    assert told.code == 0
    assert "envoy-7" in told.out
    assert clusters.version_info in told.out
    assert f"envoy-7 refuses listeners {listeners.version_info} since 2" in told.out
    assert told.out.endswith("no [such] port\n")
    [envoy] = json.loads(whole.out)["envoys"]
    assert envoy["types"]["listeners"]["refused"]["reason"] == "no [such] port"


async def test_a_refused_file_is_told(xds: Xds) -> None:
    xds.write("config.yaml", BAD)
    serving = xds.start("serve", "--listen", "127.0.0.1:0", "--log-format", "json")
    waiting = json.loads(await asyncio.to_thread(serving.told, "admin"))
    told = await asyncio.to_thread(xds, "status", "--admin", waiting["admin"])

    assert "config.yaml: nothing is served yet" in told.out
    assert "config.yaml:4:" in told.out


def test_no_control_plane_is_told_in_one_line(xds: Xds) -> None:
    admin = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    told = xds("status", "--admin", admin)

    assert told.code == 1
    assert told.err.startswith(f"there is no admin of a control plane at {admin}: ")
    assert told.err.count("\n") == 1
