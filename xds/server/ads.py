"""Know how to serve the discovery services over gRPC."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2_grpc

from xds.ports import HostPort, listen_failure
from xds.protocol.delta import DeltaSession
from xds.protocol.messages import AnyRequest, ProtocolError
from xds.protocol.sotw import SotwSession
from xds.server.health import Health
from xds.server.services import SERVICES, Service
from xds.server.stream import Language, Memory, Stream
from xds.server.transport import delta_encoder, delta_request, sotw_encoder, sotw_request
from xds.status import Status
from xds.store import SnapshotStore

_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # Two servers on one port would each get some of the Envoys: a port in use is an error.
    ("grpc.so_reuseport", 0),
    # The names of a large fleet do not fit into gRPC's default of 4 MiB.
    ("grpc.max_receive_message_length", 32 << 20),
    # For each connection; streams beyond that wait until another ends.
    ("grpc.max_concurrent_streams", 100),
    # Envoy's keepalive pings every 10 s, else answered with GOAWAY "too_many_pings".
    # https://github.com/grpc/grpc/blob/master/doc/keepalive.md
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A client that vanished without a word is missed, and forgotten, within 50 s. One that is there
    # may not answer for some seconds, while it takes in thousands of clusters.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    # Else each message is answered with a ping that measures the connection, to widen its window.
    # That costs more than to read a small message; requests of megabytes take some time longer.
    ("grpc.http2.bdp_probe", 0),
)
R = TypeVar("R", bound=AnyRequest)
_Context = grpc.aio.ServicerContext[bytes, bytes]
_Behavior = Callable[[object, _Context], Awaitable[None]]


class AdsServer:
    """Serves the current snapshot of a store to every client, and each change of it.

    Clients may use the aggregated service or those for one type, in either variant. `identifier`
    is the name under which Envoy shows this control plane. `hold` is how long, in seconds, routes
    wait for a client that does not answer for their clusters, and clusters stay for one that does
    not answer for the routes without them: longer than the 15 s after which Envoy itself gives up
    waiting. gRPC's health service tells NOT_SERVING before the first snapshot and after `stop`.
    """

    def __init__(self, store: SnapshotStore, *, identifier: str = "xds", hold: float = 20) -> None:
        self._store = store
        self._hold = hold
        self._sotw = Language(SotwSession, sotw_request, sotw_encoder(identifier))
        self._delta = Language(DeltaSession, delta_request, delta_encoder(identifier))
        self._streams: dict[Stream[Any], asyncio.Future[None]] = {}
        self._doubts = Memory()
        self._health = Health(store)
        self._server: grpc.aio.Server | None = None
        self._stopping = False

    def status(self) -> Status:
        """Return who is connected, and what each client has accepted."""
        return Status(tuple(stream.status() for stream in self._streams))

    async def start(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `host:port` and return the port, which the system picks for port 0.

        Raises ValueError if that is no address, OSError if it can not be listened on, RuntimeError
        if the server was started before.
        """
        if self._server is not None:
            message = "this server has been started already"
            raise RuntimeError(message)
        wanted = HostPort.parse(address)
        # Asked first, as gRPC writes a page about it to standard error.
        if reason := listen_failure(wanted):
            message = f"can not listen on {wanted}: {reason}"
            raise OSError(message)
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers(tuple(map(self._handler, SERVICES)))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
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
        if ending := [*self._health.stop(), *self._streams.values()]:
            await asyncio.wait(ending, timeout=grace)
        if self._server is not None:
            # No grace of gRPC's own: it would wait for connections that never said a word.
            await self._server.stop(None)

    def _handler(self, service: Service) -> grpc.GenericRpcHandler:
        # Without functions to decode and encode, messages are the bytes that they are on the wire.
        make = grpc.stream_stream_rpc_method_handler
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]]
        handlers = {service.delta: make(self._behavior(self._delta, service))}
        if service.sotw:
            handlers[service.sotw] = make(self._behavior(self._sotw, service))
        return grpc.method_handlers_generic_handler(service.name, handlers)

    def _behavior(self, language: Language[R], service: Service) -> _Behavior:
        async def serve(_: object, context: _Context) -> None:
            ended = asyncio.get_running_loop().create_future()
            try:
                # Aborted where nothing of the stream is left: gRPC keeps some of the exceptions,
                # and with them whatever their tracebacks hold.
                if end := await self._carry(context, language, service.type_url, ended):
                    await context.abort(*end)
            finally:
                ended.set_result(None)

        return serve

    async def _carry(
        self, context: _Context, language: Language[R], service: str, ended: asyncio.Future[None]
    ) -> tuple[grpc.StatusCode, str] | None:
        """Serve a stream to its end, and return how to abort the call, if it is to be."""
        stream = Stream(
            context,
            self._store,
            language,
            service=service,
            hold=self._hold,
            doubts=self._doubts,
        )
        self._streams[stream] = ended
        try:
            if not self._stopping and await stream.run():
                return None
        except ProtocolError as error:
            return grpc.StatusCode.INVALID_ARGUMENT, str(error)
        except grpc.aio.InternalError as error:
            # The client left in the middle of a message: no failure of ours, and nobody to tell.
            raise asyncio.CancelledError from error
        finally:
            del self._streams[stream]
        return grpc.StatusCode.UNAVAILABLE, "the control plane is stopping"
