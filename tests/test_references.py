"""What Envoy's own messages name, as the snapshot checks it."""

from typing import Any

import pytest
from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.core.v3 import TypedExtensionConfig
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import (
    Route,
    RouteConfiguration,
    ScopedRouteConfiguration,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import ExternalProcessor
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
)
from envoy_data_plane.envoy.extensions.filters.network.tcp_proxy.v3 import TcpProxy
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    DownstreamTlsContext,
    Secret,
    UpstreamTlsContext,
)
from hypothesis import given
from hypothesis import strategies as st

from xds.references import Reference, eds_name, own_name, references
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
from xds.snapshot import Snapshot

FILE = {"pathConfigSource": {"path": "/f"}}
ADS = {"ads": {}, "resourceApiVersion": "V3"}
CLASSES: dict[str, Any] = {
    CLUSTERS: Cluster,
    ENDPOINTS: ClusterLoadAssignment,
    LISTENERS: Listener,
    ROUTES: RouteConfiguration,
    SCOPED_ROUTES: ScopedRouteConfiguration,
    VIRTUAL_HOSTS: VirtualHost,
    EXTENSION_CONFIGS: TypedExtensionConfig,
    SECRETS: Secret,
}


def made(type_url: str, name: str = "x", /, **fields: Any) -> Resource:
    """Return a resource whose fields are those of Envoy's own message."""
    return Resource(type_url, name, CLASSES[type_url].from_dict({"name": name, **fields}))


KINDS = {
    "hcm": "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "tcp": "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    "ext_proc": "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor",
    "route": "envoy.config.route.v3.Route",
    "upstream": "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    "downstream": "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
}
# Their classes are found by these names once they are imported.
assert {HttpConnectionManager, TcpProxy, ExternalProcessor, Route} | {
    UpstreamTlsContext,
    DownstreamTlsContext,
}


def packed(kind: str, **fields: Any) -> dict[str, Any]:
    """Return an extension as JSON has it."""
    return {"@type": f"type.googleapis.com/{KINDS[kind]}", **fields}


def listener(*filters: dict[str, Any], **fields: Any) -> Resource:
    return made(LISTENERS, filterChains=[{"filters": [*filters]}], **fields)


def hcm(**fields: Any) -> dict[str, Any]:
    return {"name": "hcm", "typedConfig": packed("hcm", **fields)}


def secret(name: str) -> dict[str, Any]:
    return {"name": name, "sdsConfig": ADS}


def host(**fields: Any) -> dict[str, Any]:
    return {"name": "h", "domains": ["*"], **fields}


def routed(**action: Any) -> list[dict[str, Any]]:
    return [{"match": {"prefix": "/"}, "route": action}]


