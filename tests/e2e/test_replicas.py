"""Two control planes of the same file, and an Envoy that moves from one to the other."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from e2e.world import Load, Process, endpoints, on_loopback, until, world
from xds.ports import HostPort, free_port

NAMES = ("one", "two")
COUNTED = (
    r"(cluster_manager\.cluster_(added|modified|removed)|listener_manager\.listener_(added|modified)"
    r"|http\..*\.rds\..*\.config_reload)"
)


@asynccontextmanager
async def passing_on(port: int, to: HostPort) -> AsyncIterator[None]:
    """Listen on a port of loopback, and pass all connections on to another address."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(1 << 16):
                writer.write(piece)
                await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(to.host, to.port)
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_an_envoy_that_moves_to_another_control_plane_is_changed_in_nothing(
    tmp_path: Path,
) -> None:
    backends = on_loopback(*NAMES)
    models = "model_config:\n  m: {preferred_endpoints: [two]}\n"
    async with world(tmp_path, endpoints(backends) + models, backends=backends) as gateway:
        there = HostPort("127.0.0.1", free_port("127.0.0.1"))
        other = await Process(
            *(sys.executable, "-m", "xds", "serve", str(gateway.config), "--listen", str(there)),
            *("--settings", str(tmp_path / "settings.yaml"), "--admin", "127.0.0.1:0"),
            *("--log-level", "debug"),
        ).start()
        try:
            await other.says("serving")
            # Both follow an edit by themselves.
            gateway.edit(endpoints(backends, one=2) + models)
            for replica in (gateway.control_plane, other):
                await replica.says("~1: ~all-endpoints")
            counts = f"/stats?filter=^{COUNTED}$"
            before = await gateway.get(counts, gateway.admin)
            async with Load(gateway, workers=2).going() as load:
                await gateway.control_plane.stop()
                async with passing_on(gateway.xds_port, there):
                    await other.says("envoy connected")
                    await load.more(100)
                    assert await gateway.get(counts, gateway.admin) == before
                    assert "type=Cluster " not in other.output
                    assert "type=Listener " not in other.output

                    gateway.edit(endpoints({"two": backends["two"]}) + models)
                    await until(lambda: gateway.served_by("two"), "an edit counts")
        finally:
            await other.stop()
    assert load.failed == []
