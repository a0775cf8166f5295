"""The commands that run a whole gateway, as a user starts them."""

import socket
import sys
from pathlib import Path

import aiohttp

from e2e.world import Process, endpoints, on_loopback, until
from xds.ports import free_port


async def test_demo_check_says_what_it_checked_and_exits_with_0() -> None:
    demo = await Process(sys.executable, "-m", "xds", "demo", "--check").start()
    await until(lambda: demo.ended, "the demo has ended", 60)

    assert await demo.stop() == 0
    lines = demo.output.splitlines()
    assert len(lines) == 4, demo.output
    assert all(line.startswith("ok: ") for line in lines)


async def test_demo_invites_and_ends_when_asked() -> None:
    demo = await Process(sys.executable, "-m", "xds", "demo").start()
    try:
        await demo.says("Ctrl-C ends the demo")
        url = next(word for word in demo.output.split() if word.startswith("http://"))
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert [card["id"] for card in (await response.json())["data"]] == ["qwen3", "llama"]
    finally:
        code = await demo.stop()
    assert code == 0
    assert "Traceback" not in demo.output


async def test_up_is_a_gateway_in_one_command(tmp_path: Path) -> None:
    backends = on_loopback("one")
    port, admin = free_port("127.0.0.1"), free_port("127.0.0.1")
    config, settings = tmp_path / "config.yaml", tmp_path / "settings.yaml"
    config.write_text(endpoints(backends))
    settings.write_text(f"listener: {{address: 127.0.0.1, port: {port}}}\n")
    up = await Process(
        *(sys.executable, "-m", "xds", "up", str(config), "--settings", str(settings)),
        *("--listen", "127.0.0.1:0", "--envoy-admin", f"127.0.0.1:{admin}"),
    ).start()
    try:
        await up.says("gateway ready")
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with aiohttp.ClientSession() as session, session.post(url, json={}) as response:
            assert response.status == 503
            assert await response.text()
        await up.says('"upstream_cluster":"all-endpoints"')
    finally:
        code = await up.stop()
    assert code == 0
    assert "Traceback" not in up.output
    await until(lambda: not _answers(admin), "Envoy is gone")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
