"""Know how a pool of endpoints becomes an Envoy cluster."""

from datetime import timedelta
from functools import cache
from typing import Final

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    Cluster,
    ClusterCommonLbConfig,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    ClusterEdsClusterConfig,
    ClusterLbPolicy,
    OutlierDetection,
)
from envoy_data_plane.envoy.config.core.v3 import (
    AggregatedConfigSource,
    ApiVersion,
    ConfigSource,
    HealthCheck,
    HealthCheckHttpHealthCheck,
    Http1ProtocolOptions,
    HttpProtocolOptions,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions as UpstreamHttpProtocolOptions,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.type.v3 import Percent
from envoy_data_plane.google.protobuf import Any

from xds.config import gateway as config
from xds.translate.endpoints import cluster_load_assignment
from xds.translate.names import stat_name
from xds.translate.transport_sockets import transport_socket, transport_socket_matches
from xds.wire.codec import pack

BUFFER_LIMIT: Final = 50 << 20

_LB_POLICIES: Final = {
    "round_robin": ClusterLbPolicy.ROUND_ROBIN,
    "least_request": ClusterLbPolicy.LEAST_REQUEST,
}
# Half of all names, localhost first, also have an IPv6 address at which nothing listens.
DNS_LOOKUP_FAMILY: Final = ClusterDnsLookupFamily.V4_PREFERRED
UPSTREAM_HTTP: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def is_eds(endpoints: tuple[config.Endpoint, ...]) -> bool:
    """Tell whether a pool's addresses can be delivered by EDS, which takes no host names."""
    return all(endpoint.is_ip for endpoint in endpoints)


def cluster(
    name: str,
    endpoints: tuple[config.Endpoint, ...],
    resilience: config.Resilience,
    tls: config.UpstreamTls,
) -> Cluster:
    """Return the cluster of a pool; EDS delivers its endpoints, unless one is a host name."""
    eds = is_eds(endpoints)
    outlier = resilience.outlier_detection
    return Cluster(
        name=name,
        alt_stat_name=stat_name(name),
        type=ClusterDiscoveryType.EDS if eds else ClusterDiscoveryType.STRICT_DNS,
        eds_cluster_config=ClusterEdsClusterConfig(eds_config=ads()) if eds else None,
        load_assignment=None if eds else cluster_load_assignment(name, endpoints),
        dns_lookup_family=ClusterDnsLookupFamily.AUTO if eds else DNS_LOOKUP_FAMILY,
        connect_timeout=resilience.timeout.connect,
        transport_socket=transport_socket(endpoints, tls),
        transport_socket_matches=transport_socket_matches(endpoints, tls),
        per_connection_buffer_limit_bytes=BUFFER_LIMIT,
        lb_policy=_LB_POLICIES[resilience.lb_policy],
        common_lb_config=ClusterCommonLbConfig(
            # Envoy's 50 % would send requests to endpoints known to be dead as soon as half are.
            healthy_panic_threshold=Percent(value=1),
            # Envoy may hold a change of health or weights back for 1 s, to merge it with the next.
            update_merge_window=timedelta(0),
        ),
        circuit_breakers=circuit_breakers(resilience.circuit_breaker),
        outlier_detection=outlier_detection(outlier) if outlier.consecutive_5xx else None,
        health_checks=[health_check(resilience.health_check)] if resilience.health_check else [],
        # What leaves the configuration leaves at once, not when it next fails a health check.
        ignore_health_on_host_removal=True,
        typed_extension_protocol_options={
            UPSTREAM_HTTP: _upstream_http(resilience.timeout.upstream_idle)
        },
    )


@cache
def ads() -> ConfigSource:
    """Return the config source that says: from the same stream."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


@cache
def circuit_breakers(settings: config.CircuitBreaker) -> CircuitBreakers:
    """Return the limits of a pool.

    Retries are bound by the requests they repeat; Envoy's own limit of 3 at once would let
    requests fail that could have been saved.
    """
    threshold = CircuitBreakersThresholds(
        max_connections=settings.max_connections,
        max_pending_requests=settings.max_pending_requests,
        max_requests=settings.max_requests,
        max_retries=settings.max_requests,
    )
    return CircuitBreakers(thresholds=[threshold])


@cache
def outlier_detection(settings: config.OutlierDetection) -> OutlierDetection:
    """Return when an endpoint is ejected: on consecutive errors alone, never on statistics.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto
    """
    return OutlierDetection(
        consecutive_5xx=settings.consecutive_5xx,
        interval=settings.interval,
        base_ejection_time=settings.base_ejection_time,
        max_ejection_percent=settings.max_ejection_percent,
        enforcing_success_rate=0,
        # A server may say that it is well, and fail all the same.
        successful_active_health_check_uneject_host=False,
    )


@cache
def health_check(settings: config.HealthCheck) -> HealthCheck:
    """Return an active check over HTTP, at the same pace before the first request as after it."""
    return HealthCheck(
        timeout=settings.timeout,
        interval=settings.interval,
        no_traffic_interval=settings.interval,
        unhealthy_threshold=3,
        healthy_threshold=1,
        http_health_check=HealthCheckHttpHealthCheck(path=settings.path),
    )


@cache
def _upstream_http(idle: timedelta) -> Any:
    return pack(
        UpstreamHttpProtocolOptions(
            common_http_protocol_options=HttpProtocolOptions(idle_timeout=idle),
            explicit_http_config=HttpProtocolOptionsExplicitHttpConfig(
                http_protocol_options=Http1ProtocolOptions()
            ),
        )
    )
