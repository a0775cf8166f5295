"""Any fleet, in any dialect, becomes resources that lead to each other, the same in all."""

from dataclasses import dataclass, replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.consistency import inconsistencies
from xds.config.load import Source, load
from xds.config.migration import migrate
from xds.translate import Translation, translate

# Time is no property of a configuration; a slow machine is no mistake.
UNHURRIED = settings(deadline=None, max_examples=40)
SETTINGS = "allow_domain_names: true\n"


@dataclass(frozen=True)
class Server:
    """A server, as it stands in each dialect."""

    host: str
    port: int
    weight: int
    tls: bool
    path: str

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Fleet:
    """Models with their servers and LoRAs, and the one that serves by default."""

    models: dict[str, tuple[list[Server], list[str]]]
    default: str | None

    def flat(self) -> dict[str, Any]:
        servers = dict.fromkeys(each for pool, _ in self.models.values() for each in pool)
        names = {server: f"e{number}" for number, server in enumerate(servers)}
        return {
            "vllm_endpoints": [_flat(server, name) for server, name in names.items()],
            "provider_profiles": {
                names[server]: {"base_url": f"https://{server.authority}{server.path}"}
                for server in servers
                if server.tls
            },
            "model_config": {
                name: {
                    "preferred_endpoints": [names[each] for each in pool],
                    "loras": [{"name": lora} for lora in loras],
                }
                for name, (pool, loras) in self.models.items()
            },
            "default_model": self.default,
        }

    def user(self) -> dict[str, Any]:
        models = [
            {
                "name": name,
                "loras": [{"name": lora} for lora in loras],
                "endpoints": [
                    {
                        "name": f"e{number}",
                        "endpoint": f"{server.authority}{server.path}",
                        "protocol": server.scheme,
                        "weight": server.weight,
                    }
                    for number, server in enumerate(pool)
                ],
            }
            for name, (pool, loras) in self.models.items()
        ]
        return {"version": "v0.1", "providers": {"models": models, "default_model": self.default}}

    def canonical(self) -> dict[str, Any]:
        models = [
            {
                "name": name,
                "backend_refs": [
                    {
                        "base_url": f"{server.scheme}://{server.authority}{server.path}",
                        "weight": server.weight,
                    }
                    for server in pool
                ],
            }
            for name, (pool, _) in self.models.items()
        ]
        cards = [
            {"name": name, "loras": [{"name": lora} for lora in loras]}
            for name, (_, loras) in self.models.items()
        ]
        return {
            "version": "v0.3",
            "providers": {"defaults": {"default_model": self.default}, "models": models},
            "routing": {"modelCards": cards},
        }


def _flat(server: Server, name: str) -> dict[str, Any]:
    """Return an endpoint of dialect A; TLS by a profile, or else by its protocol."""
    if server.tls:
        return {"name": name, "provider_profile": name, "weight": server.weight}
    return {
        "name": name,
        "address": server.host,
        "port": server.port,
        "weight": server.weight,
        "path": server.path,
    }


# `$` begins a reference in the newer dialects.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="$"), min_size=1
).filter(lambda name: name == name.strip())
hosts = st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1", "vllm", "api.example.com"])


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    found = draw(st.lists(names, min_size=1, max_size=8, unique=True))
    split = draw(st.integers(1, len(found)))
    models, loras = found[:split], found[split:]
    one_path = draw(st.booleans())
    pools: dict[str, tuple[list[Server], list[str]]] = {}
    for name in models:
        # Weights belong to servers in dialect A, and to each use of one in the others.
        path = "" if one_path else draw(st.sampled_from(["", "/api/v2"]))
        places = draw(
            st.lists(st.tuples(hosts, st.integers(1, 3)), min_size=1, max_size=4, unique=True)
        )
        pool = [
            Server(
                host,
                # One address has one way to be spoken to.
                10 * port + (5 if path else 0),
                weight=(port + len(host)) % 4,
                tls=len(host) % 2 == port % 2,
                path=path,
            )
            for host, port in places
        ]
        if not any(server.weight for server in pool):
            pool.append(Server("10.9.9.9", 10 + (5 if path else 0), 1, tls=False, path=path))
        pools[name] = (pool, [])
    for lora in loras:
        pools[draw(st.sampled_from(models))][1].append(lora)
    default = st.sampled_from(found)
    return Fleet(pools, draw(st.none() | default if one_path else default))


