"""Know how to tell whether there is anything to serve: gRPC's own health service.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

import asyncio
from typing import Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from xds.server.services import SERVICES
from xds.store import SnapshotStore

_NAMES: Final = frozenset({"", *(service.name for service in SERVICES)})

_Request = health_pb2.HealthCheckRequest
_Answer = health_pb2.HealthCheckResponse
_Context = grpc.aio.ServicerContext[_Request, _Answer]


class Health(health_pb2_grpc.HealthServicer):
    """Tells SERVING from the first snapshot on, and NOT_SERVING from `stop` on.

    grpc_health has such a servicer, but that holds a lock while it writes, so that a watcher who
    does not read keeps it from telling the others, and forgets them all when one of them leaves.
    """

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._watchers: dict[asyncio.Event, asyncio.Future[None]] = {}
        self._is_stopped = False

    def stop(self) -> list[asyncio.Future[None]]:
        """Tell all watchers, and return what is done when each of them has read it."""
        self._is_stopped = True
        for wake in self._watchers:
            wake.set()
        return list(self._watchers.values())

    async def Check(self, request: _Request, context: _Context) -> _Answer:  # noqa: N802  gRPC's
        """Return the status of one service."""
        if request.service not in _NAMES:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no {request.service!r}")
        return _Answer(status=self._status(request))

    async def Watch(self, request: _Request, context: _Context) -> None:  # noqa: N802  gRPC's
        """Send the status of one service, and each that follows, until `stop`."""
        wake = asyncio.Event()
        ended = self._watchers[wake] = asyncio.get_running_loop().create_future()
        # Later than the last line here: the status is on its way then.
        context.add_done_callback(lambda _: ended.set_result(None))  # type: ignore[arg-type]
        try:
            with self._store.follow(wake.set):
                told = None
                while told != (status := self._status(request)) or not self._is_stopped:
                    if told != status:
                        await context.write(_Answer(status=status))
                        told = status
                    else:
                        await wake.wait()
                        wake.clear()
        finally:
            del self._watchers[wake]

    def _status(self, request: _Request) -> int:
        if request.service not in _NAMES:
            return _Answer.SERVICE_UNKNOWN
        is_serving = self._store.current is not None and not self._is_stopped
        return _Answer.SERVING if is_serving else _Answer.NOT_SERVING
