"""Know how Envoy asks the semantic router, which picks the model of each request."""

from datetime import timedelta
from typing import Final

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    Cluster,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    ClusterEdsClusterConfig,
    ClusterLbPolicy,
)
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutation
from envoy_data_plane.envoy.config.core.v3 import (
    GrpcService,
    GrpcServiceEnvoyGrpc,
    Http2ProtocolOptions,
    HttpProtocolOptions,
    KeepaliveSettings,
    RetryPolicy,
    RetryPolicyRetryHostPredicate,
    TypedExtensionConfig,
)
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import (
    ExternalProcessor,
    ExternalProcessorRouteCacheAction,
    ExtProcPerRoute,
    ProcessingMode,
    ProcessingModeBodySendMode,
    ProcessingModeHeaderSendMode,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    HeaderMutation as EarlyHeaderMutation,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import (
    PreviousHostsPredicate,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions as UpstreamHttpProtocolOptions,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.type.v3 import HttpStatus, StatusCode
from envoy_data_plane.google.protobuf import Any

from xds.config.gateway import Endpoint, OutlierDetection, Router, RouterApi
from xds.translate.clusters import (
    BUFFER_LIMIT,
    DNS_LOOKUP_FAMILY,
    UPSTREAM_HTTP,
    ads,
    is_eds,
    outlier_detection,
)
from xds.translate.endpoints import cluster_load_assignment
from xds.translate.names import ROUTER, ROUTER_API
from xds.wire.codec import pack

EXT_PROC: Final = "envoy.filters.http.ext_proc"
# What the router and those beside it tell each other, and believe whoever says it. Removal by a
# route would come after the router has seen them.
_INTERNAL_HEADERS: Final = (
    "x-vsr-looper-request",
    "x-vsr-looper-secret",
    "x-vsr-looper-decision",
    "x-vsr-looper-iteration",
    "x-vsr-fusion-depth",
    "x-vsr-internal-auth",
    "x-vsr-destination-endpoint",
    "x-authz-user-id",
    "x-authz-user-groups",
    "x-authz-team-id",
    "x-authz-tenant-id",
)
# Each request in flight is one here; the limits that count are those of the models.
_NO_LIMIT: Final = 1_000_000


def ext_proc(router: Router) -> HttpFilter:
    """Return the filter that shows requests and answers to the router, which picks the model.

    The modes are those of the router's own Envoy files: it needs an answer whole to keep or to
    translate it, and asks to have it piece by piece where it is a stream of events.
    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_proc_filter
    """
    processor = ExternalProcessor(
        grpc_service=GrpcService(
            envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=ROUTER), retry_policy=_retry_policy()
        ),
        failure_mode_allow=router.failure_mode_allow,
        message_timeout=router.message_timeout,
        processing_mode=ProcessingMode(
            request_header_mode=ProcessingModeHeaderSendMode.SEND,
            response_header_mode=ProcessingModeHeaderSendMode.SEND,
            request_body_mode=ProcessingModeBodySendMode.BUFFERED,
            response_body_mode=ProcessingModeBodySendMode.BUFFERED,
            request_trailer_mode=ProcessingModeHeaderSendMode.SKIP,
            response_trailer_mode=ProcessingModeHeaderSendMode.SKIP,
        ),
        allow_mode_override=True,
        # The model is known when the route for the headers has long been found; whether the router
        # asks to have it found anew depends on a setting of its own.
        route_cache_action=ExternalProcessorRouteCacheAction.CLEAR,
        status_on_error=HttpStatus(code=StatusCode.ServiceUnavailable),
    )
    return HttpFilter(name=EXT_PROC, typed_config=pack(processor))


def without_ext_proc() -> dict[str, Any]:
    """Return what makes a route do without the router."""
    return {EXT_PROC: pack(ExtProcPerRoute(disabled=True))}


def early_header_mutation(model_header: str) -> TypedExtensionConfig:
    """Return the removal of what only the router may say, before any filter sees a request."""
    removed = EarlyHeaderMutation(
        mutations=[HeaderMutation(remove=name) for name in (model_header, *_INTERNAL_HEADERS)]
    )
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation", typed_config=pack(removed)
    )


def router_cluster(router: Router) -> Cluster:
    """Return the cluster of the router's replicas: all addresses that its name has.

    EDS delivers an address: a cluster that is itself replaced breaks off what its filters ask.
    """
    servers = (router_server(router),)
    eds = is_eds(servers)
    threshold = CircuitBreakersThresholds(
        max_connections=_NO_LIMIT,
        max_pending_requests=_NO_LIMIT,
        max_requests=_NO_LIMIT,
        max_retries=_NO_LIMIT,
    )
    return Cluster(
        name=ROUTER,
        type=ClusterDiscoveryType.EDS if eds else ClusterDiscoveryType.STRICT_DNS,
        eds_cluster_config=ClusterEdsClusterConfig(eds_config=ads()) if eds else None,
        load_assignment=None if eds else cluster_load_assignment(ROUTER, servers),
        dns_lookup_family=ClusterDnsLookupFamily.AUTO if eds else DNS_LOOKUP_FAMILY,
        lb_policy=ClusterLbPolicy.LEAST_REQUEST,
        connect_timeout=timedelta(seconds=5),
        per_connection_buffer_limit_bytes=BUFFER_LIMIT,
        circuit_breakers=CircuitBreakers(thresholds=[threshold]),
        outlier_detection=outlier_detection(OutlierDetection()),
        ignore_health_on_host_removal=True,
        typed_extension_protocol_options={UPSTREAM_HTTP: pack(_upstream_http())},
    )


def router_server(router: Router) -> Endpoint:
    """Return where the router picks models."""
    return Endpoint(name=ROUTER, address=router.address, port=router.port)


def router_api(api: RouterApi) -> Endpoint:
    """Return where the router lists the models."""
    return Endpoint(name=ROUTER_API, address=api.address, port=api.port)


def _retry_policy() -> RetryPolicy:
    """Return that a replica which can not be reached leaves a request to another one."""
    other = RetryPolicyRetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts",
        typed_config=pack(PreviousHostsPredicate()),
    )
    return RetryPolicy(
        retry_on="connect-failure,refused-stream,reset-before-request",
        num_retries=2,
        retry_host_predicate=[other],
        host_selection_retry_max_attempts=10,
    )


def _upstream_http() -> UpstreamHttpProtocolOptions:
    # A server of grpc-go, such as the router, cuts whoever pings more often than every 5 minutes,
    # or for long without a request: https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md
    keepalive = KeepaliveSettings(
        interval=timedelta(minutes=5),
        timeout=timedelta(seconds=5),
        # A connection that was long at rest is tried before a request is sent on it.
        connection_idle_interval=timedelta(seconds=60),
    )
    return UpstreamHttpProtocolOptions(
        common_http_protocol_options=HttpProtocolOptions(idle_timeout=timedelta(minutes=4)),
        explicit_http_config=HttpProtocolOptionsExplicitHttpConfig(
            http2_protocol_options=Http2ProtocolOptions(connection_keepalive=keepalive)
        ),
    )
