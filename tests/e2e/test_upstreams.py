"""What users feel of https, of names, of paths, and of pools that mix them."""

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from e2e.world import Answer, World, on_loopback, until, world

pytestmark = pytest.mark.each_envoy

CA = trustme.CA()


@pytest.fixture
def settings(tmp_path: Path) -> str:
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    return f"upstream_tls: {{ca_file: {tmp_path / 'ca.pem'}}}\n"


def certificate(folder: Path, *names: str) -> Path:
    path = folder / f"{names[0]}.pem"
    CA.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(path)
    return path


def canonical(**pools: list[str]) -> str:
    """Return a configuration of dialect C whose models have these backends."""
    models = "".join(
        f"  - name: {name}\n    backend_refs: [{', '.join(backends)}]\n"
        for name, backends in pools.items()
    )
    return f"version: v0.3\nproviders:\n  models:\n{models}"


def seen(answer: Answer) -> Any:
    assert answer.status == 200, answer
    return json.loads(answer.text)


async def test_a_server_with_a_name_is_called_by_it_on_the_path_of_its_api(
    tmp_path: Path, settings: str
) -> None:
    backends = on_loopback("a")
    port = backends["a"].port
    config = canonical(m=[f'{{base_url: "https://localhost:{port}/api/v9/"}}'])
    certificates = {"a": certificate(tmp_path, "localhost")}
    async with world(tmp_path, config, settings, backends=backends, certificates=certificates) as w:
        for path, there in (
            ("/v1/chat/completions?a=b", "/api/v9/chat/completions?a=b"),
            ("/v1", "/api/v9"),
            ("/v1beta/x", "/v1beta/x"),
        ):
            request = seen(await w.ask({"model": "m"}, path=path))
            assert request["path"] == there
            assert request["headers"]["Host"] == f"localhost:{port}"
            assert request["sni"] == "localhost"


async def test_a_server_that_can_not_prove_its_name_gets_no_request(
    tmp_path: Path, settings: str
) -> None:
    backends = on_loopback("other-name", "other-address", "other-authority")
    pools = {
        name: [f'{{endpoint: "{host}:{backends[name].port}", protocol: https}}']
        for name, host in (
            ("other-name", "localhost"),
            ("other-address", "127.0.0.1"),
            ("other-authority", "localhost"),
        )
    }
    certificates = {
        "other-name": certificate(tmp_path, "example.com"),
        "other-address": certificate(tmp_path, "127.0.0.2"),
        "other-authority": tmp_path / "stranger.pem",
    }
    stranger = trustme.CA().issue_cert("localhost")
    stranger.private_key_and_cert_chain_pem.write_to_path(certificates["other-authority"])
    config = canonical(**pools)
    async with world(tmp_path, config, settings, backends=backends, certificates=certificates) as w:
        for model in pools:
            answer = await w.ask({"model": model})
            assert answer.status == 503
        for model, failed in (
            ("other-name", "fail_verify_san"),
            ("other-address", "fail_verify_san"),
            ("other-authority", "fail_verify_error"),
        ):
            assert await w.stat(f"cluster.model/{model}.ssl.{failed}") > 0


async def test_without_settings_the_authorities_of_the_system_count(tmp_path: Path) -> None:
    backends = on_loopback("a")
    config = canonical(m=[f'{{endpoint: "https://localhost:{backends["a"].port}"}}'])
    # Of an authority that signs for this name, and that no system knows.
    certificates = {"a": certificate(tmp_path, "localhost")}
    async with world(tmp_path, config, backends=backends, certificates=certificates) as w:
        assert (await w.ask({"model": "m"})).status == 503
        assert await w.stat("cluster.model/m.ssl.fail_verify_error") > 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_in_a_mixed_pool_each_endpoint_is_spoken_to_in_its_own_way(
    tmp_path: Path, settings: str, host: str
) -> None:
    backends = on_loopback("tls", "plain")
    tls, plain = (backends[name].port for name in ("tls", "plain"))
    config = canonical(
        m=[f'{{endpoint: "https://{host}:{tls}", weight: 3}}', f'{{endpoint: "{host}:{plain}"}}']
    )
    certificates = {"tls": certificate(tmp_path, host)}
    async with world(tmp_path, config, settings, backends=backends, certificates=certificates) as w:
        await until(lambda: all_ready(w, 2), "both endpoints are there")
        assert await w.count(40, {"model": "m"}) == {"tls": 30, "plain": 10}


async def all_ready(gateway: World, endpoints: int) -> bool:
    return await gateway.stat("cluster.model/m.membership_healthy") == endpoints


async def test_dialect_a_has_https_endpoints_too(tmp_path: Path, settings: str) -> None:
    backends = on_loopback("address", "profile")
    config = f"""\
vllm_endpoints:
  - {{name: a, address: 127.0.0.1, port: {backends["address"].port}, protocol: https}}
  - {{name: b, provider_profile: cloud}}
provider_profiles:
  cloud: {{type: openai, base_url: "https://localhost:{backends["profile"].port}/openai"}}
model_config:
  m: {{preferred_endpoints: [a]}}
  n: {{preferred_endpoints: [b], access_key: sk-secret}}
default_model: m
"""
    certificates = {
        "address": certificate(tmp_path, "127.0.0.1"),
        "profile": certificate(tmp_path, "localhost"),
    }
    async with world(tmp_path, config, settings, backends=backends, certificates=certificates) as w:
        assert seen(await w.ask({"model": "m"}))["served_by"] == "address"
        assert seen(await w.ask({"model": "n"}))["path"] == "/openai/chat/completions"
        assert "sk-secret" not in w.control_plane.output
