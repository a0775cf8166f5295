"""Know how a listener of the gateway becomes an Envoy listener with its connection manager."""

from typing import Final

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLog
from envoy_data_plane.envoy.config.core.v3 import (
    Http2ProtocolOptions,
    HttpProtocolOptions,
    SubstitutionFormatString,
)
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.extensions.access_loggers.stream.v3 import StdoutAccessLog
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    Rds,
)
from envoy_data_plane.google.protobuf import Struct

from xds.config import gateway as config
from xds.translate.clusters import BUFFER_LIMIT, ads
from xds.translate.endpoints import address
from xds.translate.filters import http_filters
from xds.translate.local_replies import local_reply_config
from xds.translate.names import route_configuration
from xds.translate.router import early_header_mutation
from xds.wire.codec import pack

HTTP_CONNECTION_MANAGER: Final = "envoy.filters.network.http_connection_manager"


def listener(gateway: config.Gateway, where: config.Listener) -> Listener:
    """Return the listener of one address of the gateway."""
    manager = http_connection_manager(gateway, where)
    return Listener(
        name=where.name,
        address=address(where.address, where.port),
        per_connection_buffer_limit_bytes=BUFFER_LIMIT,
        filter_chains=[
            FilterChain(filters=[Filter(name=HTTP_CONNECTION_MANAGER, typed_config=pack(manager))])
        ],
    )


def http_connection_manager(
    gateway: config.Gateway, where: config.Listener
) -> HttpConnectionManager:
    """Return the connection manager of a listener, with the limits of the router's own Envoy file.

    But for the windows of HTTP/2: those are what Envoy holds of a stream, too, and a request that
    is read as a whole has to fit in.
    https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge
    """
    timeout = gateway.resilience.timeout
    return HttpConnectionManager(
        stat_prefix=where.name,
        rds=Rds(route_config_name=route_configuration(where), config_source=ads()),
        early_header_mutation_extensions=[early_header_mutation(gateway.routing.model_header)]
        if gateway.router
        else [],
        http_filters=http_filters(gateway, where),
        local_reply_config=local_reply_config(),
        common_http_protocol_options=HttpProtocolOptions(idle_timeout=timeout.idle),
        http2_protocol_options=Http2ProtocolOptions(
            max_concurrent_streams=100,
            initial_stream_window_size=BUFFER_LIMIT,
            initial_connection_window_size=BUFFER_LIMIT,
        ),
        stream_idle_timeout=timeout.idle if where.timeout is None else where.timeout,
        request_timeout=timeout.request if where.timeout is None else where.timeout,
        use_remote_address=True,
        normalize_path=True,
        access_log=[access_log(gateway.routing.model_header)],
    )


def access_log(model_header: str) -> AccessLog:
    """Return a log of one JSON line for each request, on Envoy's standard output."""
    fields = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "protocol": "%PROTOCOL%",
        "code": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "duration": "%DURATION%",
        # Until the first byte of the answer, which is what a reader of a stream waits for.
        "response_duration": "%RESPONSE_DURATION%",
        "model": f"%REQ({model_header.upper()})%",
        "upstream_host": "%UPSTREAM_HOST%",
        "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    log = StdoutAccessLog(log_format=SubstitutionFormatString(json_format=Struct.from_dict(fields)))
    return AccessLog(name="envoy.access_loggers.stdout", typed_config=pack(log))
