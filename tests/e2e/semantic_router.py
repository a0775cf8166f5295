"""A small semantic router: it picks the model of a request by a word of its prompt.

It speaks as the real one does, with `clear_route_cache: false`: the model's header is set when the
body is known, and a stream of events is asked for piece by piece.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from envoy_data_plane.envoy.config.core.v3 import HeaderValue, HeaderValueOption
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import (
    ProcessingMode,
    ProcessingModeBodySendMode,
)
from envoy_data_plane.envoy.service.ext_proc.v3 import (
    BodyResponse,
    CommonResponse,
    HeaderMutation,
    HeadersResponse,
    HttpHeaders,
    ImmediateResponse,
    ProcessingRequest,
    ProcessingResponse,
)
from envoy_data_plane.envoy.type.v3 import HttpStatus, StatusCode

from xds.ports import HostPort

PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
REFUSAL = {"error": {"message": "not here", "type": "invalid_request_error", "code": 400}}


@dataclass
class Seen:
    """What the router was shown of one request and its answer."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: list[bytes] = field(default_factory=list)


@dataclass
class SemanticRouter(grpc.GenericRpcHandler):
    """The router; the words are those that lead to a model, and to being slow or strict."""

    words: dict[str, str]
    asks_for_pieces: bool = True
    seen: list[Seen] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[ProcessingRequest, ProcessingResponse] | None":
        if handler_call_details.method != PROCESS:
            return None
        return grpc.stream_stream_rpc_method_handler(
            self._process,
            request_deserializer=ProcessingRequest.parse,
            response_serializer=bytes,
        )

    async def _process(
        self, requests: AsyncIterator[ProcessingRequest], _: object
    ) -> AsyncIterator[ProcessingResponse]:
        seen = Seen()
        self.seen.append(seen)
        async for request in requests:
            if request.request_headers:
                seen.headers = _headers(request.request_headers)
                yield ProcessingResponse(request_headers=HeadersResponse())
            elif request.request_body:
                seen.body += request.request_body.body
                yield await self._picked(seen.body)
            elif request.response_headers:
                yield self._answered(_headers(request.response_headers))
            elif request.response_body:
                seen.pieces.append(request.response_body.body)
                yield ProcessingResponse(response_body=BodyResponse())

    async def _picked(self, body: bytes) -> ProcessingResponse:
        prompt = json.loads(body).get("prompt", "")[:99]
        if "hang" in prompt:
            await self.released.wait()
        if "forbidden" in prompt:
            return ProcessingResponse(immediate_response=_refusal())
        models = [model for word, model in self.words.items() if word in prompt]
        set_headers = [_set("x-selected-model", model) for model in models]
        common = CommonResponse(header_mutation=HeaderMutation(set_headers=set_headers))
        return ProcessingResponse(request_body=BodyResponse(response=common))

    def _answered(self, headers: dict[str, str]) -> ProcessingResponse:
        stream = headers.get("content-type", "").startswith("text/event-stream")
        pieces = ProcessingMode(response_body_mode=ProcessingModeBodySendMode.STREAMED)
        return ProcessingResponse(
            response_headers=HeadersResponse(),
            mode_override=pieces if stream and self.asks_for_pieces else None,
        )


def _headers(message: HttpHeaders) -> dict[str, str]:
    found = message.headers.headers if message.headers else []
    return {one.key: one.raw_value.decode() for one in found}


def _set(name: str, value: str) -> HeaderValueOption:
    return HeaderValueOption(header=HeaderValue(key=name, raw_value=value.encode()))


def _refusal() -> ImmediateResponse:
    return ImmediateResponse(
        status=HttpStatus(code=StatusCode.BadRequest),
        headers=HeaderMutation(set_headers=[_set("content-type", "application/json")]),
        body=json.dumps(REFUSAL).encode(),
    )


@asynccontextmanager
async def serving(router: SemanticRouter, where: HostPort) -> AsyncIterator[None]:
    """Serve a router at an address, until the context ends."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((router,))
    server.add_insecure_port(str(where))
    await server.start()
    try:
        yield
    finally:
        router.released.set()
        await server.stop(None)
