"""Secrets, runtimes, extensions, scoped routes and virtual hosts over the aggregated stream."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from envoy_data_plane.envoy.config.bootstrap.v3 import (
    Bootstrap,
    LayeredRuntime,
    RuntimeLayer,
    RuntimeLayerRtdsLayer,
)
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutation
from envoy_data_plane.envoy.config.core.v3 import (
    DataSource,
    ExtensionConfigSource,
    HeaderValue,
    HeaderValueOption,
    TransportSocket,
    TypedExtensionConfig,
)
from envoy_data_plane.envoy.config.route.v3 import (
    RouteConfiguration,
    ScopedRouteConfiguration,
    ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment,
    Vhds,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutation as HeaderMutationFilter,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import Mutations
from envoy_data_plane.envoy.extensions.filters.http.on_demand.v3 import OnDemand
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpFilter,
    ScopedRds,
    ScopedRoutes,
    ScopedRoutesScopeKeyBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor,
)
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CommonTlsContext,
    DownstreamTlsContext,
    SdsSecretConfig,
    Secret,
    TlsCertificate,
)
from envoy_data_plane.envoy.service.runtime.v3 import Runtime
from envoy_data_plane.google.protobuf import Any, Struct

from e2e.engine.resources import (
    ADS,
    HOST,
    ROUTER,
    assignment,
    cluster,
    connection_manager,
    listener,
    route_configuration,
    virtual_host,
)
from e2e.engine.served import PATIENCE, Served, backends, served
from e2e.world import until
from xds.ports import free_port
from xds.resources import (
    EXTENSION_CONFIGS,
    ROUTES,
    RUNTIMES,
    SCOPED_ROUTES,
    SECRETS,
    VIRTUAL_HOSTS,
    Resource,
)
from xds.snapshot import Snapshot
from xds.translate.bootstrap import Protocol

NOTHING_WAITED = "(init_fetch_timeout|update_rejected)$"


def secret(authority: trustme.CA) -> Resource:
    """Return a new certificate for this machine, with its key."""
    made = authority.issue_cert(HOST)
    chain = b"".join(each.bytes() for each in made.cert_chain_pems)
    certificate = TlsCertificate(
        certificate_chain=DataSource(inline_bytes=chain),
        private_key=DataSource(inline_bytes=made.private_key_pem.bytes()),
    )
    return Resource(SECRETS, "server", Secret(name="server", tls_certificate=certificate))


async def certificate_of(port: int, authority: trustme.CA) -> bytes | None:
    """Return the certificate that a server shows; None while nobody listens."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    try:
        _, writer = await asyncio.open_connection(HOST, port, ssl=context)
    except ConnectionError:
        return None
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return found


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_secret_is_rotated(tmp_path: Path, protocol: Protocol) -> None:
    port, authority = free_port(HOST), trustme.CA()
    named = SdsSecretConfig(name="server", sds_config=ADS)
    context = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(tls_certificate_sds_secret_configs=[named])
    )
    socket = TransportSocket(name="envoy.transport_sockets.tls", typed_config=Any.pack(context))
    rest = (
        route_configuration("main", {}),
        listener("main", port, connection_manager("main"), socket),
    )
    shown: list[bytes] = []

    async def shows_another() -> bool:
        found = await certificate_of(port, authority)
        if found is None or found in shown:
            return False
        shown.append(found)
        return True

    first = Snapshot.build((secret(authority), *rest))
    async with served(tmp_path, "1.40", protocol, first) as here:
        await here.in_force(first)
        await until(shows_another, "the first certificate is shown", PATIENCE)
        for _ in range(2):
            await here.follow(secret(authority), *rest)
            await until(shows_another, "another certificate is shown", PATIENCE)
        waited = await here.stats(NOTHING_WAITED)
        assert not any(waited.values()), waited
        assert await here.stats("listener_manager.listener_(modified|in_place_updated)$") == {
            "listener_manager.listener_in_place_updated": 0,
            "listener_manager.listener_modified": 0,
        }


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_runtime_is_followed(tmp_path: Path, protocol: Protocol) -> None:
    def shape(start: Bootstrap) -> None:
        layer = RuntimeLayer(name="ours", rtds_layer=RuntimeLayerRtdsLayer("ours", ADS))
        start.layered_runtime = LayeredRuntime(layers=[layer])

    def runtime(value: str) -> Resource:
        layer = Struct.from_dict({"a.key": value})
        return Resource(RUNTIMES, "ours", Runtime(name="ours", layer=layer))

    first = Snapshot.build([runtime("1")])
    async with served(tmp_path, "1.40", protocol, first, shape=shape) as here:

        async def is_set(value: str) -> bool:
            entries = (await here.get("/runtime"))["entries"]
            return bool(entries) and entries["a.key"]["final_value"] == value

        await until(lambda: is_set("1"), "the runtime is set", PATIENCE)
        await here.follow(runtime("2"))
        await until(lambda: is_set("2"), "the runtime is changed", PATIENCE)
        waited = await here.stats(NOTHING_WAITED)
        assert not any(waited.values()), waited


