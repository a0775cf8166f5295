"""Every mistake that can be made in a file of dialect C."""

import re

import pytest

from config.nested_words import CANONICAL, backends, canonical, errors, gateway

NAME = "write a name in quotes"
PORT = "write a whole number from 1 to 65535"
IP = "write an IP address, such as 0.0.0.0 or 127.0.0.1"
TIME = "write a duration with its unit, such as 10s, 500ms or 5m, up to 8760h"
SERVER = "write a server as host:port or a URL in quotes, such as 10.0.0.10:8000"
REF = "providers.models[0].backend_refs[0]"
GOOD = "name: l, address: '::1', port: 1"


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("5", "6:14: listeners[0]: is the number 5; write a mapping"),
        ("{address: '::1', port: 1}", f"6:14: listeners[0].name: is missing; {NAME}"),
        (
            "{name: '', address: '::1', port: 1}",
            f'6:21: listeners[0].name: is the string ""; {NAME}',
        ),
        ("{name: l, port: 1}", f"6:14: listeners[0].address: is missing; {IP}"),
        (
            "{name: l, address: localhost, port: 1}",
            f'6:33: listeners[0].address: is the string "localhost"; {IP}',
        ),
        ("{name: l, address: '::1'}", f"6:14: listeners[0].port: is missing; {PORT}"),
        (
            "{name: l, address: '::1', port: 65536}",
            f"6:46: listeners[0].port: is the number 65536; {PORT}",
        ),
        (
            f"{{{GOOD}, timeout: 300}}",
            f"6:58: listeners[0].timeout: is the number 300; {TIME}; 0s for no limit",
        ),
        (
            f"{{{GOOD}, adress: '::1'}}",
            '6:49: listeners[0].adress: is not a known key; did you mean "address"?',
        ),
        (
            f"{{{GOOD}, api_keys: sk-1}}",
            "6:59: listeners[0].api_keys: is something else; write a list of keys",
        ),
        (
            f"{{{GOOD}, api_keys: [sk-1, 12345]}}",
            (
                "6:66: listeners[0].api_keys[1]: is something else; "
                "write a key in quotes, without spaces"
            ),
        ),
        (
            f"{{{GOOD}, api_keys: ['Bearer sk-1']}}",
            (
                "6:60: listeners[0].api_keys[0]: is something else; "
                "write a key in quotes, without spaces"
            ),
        ),
        (
            f"{{{GOOD}, api_keys: [sk-1, sk-2, sk-1]}}",
            "6:72: listeners[0].api_keys[2]: is a key that stands here already; keep it once",
        ),
        (
            f"{{{GOOD}, api_keys: [$UNSET]}}",
            (
                "6:60: listeners[0].api_keys[0]: refers to an environment variable that is not "
                "set; set it, or write `$$` for a dollar"
            ),
        ),
    ],
)
def test_mistakes_in_a_listener(item: str, line: str) -> None:
    assert errors(f"{CANONICAL}listeners: [ {item}]\n") == [line]


