"""Know how the endpoints of a pool are spoken to: in plain text, or in TLS to a proven server."""

from collections.abc import Sequence

from envoy_data_plane.envoy.config.cluster.v3 import ClusterTransportSocketMatch
from envoy_data_plane.envoy.config.core.v3 import DataSource, TransportSocket
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CertificateValidationContext,
    CommonTlsContext,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    TlsParameters,
    TlsParametersTlsProtocol,
    UpstreamTlsContext,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.google.protobuf import Struct

from xds.config import gateway as config
from xds.config.addresses import is_ip
from xds.translate.endpoints import SERVER_NAME, is_alike
from xds.translate.names import server_name
from xds.wire.codec import pack


def transport_socket(
    endpoints: Sequence[config.Endpoint], tls: config.UpstreamTls
) -> TransportSocket | None:
    """Return how all endpoints of a pool are spoken to, where that is TLS and the same for all."""
    server = server_name(endpoints[0]) if endpoints and is_alike(endpoints) else ""
    return tls_socket(server, tls) if server else None


def transport_socket_matches(
    endpoints: Sequence[config.Endpoint], tls: config.UpstreamTls
) -> list[ClusterTransportSocketMatch]:
    """Return the transport socket of each server in a pool that is not alike.

    An endpoint whose metadata match none is spoken to in plain text.
    """
    if is_alike(endpoints):
        return []
    servers = {server_name(endpoint) for endpoint in endpoints} - {""}
    return [
        ClusterTransportSocketMatch(
            name=server,
            match=Struct.from_dict({SERVER_NAME: server}),
            transport_socket=tls_socket(server, tls),
        )
        for server in sorted(servers)
    ]


def tls_socket(server: str, tls: config.UpstreamTls) -> TransportSocket:
    """Return TLS to one server, which must prove its name by a certificate of a known authority.

    Without the names to be matched, Envoy takes the certificate of any server.
    https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/security/ssl#certificate-verification
    """
    ip = is_ip(server)
    name = SubjectAltNameMatcher(
        san_type=SubjectAltNameMatcherSanType.IP_ADDRESS
        if ip
        else SubjectAltNameMatcherSanType.DNS,
        matcher=StringMatcher(exact=server),
    )
    context = UpstreamTlsContext(
        # An IP address is no server name: RFC 6066, section 3.
        sni="" if ip else server,
        common_tls_context=CommonTlsContext(
            tls_params=TlsParameters(
                tls_minimum_protocol_version=TlsParametersTlsProtocol.TLSv1_2,
                tls_maximum_protocol_version=TlsParametersTlsProtocol.TLSv1_3,
            ),
            validation_context=CertificateValidationContext(
                trusted_ca=DataSource(filename=tls.ca_file),
                match_typed_subject_alt_names=[name],
            ),
        ),
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))
