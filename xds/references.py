"""Know by which fields one Envoy resource names another, and what a resource calls itself.

Only what comes from the aggregated stream counts: a cluster whose endpoints come from a file, or
which the bootstrap defines, is nobody's business here. Of extensions, those are looked into that
have something to name: the HTTP connection manager, the TCP proxy, ext_proc and TLS.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from google.protobuf.any_pb2 import Any as ProtobufAny
from google.protobuf.message import DecodeError, Message

from xds.resources import (
    CLUSTERS,
    ENDPOINTS,
    EXTENSION_CONFIGS,
    LISTENERS,
    ROUTES,
    SCOPED_ROUTES,
    SECRETS,
    VIRTUAL_HOSTS,
    Resource,
)
from xds.wire import references_pb2 as wire

_GOOGLE: Final = "type.googleapis.com/"
_EXTENSIONS: Final = f"{_GOOGLE}envoy.extensions."
_NETWORK: Final = f"{_EXTENSIONS}filters.network."
_TLS: Final = f"{_EXTENSIONS}transport_sockets.tls.v3."

_RESOURCES: Final[Mapping[str, type[Message]]] = {
    CLUSTERS: wire.Cluster,
    ENDPOINTS: wire.ClusterLoadAssignment,
    LISTENERS: wire.Listener,
    ROUTES: wire.RouteConfiguration,
    SCOPED_ROUTES: wire.ScopedRouteConfiguration,
    VIRTUAL_HOSTS: wire.VirtualHost,
    EXTENSION_CONFIGS: wire.TypedExtensionConfig,
}
_WITHIN: Final[Mapping[str, type[Message]]] = {
    f"{_GOOGLE}envoy.config.route.v3.Route": wire.Route,
    f"{_NETWORK}http_connection_manager.v3.HttpConnectionManager": wire.HttpConnectionManager,
    f"{_NETWORK}tcp_proxy.v3.TcpProxy": wire.TcpProxy,
    f"{_EXTENSIONS}filters.http.ext_proc.v3.ExternalProcessor": wire.ExternalProcessor,
    f"{_TLS}UpstreamTlsContext": wire.TlsContext,
    f"{_TLS}DownstreamTlsContext": wire.TlsContext,
}

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """The resource that another one names."""

    type_url: str
    name: str


def eds_name(cluster: Resource) -> str:
    """Return the name of the load assignment that belongs to a cluster.

    Raises ValueError if the body is no cluster.
    """
    message = _parse(wire.Cluster, cluster)
    return message.eds_cluster_config.service_name or message.name or cluster.name


def own_name(resource: Resource) -> str:
    """Return what the body of a resource calls itself; its name where that is not known.

    Raises ValueError if the body is no message of its type.
    """
    if resource.type_url not in _RESOURCES:
        return resource.name
    message: Any = _parse(_RESOURCES[resource.type_url], resource)
    if resource.type_url == VIRTUAL_HOSTS:
        # Its resource is called by its route configuration's name, too.
        return resource.name
    name = message.cluster_name if resource.type_url == ENDPOINTS else message.name
    return str(name)


def references(resource: Resource) -> frozenset[Reference]:
    """Return what a resource names, as far as it comes from the aggregated stream.

    Raises ValueError if the body is no message of its type.
    """
    if resource.type_url not in _RESOURCES:
        return frozenset()
    return frozenset(_walk(_parse(_RESOURCES[resource.type_url], resource)))


def _parse(message_class: type[M], resource: Resource) -> M:
    try:
        return message_class.FromString(resource.body)
    except DecodeError:
        kind = resource.type_url.rpartition(".")[2]
        text = f"the body of {resource.name!r} is no {kind} message"
        raise ValueError(text) from None


def _walk(message: Message) -> Iterator[Reference]:
    yield from _named_by(message)
    if isinstance(message, ProtobufAny):
        if message.type_url in _WITHIN:
            try:
                yield from _walk(_WITHIN[message.type_url].FromString(message.value))
            except DecodeError:
                text = f"an extension's body is no {message.type_url.rpartition('.')[2]} message"
                raise ValueError(text) from None
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in _messages(value):
                yield from _walk(each)


def _messages(value: object) -> Iterable[Message]:
    """Return the messages of a field: one, a list of them, or the values of a map."""
    if isinstance(value, Message):
        return (value,)
    return value.values() if isinstance(value, Mapping) else cast("Iterable[Message]", value)


def _named_by(message: Message) -> Iterator[Reference]:
    """Return what a message itself names."""
    match message:
        case wire.RouteAction() | wire.RequestMirrorPolicy() | wire.TcpProxy():
            name = message.cluster
        case wire.ClusterWeight():
            name = message.name
        case wire.GrpcService():
            name = message.envoy_grpc.cluster_name
        case _:
            yield from _named_by_source(message)
            return
    if name:
        yield Reference(CLUSTERS, name)


def _named_by_source(message: Message) -> Iterator[Reference]:
    """Return what a message names beside the source that it comes from."""
    match message:
        case wire.Cluster() if message.eds_cluster_config.eds_config.HasField("ads"):
            yield Reference(ENDPOINTS, message.eds_cluster_config.service_name or message.name)
        case wire.SdsSecretConfig() if message.sds_config.HasField("ads"):
            yield Reference(SECRETS, message.name)
        case wire.Rds() if message.config_source.HasField("ads"):
            yield Reference(ROUTES, message.route_config_name)
        case wire.Filter() if message.config_discovery.config_source.HasField("ads"):
            yield Reference(EXTENSION_CONFIGS, message.name)
        case wire.ScopedRouteConfiguration() if message.route_configuration_name:
            yield Reference(ROUTES, message.route_configuration_name)