def test_listeners_have_names_and_places_of_their_own() -> None:
    listeners = """\
listeners:
  - {name: a, address: 0.0.0.0, port: 80}
  - {name: a, address: 0.0.0.0, port: 81}
  - {name: b, address: 0.0.0.0, port: 80}
  - {name: c, address: '::1', port: 80}
  - {name: d, address: '0:0:0:0:0:0:0:1', port: 80}
"""

    assert errors(CANONICAL + listeners) == [
        (
            '8:12: listeners[1].name: there is already a listener named "a", in line 7; '
            "rename one of the two"
        ),
        (
            "9:39: listeners[2].port: another listener has this address and port, in line 7; "
            "choose another"
        ),
        (
            "11:49: listeners[4].port: another listener has this address and port, in line 10; "
            "choose another"
        ),
    ]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("5", f"5:20: {REF}: is the number 5; write a mapping"),
        ("{}", f"5:20: {REF}: names no server; write `endpoint` or `base_url`"),
        ("{endpoint: }", f"5:20: {REF}: names no server; write `endpoint` or `base_url`"),
        ("{endpoint: ''}", f"5:20: {REF}: names no server; write `endpoint` or `base_url`"),
        ("{endpoint: 5}", f"5:31: {REF}.endpoint: is the number 5; {SERVER}"),
        ("{name: 5, endpoint: a}", f"5:27: {REF}.name: is the number 5; {NAME}"),
        (
            "{endpoint: a, protocol: grpc}",
            f'5:44: {REF}.protocol: is the string "grpc"; write http or https',
        ),
        (
            "{endpoint: a, weight: '3'}",
            (
                f'5:42: {REF}.weight: is the string "3"; '
                "write a whole number from 1 to 4294967295, or 0 to drain the endpoint"
            ),
        ),
        (
            "{endpont: a}",
            f'5:21: {REF}.endpont: is not a known key; did you mean "endpoint"?',
        ),
        (
            "{endpoint: 'ftp://a'}",
            f'5:31: {REF}.endpoint: "ftp://a" begins with ftp://; begin it with http:// or https://',
        ),
        (
            "{base_url: a}",
            f'5:31: {REF}.base_url: "a" has no http:// or https://; begin it with http:// or https://',
        ),
        (
            "{base_url: 'https://'}",
            f'5:31: {REF}.base_url: "https://" names no server; write one, such as https://api.example.com/v1',
        ),
        (
            "{endpoint: ':80'}",
            f'5:31: {REF}.endpoint: ":80" names no server; write one, such as 10.0.0.10:8000',
        ),
        (
            "{endpoint: 'a:http'}",
            f'5:31: {REF}.endpoint: "a:http" has the port "http"; write a number from 1 to 65535',
        ),
        (
            "{endpoint: 'a:0'}",
            f'5:31: {REF}.endpoint: "a:0" has the port "0"; write a number from 1 to 65535',
        ),
        (
            "{endpoint: '10.0.0.300:80'}",
            (
                f'5:31: {REF}.endpoint: "10.0.0.300" is no IPv4 address; '
                "write four numbers from 0 to 255, such as 10.0.0.10"
            ),
        ),
        (
            "{endpoint: '[::x]:80'}",
            f'5:31: {REF}.endpoint: "::x" is no IPv6 address; write one such as 2001:db8::1',
        ),
        (
            "{endpoint: 'a b:80'}",
            (
                f'5:31: {REF}.endpoint: "a b" is no IP address; '
                "write one such as 10.0.0.10 or 2001:db8::1"
            ),
        ),
        (
            "{endpoint: 'https://me:secret@a/v1'}",
            f'5:31: {REF}.endpoint: "https://...@a/v1" has a user name; leave it out',
        ),
        (
            "{base_url: 'https://a/v1?key=b'}",
            (f'5:31: {REF}.base_url: the path "/v1?..." has a query or a fragment; leave that out'),
        ),
        (
            "{base_url: 'https://a/v\\1'}",
            (
                f'5:31: {REF}.base_url: the path "/v\\1" has characters that no path has; '
                "write them as %20 and the like"
            ),
        ),
        (
            "{base_url: 'a/v2'}",
            (
                f'5:31: {REF}.base_url: "a/v2" has no http:// or https://; '
                "begin it with http:// or https://"
            ),
        ),
        (
            "{endpoint: '$HOST:80'}",
            (
                f"5:31: {REF}.endpoint: refers to the environment variable HOST, which is not "
                "set; set it, or write ${HOST:-default}"
            ),
        ),
        (
            "{endpoint: 'https://me:$PASS@a'}",
            (
                f"5:31: {REF}.endpoint: refers to an environment variable that is not set; "
                "set it, or write `$$` for a dollar"
            ),
        ),
        (
            "{endpoint: $EMPTY}",
            (
                f"5:31: {REF}.endpoint: refers to the environment variable EMPTY, which is "
                "empty; set it, or write ${EMPTY:-default}"
            ),
        ),
        (
            "{endpoint: '', base_url: '${EMPTY}'}",
            (
                f"5:45: {REF}.base_url: refers to the environment variable EMPTY, which is "
                "empty; set it, or write ${EMPTY:-default}"
            ),
        ),
    ],
)
def test_mistakes_in_a_backend(item: str, line: str) -> None:
    assert errors(backends(item)) == [line]


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("lb_policy", "random", 'is the string "random"; write round_robin or least_request'),
        ("retry_count", "6", "is the number 6; write a whole number from 0 to 5"),
        ("retry_count", "-1", "is the number -1; write a whole number from 0 to 5"),
        (
            "retry_on",
            "never",
            (
                'is the string "never"; write conditions with commas between them, out of 5xx, '
                "gateway-error, reset, reset-before-request, connect-failure, envoy-ratelimited, "
                "retriable-4xx, refused-stream"
            ),
        ),
        (
            "consecutive_5xx",
            "-1",
            "is the number -1; write a whole number up to 4294967295; 0 for no ejection",
        ),
        ("base_ejection_time", "30", f"is the number 30; {TIME}, above zero"),
        ("max_ejection_percent", "101", "is the number 101; write a whole number from 0 to 100"),
        ("health_check_path", "health", 'is the string "health"; write a path, such as /health'),
        ("health_check_interval", "1ms", f'is the string "1ms"; {TIME}, from 100ms on'),
        ("health_check_timeout", "0s", f'is the string "0s"; {TIME}, above zero'),
    ],
)
def test_mistakes_in_reliability(key: str, value: str, wrong: str) -> None:
    config = f"{CANONICAL}    reliability: {{{key}: {value}}}\n"
    column = 21 + len(key)

    assert errors(config) == [f"6:{column}: providers.models[0].reliability.{key}: {wrong}"]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            "version: v0.3\nproviders: {}\n",
            "2:12: providers.models: is missing; write a list of at least one model",
        ),
        (
            "version: v0.3\nproviders: {models: []}\n",
            "2:21: providers.models: is an empty list; write a list of at least one model",
        ),
        (
            "version: v0.3\nproviders: {models: [5]}\n",
            "2:22: providers.models[0]: is the number 5; write a mapping",
        ),
        (
            "version: v0.3\nproviders: {models: [{backend_refs: [{endpoint: a}]}]}\n",
            f"2:22: providers.models[0].name: is missing; {NAME}",
        ),
        (
            "version: v0.3\nproviders: {models: [{name: m}]}\n",
            "2:21: providers.models: no model has an endpoint; give one of them `backend_refs`",
        ),
        (
            canonical(m="{endpoint: a}"),
            "5:19: providers.models[0].backend_refs: is a mapping; write a list of backends",
        ),
        (
            CANONICAL + "listeners: {}\n",
            "6:12: listeners: is a mapping; write a list of listeners",
        ),
        (
            CANONICAL + "routing: []\n",
            "6:10: routing: is an empty list; write a mapping",
        ),
        (
            CANONICAL + "    reliability: [1]\n",
            "6:18: providers.models[0].reliability: is a list; write a mapping",
        ),
        (
            CANONICAL + "    reliability: {retry_cout: 1}\n",
            (
                "6:19: providers.models[0].reliability.retry_cout: is not a known key; "
                'did you mean "retry_count"?'
            ),
        ),
        (
            CANONICAL + "    backend_ref: []\n",
            (
                "6:5: providers.models[0].backend_ref: is not a known key; "
                'did you mean "backend_refs"?'
            ),
        ),
        (
            CANONICAL + "    endpoints: []\n",
            (
                "6:5: providers.models[0].endpoints: belongs to `version: v0.1`; "
                "write `backend_refs`, or that version"
            ),
        ),
        (
            CANONICAL + "listner: []\n",
            '6:1: listner: is not a known key; did you mean "listeners"?',
        ),
        (
            CANONICAL + "  default: {}\n",
            '6:3: providers.default: is not a known key; did you mean "defaults"?',
        ),
        (
            CANONICAL + "  defaults: {default_model: n}\n",
            ('6:29: providers.defaults.default_model: there is no model named "n"; known: "m"'),
        ),
        (
            CANONICAL + "  defaults: {default_model: [m]}\n",
            (
                "6:29: providers.defaults.default_model: is a list; "
                "write the name of a model in quotes"
            ),
        ),
        (
            CANONICAL + "routing: {modelCards: [{name: mm}]}\n",
            (
                '4:11: providers.models[0].name: there is no model card named "m"; '
                'did you mean "mm"? Known: "mm"; `routing.modelCards` must list it'
            ),
        ),
        (
            CANONICAL + "routing: {modelCards: [{name: m}, {name: m}]}\n",
            (
                '6:42: routing.modelCards[1].name: there is already a model card named "m", '
                "in line 6; rename one of the two"
            ),
        ),
        (
            CANONICAL + "routing: {modelCards: [{nam: m}]}\n",
            f"6:24: routing.modelCards[0].name: is missing; {NAME}",
        ),
        (
            CANONICAL + "routing: {modelCards: [{name: m, loras: [{name: m}]}]}\n",
            (
                "6:49: routing.modelCards[0].loras[0].name: there is already a model or LoRA "
                'named "m", in line 4; rename one of the two'
            ),
        ),
        (
            CANONICAL + "routing: {modelCards: [{name: m, loras: sql}]}\n",
            (
                '6:41: routing.modelCards[0].loras: is the string "sql"; '
                "write a list of mappings with a name"
            ),
        ),
        (
            CANONICAL + CANONICAL.partition("models:\n")[2],
            (
                '6:11: providers.models[1].name: there is already a model or LoRA named "m", '
                "in line 4; rename one of the two"
            ),
        ),
        (
            backends("{name: a, endpoint: a}", "{name: a, endpoint: b}"),
            (
                "5:51: providers.models[0].backend_refs[1].name: there is already an endpoint "
                'named "m_a", in line 5; rename one of the two'
            ),
        ),
        (
            canonical(m_x="[{name: y, endpoint: a}]", m="[{name: x_y, endpoint: a}]"),
            (
                "7:27: providers.models[1].backend_refs[0].name: there is already an endpoint "
                'named "m_x_y", in line 5; rename one of the two'
            ),
        ),
        (
            backends("{endpoint: a, weight: 4294967295}", "{endpoint: b}"),
            (
                '5:19: providers.models[0].backend_refs: the weights of model "m" add up to '
                "4294967296; make that at most 4294967295"
            ),
        ),
        (
            backends("{endpoint: a, weight: 0}"),
            (
                '5:19: providers.models[0].backend_refs: all endpoints of model "m" are drained; '
                "give one of them a weight of 1 or more"
            ),
        ),
        (
            backends("{endpoint: a}", "{endpoint: a/v2}"),
            (
                '5:19: providers.models[0].backend_refs: the endpoints of model "m" have '
                'different paths, "/v1", "/v2"; write one path, or make two models of them'
            ),
        ),
        (
            canonical(m="[{endpoint: a}]", n="[{endpoint: a/v2}]"),
            (
                "4:3: providers.models: the endpoints of the gateway have different paths, "
                '"/v1", "/v2"; set `default_model`, which takes the requests without a model'
            ),
        ),
    ],
)
def test_mistakes_in_the_rest_of_the_file(config: str, line: str) -> None:
    mistakes = errors(config)

    if "nam: m" in config:
        assert mistakes.pop(1).endswith('did you mean "name"?')
    assert mistakes == [line]


