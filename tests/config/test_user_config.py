"""What a file of dialect B says, and the mistakes that only it can have."""

import pytest

from config.nested_words import canonical, errors, gateway, user, warnings
from xds.config.gateway import Endpoint, Gateway, Listener, Model

TEMPLATE = """\
version: v0.1
listeners:
  - {name: http-8899, address: 0.0.0.0, port: 8899}
providers:
  models:
    - name: qwen3
      access_key: sk-never-told
      endpoints:
        - {name: primary, weight: 100, endpoint: "host.docker.internal:8000/v1", protocol: http}
        - {name: second, weight: 1, endpoint: "[::1]", protocol: https}
      loras: [{name: sql}]
    - name: claude
      api_format: anthropic
      endpoints: []
  default_model: sql
  reasoning_families: {qwen3: {type: x}}
decisions:
  - {name: default-route, modelRefs: [{model: qwen3}]}
"""


def test_the_template_of_vllm_sr() -> None:
    primary = Endpoint("qwen3_primary", "host.docker.internal", 8000, weight=100)
    second = Endpoint("qwen3_second", "::1", 443, tls=True)

    assert gateway(TEMPLATE) == Gateway(
        listeners=(Listener("http-8899", "0.0.0.0", 8899),),  # noqa: S104  theirs
        endpoints=(primary, second),
        models=(Model("qwen3", (primary, second), ("sql",)),),
        default_model="qwen3",
    )
    assert warnings(TEMPLATE) == []


@pytest.mark.parametrize("version", ["version: v0.1\n", "version: 0.1\n", "version: v0.2\n", ""])
def test_it_is_known_by_its_version_or_by_its_endpoints(version: str) -> None:
    config = user("{name: a, endpoint: a}").replace("version: v0.1\n", version)

    assert [each.name for each in gateway(config).endpoints] == ["m_a"]


def test_references_are_filled_in() -> None:
    config = user("{name: a, endpoint: '$SET:80'}", "{name: b, endpoint: '${EMPTY:-b}'}")

    assert [each.address for each in gateway(config).endpoints] == ["value", "b"]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            user("{endpoint: a}"),
            "5:17: providers.models[0].endpoints[0].name: is missing; write a name in quotes",
        ),
        (
            user("{name: a}"),
            (
                "5:17: providers.models[0].endpoints[0].endpoint: is missing; write a server as "
                "host:port or a URL in quotes, such as 10.0.0.10:8000"
            ),
        ),
        (
            user("{name: a, endpoint: 'a:99999'}"),
            (
                '5:37: providers.models[0].endpoints[0].endpoint: "a:99999" has the port "99999"; '
                "write a number from 1 to 65535"
            ),
        ),
        (
            user("{name: a, endpoint: a}", "{name: a, endpoint: b}"),
            (
                "5:48: providers.models[0].endpoints[1].name: there is already an endpoint named "
                '"m_a", in line 5; rename one of the two'
            ),
        ),
        (
            user("{name: a, endpoint: a}", model="    backend_refs: []\n"),
            (
                "6:5: providers.models[0].backend_refs: belongs to `version: v0.3`; "
                "write `endpoints`, or that version"
            ),
        ),
        (
            user("{name: a, endpoint: a}", model="    loras: [{name: m}]\n"),
            (
                "6:20: providers.models[0].loras[0].name: there is already a model or LoRA named "
                '"m", in line 4; rename one of the two'
            ),
        ),
        (
            user("{name: a, endpoint: a}") + "  default_modle: m\n",
            '6:3: providers.default_modle: is not a known key; did you mean "default_model"?',
        ),
        (
            user("{name: a, endpoint: a}") + "  default_model: n\n",
            '6:18: providers.default_model: there is no model named "n"; known: "m"',
        ),
        (
            user("{name: a, endpoint: a}") + "  defaults: {default_model: m}\n",
            (
                "6:14: providers.defaults.default_model: is of another form of the file and not "
                "read here; write `providers.default_model`"
            ),
        ),
        (
            user("{name: a, endpoint: a}") + "default_model: m\n",
            (
                "6:1: default_model: is of another form of the file and not read here; "
                "write `providers.default_model`"
            ),
        ),
        (
            user("{name: a, endpoint: a}", model="    reliability: {retry_count: 1}\n"),
            (
                "6:5: providers.models[0].reliability: is of another form of the file and not "
                "read here; write `resilience` of this model, in `models` of the settings, or "
                "`version: v0.3`"
            ),
        ),
        (
            user("{name: a, endpoint: a}")
            + "  default_model: sql\n"
            + "routing: {modelCards: [{name: m, loras: [{name: sql}]}]}\n",
            (
                "7:34: routing.modelCards[0].loras: is of another form of the file and not read "
                "here; write `loras` of this model, in `providers.models`"
            ),
        ),
        (
            user("{name: 'a ', endpoint: a}"),
            (
                '5:24: providers.models[0].endpoints[0].name: "a " begins or ends with a space; '
                'write "a"'
            ),
        ),
        (
            user("{name: a, endpoint: a}", model="    loras: [{name: ' sql'}]\n")
            + "  default_model: sql\n",
            (
                '6:20: providers.models[0].loras[0].name: " sql" begins or ends with a space; '
                'write "sql"'
            ),
        ),
        (
            user(),
            "4:3: providers.models: no model has an endpoint; give one of them `endpoints`",
        ),
        (
            canonical(m="[{endpoint: a}]").replace("v0.3", "v0.1"),
            (
                "5:5: providers.models[0].backend_refs: belongs to `version: v0.3`; "
                "write `endpoints`, or that version"
            ),
        ),
    ],
)
def test_mistakes(config: str, line: str) -> None:
    assert line in errors(config)
    assert len(errors(config)) == 1


@pytest.mark.parametrize(
    "models", ["5", "[5]", "[~]", "{a: b}", "[{name: m, loras: 5}]", "[{name: 5, loras: [{}]}]"]
)
def test_models_that_are_none_are_told(models: str) -> None:
    for line in errors(f"version: v0.1\nproviders: {{models: {models}}}\n"):
        assert line.startswith("2:")