EXT_PROC = packed("ext_proc", grpcService={"envoyGrpc": {"clusterName": "ext"}})
CERTIFICATES = {
    "tlsCertificateSdsSecretConfigs": [secret("cert"), secret("cert-2")],
    "validationContextSdsSecretConfig": secret("ca"),
}
COMBINED = {"combinedValidationContext": {"validationContextSdsSecretConfig": secret("ca")}}
RDS = {"routeConfigName": "r", "configSource": ADS}
ACTION = {"name": "route", "typedConfig": packed("route", route={"cluster": "c"})}
OTHERWISE = {"name": "route", "typedConfig": packed("route", route={"cluster": "d"})}


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        (made(CLUSTERS, edsClusterConfig={"edsConfig": ADS}), {ENDPOINTS: {"x"}}),
        (
            made(CLUSTERS, edsClusterConfig={"edsConfig": ADS, "serviceName": "s"}),
            {ENDPOINTS: {"s"}},
        ),
        (made(CLUSTERS, edsClusterConfig={"edsConfig": FILE}), {}),
        (
            made(
                CLUSTERS,
                transportSocket={
                    "name": "tls",
                    "typedConfig": packed("upstream", commonTlsContext=CERTIFICATES),
                },
                transportSocketMatches=[
                    {
                        "name": "m",
                        "transportSocket": {
                            "name": "tls",
                            "typedConfig": packed("upstream", commonTlsContext=COMBINED),
                        },
                    }
                ],
            ),
            {SECRETS: {"cert", "cert-2", "ca"}},
        ),
        (listener(hcm(rds=RDS)), {ROUTES: {"r"}}),
        (listener(hcm(rds={"routeConfigName": "r", "configSource": FILE})), {}),
        (made(LISTENERS, defaultFilterChain={"filters": [hcm(rds=RDS)]}), {ROUTES: {"r"}}),
        (made(LISTENERS, apiListener={"apiListener": packed("hcm", rds=RDS)}), {ROUTES: {"r"}}),
        (
            listener(
                hcm(
                    routeConfig={"virtualHosts": [host(routes=routed(cluster="c"))]},
                    httpFilters=[
                        {"name": "ext_proc", "typedConfig": EXT_PROC},
                        {"name": "ecds", "configDiscovery": {"configSource": ADS}},
                        {"name": "f", "configDiscovery": {"configSource": FILE}},
                    ],
                )
            ),
            {CLUSTERS: {"c", "ext"}, EXTENSION_CONFIGS: {"ecds"}},
        ),
        (listener({"name": "t", "typedConfig": packed("tcp", cluster="c")}), {CLUSTERS: {"c"}}),
        (
            listener(
                {
                    "name": "t",
                    "typedConfig": packed(
                        "tcp",
                        weightedClusters={
                            "clusters": [{"name": "c", "weight": 1}, {"name": "d", "weight": 1}]
                        },
                    ),
                }
            ),
            {CLUSTERS: {"c", "d"}},
        ),
        (
            made(
                LISTENERS,
                filterChains=[
                    {
                        "transportSocket": {
                            "name": "tls",
                            "typedConfig": packed("downstream", commonTlsContext=CERTIFICATES),
                        }
                    }
                ],
            ),
            {SECRETS: {"cert", "cert-2", "ca"}},
        ),
        (
            made(
                ROUTES,
                requestMirrorPolicies=[{"cluster": "m1"}],
                virtualHosts=[
                    host(
                        requestMirrorPolicies=[{"cluster": "m2"}],
                        routes=[
                            *routed(
                                weightedClusters={
                                    "clusters": [{"name": "c", "weight": 1}, {"name": "d"}]
                                },
                                requestMirrorPolicies=[{"cluster": "m3"}],
                            ),
                            *routed(clusterHeader="x-cluster"),
                        ],
                    )
                ],
            ),
            {CLUSTERS: {"c", "d", "m1", "m2", "m3"}},
        ),
        (
            made(
                ROUTES,
                virtualHosts=[
                    host(
                        matcher={
                            "matcherTree": {"exactMatchMap": {"map": {"m": {"action": ACTION}}}},
                            "onNoMatch": {"action": OTHERWISE},
                        }
                    )
                ],
            ),
            {CLUSTERS: {"c", "d"}},
        ),
        (made(SCOPED_ROUTES, routeConfigurationName="r"), {ROUTES: {"r"}}),
        (made(VIRTUAL_HOSTS, domains=["*"], routes=routed(cluster="c")), {CLUSTERS: {"c"}}),
        (made(EXTENSION_CONFIGS, typedConfig=EXT_PROC), {CLUSTERS: {"ext"}}),
        (made(SECRETS), {}),
    ],
)
def test_what_a_resource_names(resource: Resource, names: dict[str, set[str]]) -> None:
    assert references(resource) == {
        Reference(type_url, name) for type_url, found in names.items() for name in found
    }


def test_a_load_assignment_goes_by_its_service_or_its_cluster() -> None:  # G19
    assert eds_name(made(CLUSTERS, edsClusterConfig={"serviceName": "s"})) == "s"
    assert eds_name(made(CLUSTERS, "x")) == "x"
    assert eds_name(Resource(CLUSTERS, "x", b"")) == "x"


def test_a_resource_calls_itself_by_a_field_of_its_own() -> None:  # G19
    assignment = ClusterLoadAssignment(cluster_name="a")
    assert own_name(Resource(ENDPOINTS, "x", assignment)) == "a"
    assert own_name(Resource(ROUTES, "x", RouteConfiguration(name="r"))) == "r"
    # These are called by their route configuration, too; those are not looked into.
    assert own_name(Resource(VIRTUAL_HOSTS, "r/h", VirtualHost(name="h"))) == "r/h"
    assert own_name(Resource(SECRETS, "x", b"\xff")) == "x"