@pytest.mark.parametrize("protocol", Protocol)
async def test_an_extension_is_followed(tmp_path: Path, protocol: Protocol) -> None:
    port = free_port(HOST)

    def extension(value: str) -> Resource:
        header = HeaderValueOption(header=HeaderValue(key="x-extension", value=value))
        mutations = Mutations(response_mutations=[HeaderMutation(append=header)])
        config = Any.pack(HeaderMutationFilter(mutations=mutations))
        return Resource(
            EXTENSION_CONFIGS, "ours", TypedExtensionConfig(name="ours", typed_config=config)
        )

    discovery = ExtensionConfigSource(
        config_source=ADS, type_urls=[Any.pack(HeaderMutationFilter()).type_url]
    )
    manager = connection_manager("main", HttpFilter(name="ours", config_discovery=discovery))
    rest = (route_configuration("main", {}), listener("main", port, manager))
    first = Snapshot.build((extension("1"), *rest))
    async with served(tmp_path, "1.40", protocol, first) as here:

        async def is_used(value: str) -> bool:
            async with here.session.get(f"http://{HOST}:{port}") as response:
                return response.headers["x-extension"] == value

        await here.in_force(first)
        await until(lambda: is_used("1"), "the extension is used", PATIENCE)
        await here.follow(extension("2"), *rest)
        await until(lambda: is_used("2"), "the extension is changed", PATIENCE)
        waited = await here.stats(NOTHING_WAITED)
        assert not any(waited.values()), waited


@pytest.mark.parametrize("protocol", Protocol)
async def test_scoped_routes_are_followed(tmp_path: Path, protocol: Protocol) -> None:
    port = free_port(HOST)
    by_header = ScopedRoutesScopeKeyBuilderFragmentBuilder(
        header_value_extractor=ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor(
            name="x-scope", index=0
        )
    )
    scopes = ScopedRoutes(
        name="scopes",
        scope_key_builder=ScopedRoutesScopeKeyBuilder(fragments=[by_header]),
        rds_config_source=ADS,
        scoped_rds=ScopedRds(scoped_rds_config_source=ADS),
    )
    manager = HttpConnectionManager(stat_prefix="test", scoped_routes=scopes, http_filters=[ROUTER])

    def scope(value: str) -> Resource:
        key = ScopedRouteConfigurationKey(
            fragments=[ScopedRouteConfigurationKeyFragment(string_key=value)]
        )
        message = ScopedRouteConfiguration(
            name=f"scope-{value}", route_configuration_name=value, key=key
        )
        return Resource(SCOPED_ROUTES, message.name, message)

    async with backends(2) as running:
        rest = (
            cluster("one"),
            cluster("two"),
            assignment("one", running[:1]),
            assignment("two", running[1:]),
            listener("main", port, manager),
        )
        a, b = (
            (scope("a"), route_configuration("a", {"/": "one"})),
            (
                scope("b"),
                route_configuration("b", {"/": "two"}),
            ),
        )
        first = Snapshot.build((*a, *rest))
        async with served(tmp_path, "1.40", protocol, first) as here:
            await scoped(here, port, {"a": 200, "b": 404})
            for some, expected in (
                ((*a, *b), {"a": 200, "b": 200}),
                (b, {"a": 404, "b": 200}),
                (a, {"a": 200, "b": 404}),
            ):
                here.store.publish(Snapshot.build((*some, *rest)))
                await scoped(here, port, expected)
            waited = await here.stats(NOTHING_WAITED)
        assert not any(waited.values()), waited


async def scoped(here: Served, port: int, expected: dict[str, int]) -> None:
    """Wait until requests of each scope are answered with a status."""

    async def is_so() -> bool:
        found = {each: (await here.ask(port, **{"x-scope": each}))[0] for each in expected}
        return found == expected

    await until(is_so, f"the scopes answer {expected}", PATIENCE)


async def test_virtual_hosts_are_found_on_demand(tmp_path: Path) -> None:
    """D12, D13: also by an alias; one that is unknown is told to be, and nobody waits for it."""
    port = free_port(HOST)
    demand = HttpFilter(name="envoy.filters.http.on_demand", typed_config=Any.pack(OnDemand()))
    routes = RouteConfiguration(name="main", vhds=Vhds(config_source=ADS))

    def host(name: str, target: str) -> Resource:
        body = virtual_host(name, {"/": target}, [name, f"also-{name}"])
        return Resource(VIRTUAL_HOSTS, f"main/{name}", body, aliases=[f"main/also-{name}"])

    async with backends(2) as running:
        rest = (
            cluster("one"),
            cluster("two"),
            assignment("one", running[:1]),
            assignment("two", running[1:]),
            Resource(ROUTES, "main", routes),
            listener("main", port, connection_manager("main", demand)),
        )
        first = Snapshot.build((host("known", "one"), *rest))
        async with served(tmp_path, "1.40", Protocol.DELTA, first) as here:
            await here.in_force(first)
            # Until it is told of a virtual host, Envoy's listener warms, and it asks for none.
            before = await here.stats(NOTHING_WAITED)
            async with asyncio.timeout(PATIENCE):
                assert await here.ask(port, host="known") == (200, str(running[0]))
                assert await here.ask(port, host="also-known") == (200, str(running[0]))
                assert (await here.ask(port, host="unknown"))[0] == 404

            here.store.publish(Snapshot.build((host("known", "two"), *rest)))

            async def is_moved() -> bool:
                return await here.ask(port, host="known") == (200, str(running[1]))

            await until(is_moved, "the virtual host changes", PATIENCE)
            assert await here.stats(NOTHING_WAITED) == before
