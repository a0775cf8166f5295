"""What grpc.aio itself costs: servers that know nothing, and only move bytes.

    python bench/floor.py echo|push BYTES [--no-probe]

One answers each message with that many bytes. The other sends them when a stream opens, and again
to each stream when told to edit; what comes from the client is read and dropped, as with xDS, where
a response is answered with an ACK. Both follow commands as `serving.py` says. They are gRPC's as it
comes, or without the pings that measure the connection, as `AdsServer` is.
"""

import asyncio
import sys
import time

import grpc
import grpc.aio

from serving import follow
from xds.server.services import SERVICES

Context = grpc.aio.ServicerContext[bytes, bytes]
EDITED: set[asyncio.Event] = set()


async def echo(_: object, context: Context) -> None:
    """Answer each message."""
    message = bytes(int(sys.argv[2]))
    while isinstance(await context.read(), bytes):
        await context.write(message)


async def push(_: object, context: Context) -> None:
    """Send bytes at each edit, and read what comes."""
    message = bytes(int(sys.argv[2]))
    edited = asyncio.Event()
    edited.set()
    EDITED.add(edited)

    async def send() -> None:
        while await edited.wait():
            edited.clear()
            await context.write(message)

    sending = asyncio.create_task(send())
    while isinstance(await context.read(), bytes):
        pass
    sending.cancel()


def edit() -> float:
    """Have all streams pushed to."""
    began = time.monotonic()
    for edited in EDITED:
        edited.set()
    return began


async def main() -> None:
    """Serve until there are no more commands."""
    server = grpc.aio.server(
        options=[("grpc.http2.bdp_probe", 0)] if "--no-probe" in sys.argv else ()
    )
    behavior = {"echo": echo, "push": push}[sys.argv[1]]
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]]
    handlers = {SERVICES[0].sotw: grpc.stream_stream_rpc_method_handler(behavior)}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICES[0].name, handlers),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await follow(port, edit)
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main())