def test_a_snapshot_tells_what_leads_nowhere() -> None:  # W5 W8 G17b
    found = Snapshot.build(
        [
            made(CLUSTERS, "a", edsClusterConfig={"edsConfig": ADS}),
            listener(hcm(rds=RDS)),
            Resource(ROUTES, "q", RouteConfiguration(name="r")),
            Resource(SCOPED_ROUTES, "s", b"\xff"),
        ]
    ).inconsistencies()

    assert list(map(str, found)) == [
        "Cluster 'a' names ClusterLoadAssignment 'a', which is not there",
        "Listener 'x' names RouteConfiguration 'r', which is not there",
        "ScopedRouteConfiguration 's' the body of 's' is no ScopedRouteConfiguration message",
        "RouteConfiguration 'q' calls itself 'r'",
    ]


def test_an_extension_that_is_none_is_told() -> None:
    field = b"\n\x01x\x12" + b"%c"
    broken = b"\n%c%b\x12\x01\xff" % (
        len("type.googleapis.com/" + KINDS["ext_proc"]),
        ("type.googleapis.com/" + KINDS["ext_proc"]).encode(),
    )
    resource = Resource(EXTENSION_CONFIGS, "x", field % len(broken) + broken)

    [found] = Snapshot.build([resource]).inconsistencies()
    assert found.reason == "an extension's body is no ExternalProcessor message"


def test_a_whole_snapshot_has_no_inconsistencies() -> None:
    whole = [
        made(CLUSTERS, "a", edsClusterConfig={"edsConfig": ADS}),
        Resource(ENDPOINTS, "a", ClusterLoadAssignment(cluster_name="a")),
        listener(hcm(rds=RDS)),
        made(ROUTES, "r", virtualHosts=[host(routes=routed(cluster="a"))]),
    ]

    assert Snapshot.build(whole).inconsistencies() == ()


WHOLE = [
    *(made(CLUSTERS, name, edsClusterConfig={"edsConfig": ADS}) for name in "abc"),
    *(Resource(ENDPOINTS, name, ClusterLoadAssignment(cluster_name=name)) for name in "abc"),
    *(made(ROUTES, name, virtualHosts=[host(routes=routed(cluster=name))]) for name in "abc"),
]
EDITS = [
    made(ROUTES, "a", virtualHosts=[host(routes=routed(cluster="b"))]),
    made(ROUTES, "a", virtualHosts=[host(routes=routed(cluster="gone"))]),
    made(ROUTES, "d", virtualHosts=[host(routes=routed(cluster="b"))]),
    made(CLUSTERS, "d", edsClusterConfig={"edsConfig": ADS}),
    Resource(ENDPOINTS, "d", ClusterLoadAssignment(cluster_name="other")),
    Resource(ROUTES, "b", b"\xff"),
]


@given(st.sets(st.sampled_from(WHOLE)), st.lists(st.sampled_from(EDITS)))
def test_after_a_whole_snapshot_the_same_is_told(
    removed: set[Resource], added: list[Resource]
) -> None:
    whole = Snapshot.build(WHOLE)
    named = {(each.type_url, each.name): each for each in WHOLE if each not in removed}
    named |= {(each.type_url, each.name): each for each in added}
    snapshot = Snapshot.build(named.values(), whole)

    assert snapshot.inconsistencies(whole) == snapshot.inconsistencies()


def test_after_a_whole_snapshot_only_what_changed_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Snapshot.build(WHOLE)
    looked_at: list[Resource] = []

    def counted(resource: Resource) -> frozenset[Reference]:
        looked_at.append(resource)
        return references(resource)

    monkeypatch.setattr("xds.snapshot.references", counted)
    edit = EDITS[0]
    assert not Snapshot.build([*WHOLE[:-3], edit, *WHOLE[-2:]], whole).inconsistencies(whole)
    assert looked_at == [edit]

    looked_at.clear()
    assert not Snapshot.build(WHOLE[:-1], whole).inconsistencies(whole)
    # What is gone may be named by anything.
    assert len(looked_at) == len(WHOLE) - 1
