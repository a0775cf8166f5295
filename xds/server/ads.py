"""Know how to serve the aggregated discovery service over gRPC."""

import asyncio

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from xds.ports import HostPort, listen_failure
from xds.protocol.messages import ProtocolError
from xds.server.stream import Stream
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

_SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_OPTIONS: tuple[tuple[str, int], ...] = (
    # Two servers on one port would each get some of the Envoys: a port in use is an error.
    ("grpc.so_reuseport", 0),
    # The names of a large fleet do not fit into gRPC's default of 4 MiB.
    ("grpc.max_receive_message_length", 32 << 20),
    # Envoy's keepalive pings every 10 s, else answered with GOAWAY "too_many_pings".
    # https://github.com/grpc/grpc/blob/master/doc/keepalive.md
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)

_Context = grpc.aio.ServicerContext[bytes, wire.DiscoveryResponse]


class AdsServer:
    """Serves the current snapshot of a store to every client, and each change of it.

    `identifier` is the name under which Envoy shows this control plane. `hold` is how long, in
    seconds, routes wait for a client that does not answer for their clusters, and clusters stay for
    one that does not answer for the routes without them: longer than the 15 s after which Envoy
    itself gives up waiting.
    """

    def __init__(self, store: SnapshotStore, *, identifier: str = "xds", hold: float = 20) -> None:
        self._store = store
        self._identifier = identifier
        self._hold = hold
        self._streams: dict[Stream, asyncio.Future[None]] = {}
        self._server: grpc.aio.Server | None = None
        self._stopping = False

    async def start(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `host:port` and return the port, which the system picks for port 0.

        Raises ValueError if that is no address, OSError if it can not be listened on.
        """
        wanted = HostPort.parse(address)
        # Asked first, as gRPC writes a page about it to standard error.
        if reason := listen_failure(wanted):
            message = f"can not listen on {wanted}: {reason}"
            raise OSError(message)
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((self._handlers(),))
        try:
            if credentials is None:
                port = server.add_insecure_port(str(wanted))
            else:
                port = server.add_secure_port(str(wanted), credentials)
        except RuntimeError as error:
            message = f"can not listen on {wanted}: {error}"
            raise OSError(message) from error
        await server.start()
        self._server = server
        return port

    async def stop(self, grace: float) -> None:
        """End every stream with UNAVAILABLE and stop listening, within `grace` seconds."""
        self._stopping = True
        for stream in self._streams:
            stream.stop()
        if self._streams:
            await asyncio.wait(self._streams.values(), timeout=grace)
        if self._server is not None:
            # No grace of gRPC's own: it would wait for connections that never said a word.
            await self._server.stop(None)

    def _handlers(self) -> grpc.GenericRpcHandler:
        method = grpc.stream_stream_rpc_method_handler(
            self._aggregated,
            request_deserializer=bytes,
            response_serializer=wire.DiscoveryResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(_SERVICE, {"StreamAggregatedResources": method})

    async def _aggregated(self, _: object, context: _Context) -> None:
        connection = _GrpcConnection(context)
        stream = Stream(connection, self._store, identifier=self._identifier, hold=self._hold)
        ended = self._streams[stream] = asyncio.get_running_loop().create_future()
        try:
            if self._stopping or not await stream.run():
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the control plane is stopping")
        except ProtocolError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        finally:
            del self._streams[stream]
            ended.set_result(None)


class _GrpcConnection:
    """A gRPC call as the stream sees it."""

    def __init__(self, context: _Context) -> None:
        self._context = context

    async def read(self) -> wire.DiscoveryRequest | None:
        message = await self._context.read()
        if not isinstance(message, bytes):
            return None
        try:
            return wire.DiscoveryRequest.FromString(message)
        except DecodeError:
            text = "this is no DiscoveryRequest"
            raise ProtocolError(text) from None

    async def write(self, message: wire.DiscoveryResponse) -> None:
        await self._context.write(message)
