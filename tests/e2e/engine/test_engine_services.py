"""An Envoy may take each type from its own service instead of the aggregated one."""

from pathlib import Path

import pytest
from envoy_data_plane.envoy.config.bootstrap.v3 import Bootstrap, BootstrapDynamicResources
from envoy_data_plane.envoy.config.core.v3 import (
    ApiConfigSource,
    ApiConfigSourceApiType,
    ApiVersion,
    ConfigSource,
    GrpcService,
    GrpcServiceEnvoyGrpc,
)

from e2e.engine.load import PathLoad
from e2e.engine.resources import (
    HOST,
    WARMING,
    assignment,
    cluster,
    connection_manager,
    listener,
    route_configuration,
)
from e2e.engine.served import backends, served
from xds.ports import free_port
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.snapshot import Snapshot
from xds.translate.bootstrap import Protocol
from xds.translate.names import XDS_CLUSTER


def own_service(protocol: Protocol) -> ConfigSource:
    """Return the config source that says: from the service for the type."""
    kinds = ApiConfigSourceApiType
    grpc = GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=XDS_CLUSTER))
    source = ApiConfigSource(
        api_type=kinds.GRPC if protocol is Protocol.SOTW else kinds.DELTA_GRPC,
        transport_api_version=ApiVersion.V3,
        grpc_services=[grpc],
    )
    return ConfigSource(
        api_config_source=source,
        resource_api_version=ApiVersion.V3,
        initial_fetch_timeout=WARMING,
    )


@pytest.mark.parametrize("protocol", Protocol)
async def test_each_type_from_its_own_service(tmp_path: Path, protocol: Protocol) -> None:
    """G2."""
    port, source = free_port(HOST), own_service(protocol)
    manager = listener("main", port, connection_manager("main", source=source))

    def shape(start: Bootstrap) -> None:
        start.dynamic_resources = BootstrapDynamicResources(cds_config=source, lds_config=source)

    async with backends(2) as running:
        one = (cluster("one", source=source), assignment("one", running[:1]))
        two = (cluster("two", source=source), assignment("two", running[1:]))
        old = (*one, route_configuration("main", {"/": "one"}), manager)
        new = (*two, route_configuration("main", {"/": "two"}), manager)
        first = Snapshot.build(old)
        async with served(tmp_path, "1.40", protocol, first, shape=shape) as here:
            await here.in_force(first)
            streams = here.ads.status().streams
            assert {stream.service for stream in streams} == {
                *(CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)
            }
            # No order is kept between the streams of one Envoy: so both are there in between.
            between = (*one, *two)
            async with PathLoad(port, {"/": frozenset(running)}).going() as load:
                for target in ("one", "two"):
                    routes = route_configuration("main", {"/": target})
                    await here.follow(*between, routes, manager)
                await here.follow(*new)
                await here.serves(port, "/", str(running[1]))
            waited = await here.stats("(init_fetch_timeout|update_rejected)$")

    assert load.failed == []
    assert not any(waited.values()), waited
