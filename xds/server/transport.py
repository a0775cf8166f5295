"""Know how requests and responses look as transport messages."""

from google.protobuf.any_pb2 import Any

from xds.protocol.messages import Request, Response
from xds.wire import discovery_pb2 as wire


def request(message: wire.DiscoveryRequest) -> Request:
    """Return what a transport message says."""
    return Request(
        type_url=message.type_url,
        names=frozenset(message.resource_names),
        nonce=message.response_nonce,
        version=message.version_info,
        # A present error_detail is a NACK, even one without words.
        error=message.error_detail.message if message.HasField("error_detail") else None,
        node_id=message.node.id,
    )


def discovery_response(response: Response, identifier: str) -> wire.DiscoveryResponse:
    """Return the transport message that carries a response."""
    return wire.DiscoveryResponse(
        version_info=response.version,
        type_url=response.type_url,
        nonce=response.nonce,
        resources=[
            Any(type_url=response.type_url, value=resource.body)
            for resource in response.resources.values()
        ],
        control_plane=wire.ControlPlane(identifier=identifier),
    )