def test_every_mistake_is_told_at_once_sorted_by_line() -> None:
    config = """\
version: v0.3
listeners:
  - {name: l, address: here, port: 0, api_keys: [sk-never told]}
providers:
  defaults: {default_model: x}
  models:
    - name: m
      backend_refs:
        - {endpoint: "a:80:80", weight: heavy}
        - {endpoint: "$NOWHERE", protocol: https}
      reliability: {retry_count: 9}
    - name: m
"""

    places = [line.split(": ")[:2] for line in errors(config)]

    assert places == [
        ["3:24", "listeners[0].address"],
        ["3:36", "listeners[0].port"],
        ["3:50", "listeners[0].api_keys[0]"],
        ["5:29", "providers.defaults.default_model"],
        ["9:22", "providers.models[0].backend_refs[0].endpoint"],
        ["9:41", "providers.models[0].backend_refs[0].weight"],
        ["10:22", "providers.models[0].backend_refs[1].endpoint"],
        ["11:34", "providers.models[0].reliability.retry_count"],
        ["12:13", "providers.models[1].name"],
    ]
    assert "sk-never" not in "".join(errors(config))


@pytest.mark.parametrize(
    ("config", "place", "right"),
    [
        (
            CANONICAL + "default_model: m\n",
            "6:1: default_model",
            "`providers.defaults.default_model`",
        ),
        (
            CANONICAL + "  default_model: m\n",
            "6:3: providers.default_model",
            "`providers.defaults.default_model`",
        ),
        (
            CANONICAL + "    loras: [{name: sql}]\n  defaults: {default_model: sql}\n",
            "6:5: providers.models[0].loras",
            "`loras` in the card of this model, in `routing.modelCards`",
        ),
    ],
)
def test_what_other_forms_have_elsewhere(config: str, place: str, right: str) -> None:
    assert errors(config) == [
        f"{place}: is of another form of the file and not read here; write {right}"
    ]


