"""Know how requests and responses look on the wire, in both variants.

What many streams are sent alike is encoded once: responses are put together from bytes, and what
differs between two streams, the nonce, comes last.
"""

from collections.abc import Callable
from datetime import datetime
from weakref import WeakKeyDictionary

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message

from xds.protocol.messages import DeltaRequest, ProtocolError, Request, Response
from xds.resources import VIRTUAL_HOSTS
from xds.selection import Selection
from xds.server.names import recognised, shared
from xds.status import Locality, Node
from xds.wire import discovery_pb2 as wire


def sotw_request(message: bytes, at: datetime) -> Request:
    """Return what a state-of-the-world request says that arrived at some time.

    Raises ProtocolError if the bytes are none.
    """
    known, rest = recognised(message)
    try:
        decoded = wire.DiscoveryRequest.FromString(rest)
    except DecodeError:
        text = "this is no DiscoveryRequest"
        raise ProtocolError(text) from None
    return Request(
        type_url=decoded.type_url,
        nonce=decoded.response_nonce,
        version=decoded.version_info,
        error=_error(decoded),
        node=_node(decoded),
        at=at,
        names=_together(known, shared(decoded.resource_names, will_come_again=True)),
    )


def delta_request(message: bytes, at: datetime) -> DeltaRequest:
    """Return what an incremental request says that arrived at some time.

    Raises ProtocolError if the bytes are none.
    """
    try:
        decoded = wire.DeltaDiscoveryRequest.FromString(message)
    except DecodeError:
        text = "this is no DeltaDiscoveryRequest"
        raise ProtocolError(text) from None
    return DeltaRequest(
        type_url=decoded.type_url,
        subscribe=shared(decoded.resource_names_subscribe),
        unsubscribe=shared(decoded.resource_names_unsubscribe),
        initial_versions=dict(decoded.initial_resource_versions),
        nonce=decoded.response_nonce,
        error=_error(decoded),
        node=_node(decoded),
        at=at,
    )


def _together(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    # The very set, which streams share, where there is only one.
    return one | other if one and other else one or other


def _error(message: wire.DiscoveryRequest | wire.DeltaDiscoveryRequest) -> str | None:
    # A present error_detail is a NACK, even one without words.
    return message.error_detail.message if message.HasField("error_detail") else None


def _node(message: wire.DiscoveryRequest | wire.DeltaDiscoveryRequest) -> Node | None:
    if not message.HasField("node"):
        return None
    node = message.node
    place = node.locality
    return Node(
        node.id, node.cluster, _version(node), Locality(place.region, place.zone, place.sub_zone)
    )


def _version(node: wire.Node) -> str:
    number = node.user_agent_version
    if node.HasField("user_agent_build_version"):
        version = node.user_agent_build_version.version
        number = f"{version.major_number}.{version.minor_number}.{version.patch}"
    return f"{node.user_agent_name} {number}".strip()


class Encoder:
    """Encodes responses, and what many streams are sent alike only once.

    `shared` makes the message of what a response holds, `own` that of what this response tells
    besides; one after the other, their bytes are one message:
    https://protobuf.dev/programming-guides/encoding/#last-one-wins
    """

    def __init__(
        self, shared: Callable[[Response], Message], own: Callable[[Response], Message]
    ) -> None:
        self._shared = shared
        self._own = own
        self._encoded = WeakKeyDictionary[Selection, bytes]()

    def encode(self, response: Response) -> bytes:
        """Return the bytes of a response."""
        shared = self._encoded.get(response.resources)
        if shared is None:
            shared = self._shared(response).SerializeToString()
            self._encoded[response.resources] = shared
        return shared + self._own(response).SerializeToString()


def sotw_encoder(identifier: str) -> Encoder:
    """Return what encodes state-of-the-world responses of the control plane of that name."""
    control_plane = wire.ControlPlane(identifier=identifier)

    def shared(response: Response) -> wire.DiscoveryResponse:
        type_url = response.type_url
        return wire.DiscoveryResponse(
            type_url=type_url,
            control_plane=control_plane,
            resources=[
                Any(type_url=type_url, value=each.body)
                for each in response.resources.resources.values()
            ],
        )

    def own(response: Response) -> wire.DiscoveryResponse:
        return wire.DiscoveryResponse(version_info=response.version, nonce=response.nonce)

    return Encoder(shared, own)


def delta_encoder(identifier: str) -> Encoder:
    """Return what encodes incremental responses of the control plane of that name."""
    control_plane = wire.ControlPlane(identifier=identifier)

    def shared(response: Response) -> wire.DeltaDiscoveryResponse:
        type_url = response.type_url
        return wire.DeltaDiscoveryResponse(
            type_url=type_url,
            control_plane=control_plane,
            resources=[
                wire.Resource(
                    name=each.name,
                    version=each.version,
                    aliases=each.aliases,
                    resource=Any(type_url=type_url, value=each.body),
                )
                for each in response.resources.resources.values()
            ],
        )

    return Encoder(shared, _delta_own)


def _delta_own(response: Response) -> wire.DeltaDiscoveryResponse:
    message = wire.DeltaDiscoveryResponse(
        system_version_info=response.version,
        nonce=response.nonce,
        removed_resources=response.removed,
    )
    if response.type_url == VIRTUAL_HOSTS:
        # An alias that leads nowhere is answered with a resource without a body.
        # https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/vhds
        message.resources.extend(
            wire.Resource(name=name, aliases=(name,)) for name in response.missing
        )
    else:
        message.removed_resources.extend(response.missing)
    return message
