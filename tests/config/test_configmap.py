"""The router's file inside the manifest of a Kubernetes ConfigMap, and where its mistakes stand."""

import json

import pytest

from xds.config.load import Loaded, Source, load
from xds.config.problems import ConfigError

CONFIG = """\
vllm_endpoints:
  - name: a
    address: 10.0.0.1
    port: {port}
"""
PORT = "write a whole number from 1 to 65535"
RIGHT = "write the router's file below `config.yaml: |`"


def manifest(config: str, indent: int = 4, key: str = "config.yaml", head: str = "|") -> str:
    """Return a manifest whose embedded file begins in line 6."""
    lines = (" " * indent + line if line else "" for line in config.split("\n"))
    return (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: router}\ndata:\n"
        f"  {key}: {head}\n" + "\n".join(lines)
    )


def loaded(text: str) -> Loaded:
    return load(Source("manifest.yaml", text.encode()))


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loaded(text)
    return str(refused.value).splitlines()


@pytest.mark.parametrize("head", ["|", "|-", "|+", "|2", "&x |", "!!str |", "| # the file"])
def test_the_file_in_a_manifest_is_read(head: str) -> None:
    found = loaded(manifest(CONFIG.format(port=8000), head=head))

    assert [endpoint.port for endpoint in found.gateway.endpoints] == [8000]
    assert found.inside == 'data["config.yaml"]'


def test_a_file_of_its_own_stands_inside_of_nothing() -> None:
    assert loaded(CONFIG.format(port=8000)).inside == ""


@pytest.mark.parametrize("indent", [3, 4, 7])
@pytest.mark.parametrize("head", ["|", "|-", "&x |", "!!str  |"])
def test_mistakes_are_told_at_the_lines_of_the_manifest(indent: int, head: str) -> None:
    config = "# two lines\n\n" + CONFIG.format(port=0)

    assert errors(manifest(config, indent, head=head)) == [
        (
            f'manifest.yaml:11:{indent + 11}: data["config.yaml"].vllm_endpoints[0].port: '
            f"is the number 0; {PORT}"
        )
    ]


def test_so_are_mistakes_of_form_and_of_doubling() -> None:
    twice = CONFIG.format(port=1) + "    port: 2\n"
    doubled = CONFIG.format(port=1) + CONFIG.format(port=1).partition("\n")[2]

    assert errors(manifest("a: [\n")) == [
        (
            'manifest.yaml:7:1: data["config.yaml"]: not valid YAML: while parsing a flow node, '
            "did not find expected node content; "
            "mend the indentation, quotes or brackets here or just above"
        )
    ]
    assert errors(manifest("- a\n")) == [
        (
            'manifest.yaml:6:5: data["config.yaml"]: the file is a list; '
            "write keys with values, such as `key: value`"
        )
    ]
    assert errors(manifest(twice)) == [
        (
            'manifest.yaml:10:9: data["config.yaml"].vllm_endpoints[0].port: is a duplicate key, '
            "already written at 9:9; keep one of the two"
        )
    ]
    assert errors(manifest(doubled)) == [
        (
            'manifest.yaml:10:15: data["config.yaml"].vllm_endpoints[1].name: there is already an '
            'endpoint named "a", in line 7; rename one of the two'
        )
    ]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (r'"vllm_endpoints:\n  - {name: a, address: 10.0.0.1, port: 0}\n"', "4:16"),
        ("'vllm_endpoints: [{name: a, address: 10.0.0.1, port: 0}]'", "4:16"),
        (">\n    vllm_endpoints: [{name: a,\n    address: 10.0.0.1, port: 0}]\n", "4:16"),
    ],
)
def test_in_a_text_of_another_form_the_line_is_told_in_words(value: str, place: str) -> None:
    [line] = errors(f"apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: {value}\n")

    assert line.startswith(f'manifest.yaml:{place}: data["config.yaml"].vllm_endpoints[0].port: ')
    assert f"{PORT} (in line " in line


def test_so_is_the_line_of_what_is_doubled() -> None:
    twice = "vllm_endpoints: []\\nmodel_config: {}\\nvllm_endpoints: []"
    doubled = CONFIG.format(port=1) + CONFIG.format(port=1).partition("\n")[2]
    head = "kind: ConfigMap\ndata:\n  config.yaml: "

    assert errors(f'{head}"{twice}"') == [
        (
            'manifest.yaml:3:16: data["config.yaml"].vllm_endpoints: is a duplicate key, '
            "already written in line 1 of it; keep one of the two (in line 3 of it)"
        )
    ]
    assert errors(head + json.dumps(doubled)) == [
        (
            'manifest.yaml:3:16: data["config.yaml"].vllm_endpoints[1].name: there is already an '
            'endpoint named "a", in line 2 of it; rename one of the two (in line 5 of it)'
        )
    ]


def test_a_manifest_may_end_like_one_of_several() -> None:
    assert loaded(manifest(CONFIG.format(port=1)) + "---\n").inside == 'data["config.yaml"]'


def test_the_only_key_may_have_any_name() -> None:
    found = loaded(manifest(CONFIG.format(port=1), key="router.yaml"))

    assert found.inside == 'data["router.yaml"]'


def test_the_usual_name_stands_out_among_others() -> None:
    text = manifest(CONFIG.format(port=1)) + "  tools_db.json: '[]'\n"

    assert loaded(text).inside == 'data["config.yaml"]'


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("", f"manifest.yaml:1:1: data: holds no file; {RIGHT}"),
        ("data:", f"manifest.yaml:2:6: data: holds no file; {RIGHT}"),
        ("data: {}", f"manifest.yaml:2:7: data: holds no file; {RIGHT}"),
        ("data: []", f"manifest.yaml:2:7: data: holds no file; {RIGHT}"),
        (
            "data: {config.yaml: {vllm_endpoints: []}}",
            f'manifest.yaml:2:21: data["config.yaml"]: is a mapping; {RIGHT}',
        ),
        (
            "data: {config.yaml: 5}",
            f'manifest.yaml:2:21: data["config.yaml"]: is the number 5; {RIGHT}',
        ),
        (
            "data: {a.yaml: x, b.yaml: y}",
            (
                'manifest.yaml:2:7: data: holds several files, "a.yaml", "b.yaml"; '
                "name the router's file config.yaml"
            ),
        ),
        (
            "data: {config.yaml: ''}",
            (
                'manifest.yaml:2:21: data["config.yaml"]: the file is empty; '
                "write keys with values, such as `key: value` (in line 1 of it)"
            ),
        ),
    ],
)
def test_a_manifest_without_a_file_that_stands_out(data: str, line: str) -> None:
    assert errors(f"kind: ConfigMap\n{data}\n") == [line]