def test_what_is_empty_there_says_nothing() -> None:
    assert gateway(CANONICAL + "    loras: []\ndefault_model: ''\n") == gateway(CANONICAL)


SPACED = """\
version: v0.3
listeners: [{name: ' l', address: '::1', port: 1}]
providers:
  defaults: {default_model: 'sql '}
  models:
    - {name: 'm ', backend_refs: [{name: ' a', endpoint: a}, {name: b, endpoint: b}]}
    - {name: n, backend_refs: [{name: "  ", endpoint: a}]}
routing:
  modelCards: [{name: ' m', loras: [{name: 'sql '}]}, {name: n}]
"""


def test_no_name_has_spaces_around_it() -> None:
    places = {
        "2:20: listeners[0].name": " l",
        "4:29: providers.defaults.default_model": "sql ",
        "6:14: providers.models[0].name": "m ",
        "6:42: providers.models[0].backend_refs[0].name": " a",
        "7:39: providers.models[1].backend_refs[0].name": "  ",
        "9:23: routing.modelCards[0].name": " m",
        "9:44: routing.modelCards[0].loras[0].name": "sql ",
    }

    assert errors(SPACED) == [
        f'{place}: "{name}" begins or ends with a space; write '
        + (f'"{name.strip()}"' if name.strip() else "a name")
        for place, name in places.items()
    ]
    assert gateway(re.sub("' ?([a-z]+) ?'", r"\1", SPACED).replace('"  "', "c"))
