"""What a test over real gRPC begins with."""

from collections.abc import AsyncIterator

import pytest

from server.clients import Client, DeltaClient, Served, connected, connected_delta


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    running = Served()
    running.address = f"127.0.0.1:{await running.ads.start('127.0.0.1:0')}"
    try:
        yield running
    finally:
        await running.ads.stop(0)


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Client]:
    async with connected(served.address) as opened:
        yield opened


@pytest.fixture
async def delta(served: Served) -> AsyncIterator[DeltaClient]:
    async with connected_delta(served.address) as opened:
        yield opened
