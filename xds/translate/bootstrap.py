"""Know the file that Envoy starts from: who it is, and where its control plane listens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from envoy_data_plane.envoy.config.bootstrap.v3 import (
    Admin,
    Bootstrap,
    BootstrapDynamicResources,
    BootstrapStaticResources,
)
from envoy_data_plane.envoy.config.cluster.v3 import (
    Cluster,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
)
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.core.v3 import (
    ApiConfigSource,
    ApiConfigSourceApiType,
    ApiVersion,
    BackoffStrategy,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    Http2ProtocolOptions,
    KeepaliveSettings,
    RetryPolicy,
)
from envoy_data_plane.envoy.config.overload.v3 import OverloadManager, ResourceMonitor
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections.v3 import (
    DownstreamConnectionsConfig,
)
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CertificateValidationContext,
    CommonTlsContext,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    TlsCertificate,
    UpstreamTlsContext,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions,
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from xds.config.addresses import is_ip
from xds.config.gateway import Endpoint
from xds.translate.clusters import DNS_LOOKUP_FAMILY, UPSTREAM_HTTP, ads
from xds.translate.endpoints import address, cluster_load_assignment
from xds.translate.names import XDS_CLUSTER
from xds.wire.codec import pack

# Without a limit, Envoy takes connections until it has no file descriptors or memory left.
_MAX_CONNECTIONS: Final = 50_000


class Protocol(StrEnum):
    """The variant that an Envoy speaks: changes alone, or the state of the world each time."""

    DELTA = "delta"
    SOTW = "sotw"


_API_TYPES: Final[Mapping[Protocol, ApiConfigSourceApiType]] = {
    Protocol.DELTA: ApiConfigSourceApiType.DELTA_GRPC,
    Protocol.SOTW: ApiConfigSourceApiType.GRPC,
}


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files on Envoy's machine: who signed the control plane's certificate, and Envoy's own."""

    ca: str
    cert: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """Who an Envoy is, and where its own admin page and its control plane are."""

    id: str
    cluster: str
    admin_host: str
    admin_port: int
    xds_host: str
    xds_port: int
    tls: Tls | None = None
    protocol: Protocol = Protocol.DELTA


def bootstrap(node: Node) -> Bootstrap:
    """Return the bootstrap of an Envoy that takes everything else from the control plane.

    https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/examples#dynamic
    """
    return Bootstrap(
        node=core.Node(id=node.id, cluster=node.cluster),
        admin=Admin(address=address(node.admin_host, node.admin_port)),
        dynamic_resources=BootstrapDynamicResources(
            ads_config=_ads_config(node.protocol), cds_config=ads(), lds_config=ads()
        ),
        static_resources=BootstrapStaticResources(clusters=[_xds_cluster(node)]),
        overload_manager=overload_manager(),
    )


def overload_manager() -> OverloadManager:
    """Return the limit on how many connections an Envoy takes."""
    limit = DownstreamConnectionsConfig(max_active_downstream_connections=_MAX_CONNECTIONS)
    monitor = ResourceMonitor(
        name="envoy.resource_monitors.global_downstream_max_connections",
        typed_config=pack(limit),
    )
    return OverloadManager(resource_monitors=[monitor])


def _ads_config(protocol: Protocol) -> ApiConfigSource:
    # Envoy's own back-off grows to 30 s, for which an Envoy would miss what was published since
    # its control plane came back.
    back_off = BackoffStrategy(
        base_interval=timedelta(milliseconds=250), max_interval=timedelta(seconds=5)
    )
    grpc = GrpcServiceEnvoyGrpc(
        cluster_name=XDS_CLUSTER, retry_policy=RetryPolicy(retry_back_off=back_off)
    )
    return ApiConfigSource(
        api_type=_API_TYPES[protocol],
        transport_api_version=ApiVersion.V3,
        grpc_services=[GrpcService(envoy_grpc=grpc)],
        set_node_on_first_message_only=True,
    )


def _xds_cluster(node: Node) -> Cluster:
    server = Endpoint(name=XDS_CLUSTER, address=node.xds_host, port=node.xds_port)
    http2 = Http2ProtocolOptions(
        # A control plane that vanished without a word is missed within 15 s.
        connection_keepalive=KeepaliveSettings(
            interval=timedelta(seconds=10), timeout=timedelta(seconds=5)
        )
    )
    options = HttpProtocolOptions(
        explicit_http_config=HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=http2)
    )
    by_ip = is_ip(node.xds_host)
    return Cluster(
        name=XDS_CLUSTER,
        type=ClusterDiscoveryType.STATIC if by_ip else ClusterDiscoveryType.STRICT_DNS,
        dns_lookup_family=ClusterDnsLookupFamily.AUTO if by_ip else DNS_LOOKUP_FAMILY,
        connect_timeout=timedelta(seconds=5),
        load_assignment=cluster_load_assignment(XDS_CLUSTER, [server]),
        typed_extension_protocol_options={UPSTREAM_HTTP: pack(options)},
        transport_socket=_transport_socket(node.tls, node.xds_host) if node.tls else None,
    )


def _transport_socket(tls: Tls, host: str) -> core.TransportSocket:
    by_ip = is_ip(host)
    name = SubjectAltNameMatcher(
        san_type=SubjectAltNameMatcherSanType.IP_ADDRESS
        if by_ip
        else SubjectAltNameMatcherSanType.DNS,
        matcher=StringMatcher(exact=host),
    )
    context = CommonTlsContext(
        alpn_protocols=["h2"],
        tls_certificates=[_certificate(tls.cert, tls.key)] if tls.cert and tls.key else [],
        validation_context=CertificateValidationContext(
            trusted_ca=core.DataSource(filename=tls.ca), match_typed_subject_alt_names=[name]
        ),
    )
    upstream = UpstreamTlsContext(common_tls_context=context, sni="" if by_ip else host)
    return core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(upstream))


def _certificate(cert: str, key: str) -> TlsCertificate:
    return TlsCertificate(
        certificate_chain=core.DataSource(filename=cert),
        private_key=core.DataSource(filename=key),
    )