class _Quoting(yaml.SafeDumper):
    """Writes every text in quotes: PyYAML leaves some bare that are numbers where they are read."""


_Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def dumped(config: dict[str, Any]) -> bytes:
    text: str = yaml.dump(config, Dumper=_Quoting, allow_unicode=True, sort_keys=False)
    return text.encode()


def translated(config: dict[str, Any], own: str = SETTINGS) -> Translation:
    sources = Source("config.yaml", dumped(config)), Source("settings.yaml", own.encode())
    loaded = load(*sources, environment={})
    assert loaded.warnings == ()
    return translate(loaded.gateway)


@UNHURRIED
@given(fleets())
def test_a_fleet_becomes_the_same_consistent_resources_in_every_dialect(fleet: Fleet) -> None:
    flat = translated(fleet.flat())

    assert inconsistencies(flat) == []
    assert translated(fleet.user()) == flat
    assert translated(fleet.canonical()) == flat


@UNHURRIED
@given(fleets())
def test_what_is_migrated_becomes_the_same_resources(fleet: Fleet) -> None:
    for old in (fleet.flat(), fleet.user()):
        new, warnings = migrate(
            Source("old.yaml", dumped(old)), Source("settings.yaml", SETTINGS.encode())
        )

        assert warnings == []
        assert translated(new) == translated(old)


listeners = st.lists(
    st.fixed_dictionaries(
        {"name": names, "address": st.sampled_from(["0.0.0.0", "::1"]), "port": st.integers(1, 9)},  # noqa: S104  theirs
        optional={
            "timeout": st.sampled_from(["0s", "300s"]),
            "api_keys": st.lists(st.sampled_from(["sk-1", "sk-2"]), unique=True),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=(lambda each: each["name"], lambda each: (each["address"], each["port"])),
)
routers = st.sampled_from(
    ["null", "{address: vllm}", "{address: 10.0.0.1, api: {address: 10.0.0.1, port: 10}}"]
)


@UNHURRIED
@given(fleets(), listeners, st.sampled_from(["default", "reject"]), routers)
def test_so_it_does_behind_any_listeners(
    fleet: Fleet, listened: list[dict[str, Any]], unknown: str, router: str
) -> None:
    own = f"{SETTINGS}routing: {{unknown_model: {unknown}}}\nrouter: {router}\n"
    user = translated(fleet.user() | {"listeners": listened}, own)

    assert inconsistencies(user) == []
    assert translated(fleet.canonical() | {"listeners": listened}, own) == user
    assert len(user.listeners) == len(listened)


def test_what_is_inconsistent_is_seen() -> None:
    server = Server("10.0.0.1", 80, 1, tls=False, path="")
    tls = Server("10.0.0.2", 443, 1, tls=True, path="")
    good = translated(Fleet({"m": ([server, tls], [])}, "m").flat())
    socketless = replace(good, clusters=tuple(_without_sockets(good)))

    assert inconsistencies(replace(good, clusters=())) == [
        "no cluster model/m",
        "a load assignment for nothing: model/m",
    ]
    assert inconsistencies(replace(good, endpoints=())) == ["no load assignment for model/m"]
    assert inconsistencies(replace(good, listeners=())) == ["no listener for http/routes"]
    assert inconsistencies(replace(good, routes=())) == [
        "no route to model/m",
        "no routes http/routes",
    ]
    assert inconsistencies(socketless) == ["no transport socket for 10.0.0.2 in model/m"]


def _without_sockets(translation: Translation) -> list[Any]:
    return [replace(each, transport_socket_matches=[]) for each in translation.clusters]
