"""Every mistake that can be made in the settings file."""

import pytest

from config.settings_words import TIME, errors, resilient, settings
from xds.config.document import Document
from xds.config.gateway import (
    Resilience,
    Retry,
)
from xds.config.problems import ConfigError
from xds.config.settings import (
    Settings,
    merged,
    read_settings,
)

PORT = "write a whole number from 1 to 65535"


WHOLE = "write a whole number up to 4294967295; 0 for no ejection"


COUNT = "write a whole number from 1 to 4294967295"


PERCENT = "write a whole number from 0 to 100"


SWITCH = "write true or false"


PRIORITY = "write a whole number from 0 to 127, 0 first"


ADDRESS = "write an IP address, such as 0.0.0.0 or 127.0.0.1"


HOST = "write an IP address or a host name alone, such as 10.0.0.5 or semantic-router"


ANSWER_TIME = "write a duration with its unit, such as 10s, 500ms or 5m, above zero, up to 1h"


HEADER = "write a header name of your own in lower case, such as x-selected-model"


CONDITIONS = (
    "write conditions with commas between them, out of 5xx, gateway-error, reset, "
    "reset-before-request, connect-failure, envoy-ratelimited, retriable-4xx, refused-stream"
)


PATH = "write a path, such as /health"


POLICY = "write round_robin or least_request"


def test_an_interval_is_no_shorter_than_envoy_can_bear() -> None:
    assert errors("resilience: {outlier_detection: {interval: 99ms}}")
    assert resilient("{outlier_detection: {interval: 100ms}}")


@pytest.mark.parametrize(
    "text",
    [
        "listener: ",
        "listener: {address: , port: }",
        "routing: {unknown_model: }",
        "allow_domain_names: ",
        "models: ",
        "endpoints: ~",
        "resilience: {outlier_detection: {interval: }, retry: , timeout: null}",
    ],
)
def test_a_key_with_nothing_behind_it_is_left_out(text: str) -> None:
    assert read_settings(Document.parse("settings.yaml", text.encode())) == Settings()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "router: semantic-router",
            ['1:9: router: is the string "semantic-router"; write a mapping'],
        ),
        ("router: {port: 50051}", [f"1:9: router.address: is missing; {HOST}"]),
        ("router: {address: ''}", [f'1:19: router.address: is the string ""; {HOST}']),
        (
            "router: {address: 'http://r', api: {}}",
            [
                f'1:19: router.address: is the string "http://r"; {HOST}',
                f"1:36: router.api.address: is missing; {HOST}",
            ],
        ),
        (
            "router: {address: 'r:50051'}",
            [f'1:19: router.address: is the string "r:50051"; {HOST}'],
        ),
        ("router: {address: r, port: 0}", [f"1:28: router.port: is the number 0; {PORT}"]),
        (
            "router: {address: r, failure_mode_allow: 'yes'}",
            [f'1:42: router.failure_mode_allow: is the string "yes"; {SWITCH}'],
        ),
        (
            "router: {address: r, message_timeout: 0s}",
            [f'1:39: router.message_timeout: is the string "0s"; {ANSWER_TIME}'],
        ),
        (
            "router: {address: r, message_timeout: 3601s}",
            [f'1:39: router.message_timeout: is the string "3601s"; {ANSWER_TIME}'],
        ),
        (
            "router: {addres: r}",
            [
                f"1:9: router.address: is missing; {HOST}",
                '1:10: router.addres: is not a known key; did you mean "address"?',
            ],
        ),
        (
            "router: {address: r, api: {address: r, port: x}}",
            [f'1:46: router.api.port: is the string "x"; {PORT}'],
        ),
        ("listener: []", ["1:11: listener: is an empty list; write a mapping"]),
        ("listener: {address: ''}", [f'1:21: listener.address: is the string ""; {ADDRESS}']),
        ("listener: {address: 10.0}", [f"1:21: listener.address: is the number 10.0; {ADDRESS}"]),
        (
            "upstream_tls: {ca_file: ca.pem}",
            [
                (
                    '1:25: upstream_tls.ca_file: is the string "ca.pem"; '
                    "write the absolute path of a PEM file on Envoy's side"
                )
            ],
        ),
        ("listener: {port: 0}", [f"1:18: listener.port: is the number 0; {PORT}"]),
        ("listener: {port: 65536}", [f"1:18: listener.port: is the number 65536; {PORT}"]),
        ("listener: {port: '80'}", [f'1:18: listener.port: is the string "80"; {PORT}']),
        ("listener: {port: 80.0}", [f"1:18: listener.port: is the number 80.0; {PORT}"]),
        ("listener: {port: true}", [f"1:18: listener.port: is true; {PORT}"]),
        ("listener: {port: {}}", [f"1:18: listener.port: is a mapping; {PORT}"]),
        ("routing: text", ['1:10: routing: is the string "text"; write a mapping']),
        (
            "routing: {model_header: X-Model}",
            [f'1:25: routing.model_header: is the string "X-Model"; {HEADER}'],
        ),
        (
            "routing: {model_header: ':path'}",
            [f'1:25: routing.model_header: is the string ":path"; {HEADER}'],
        ),
        (
            "routing: {model_header: ''}",
            [f'1:25: routing.model_header: is the string ""; {HEADER}'],
        ),
        ("routing: {model_header: 5}", [f"1:25: routing.model_header: is the number 5; {HEADER}"]),
        (
            "routing: {unknown_model: refuse}",
            ['1:26: routing.unknown_model: is the string "refuse"; write default or reject'],
        ),
        ("allow_domain_names: 1", [f"1:21: allow_domain_names: is the number 1; {SWITCH}"]),
        ("allow_domain_names: 'on'", [f'1:21: allow_domain_names: is the string "on"; {SWITCH}']),
        (
            "endpoints: [dc1-primary]",
            ["1:12: endpoints: is a list; write a mapping of endpoint names"],
        ),
        (
            "endpoints: {dc1-primary: {priority: 128}}",
            [f"1:37: endpoints.dc1-primary.priority: is the number 128; {PRIORITY}"],
        ),
        (
            "endpoints: {dc1-primary: {priority: -1}}",
            [f"1:37: endpoints.dc1-primary.priority: is the number -1; {PRIORITY}"],
        ),
        (
            "endpoints: {dc1-primary: {priority: low}}",
            [f'1:37: endpoints.dc1-primary.priority: is the string "low"; {PRIORITY}'],
        ),
        (
            "endpoints: {dc1-primary: {zone: 2}}",
            ["1:33: endpoints.dc1-primary.zone: is the number 2; write the name of a zone"],
        ),
        ("models: llama", ['1:9: models: is the string "llama"; write a mapping of model names']),
        (
            "models: {llama: {resilience: {retry: {attempts: x}}}}",
            [f'1:49: models.llama.resilience.retry.attempts: is the string "x"; {PERCENT}'],
        ),
    ],
)
def test_every_wrong_value_is_told_with_a_right_one(text: str, lines: list[str]) -> None:
    assert errors(text) == lines


@pytest.mark.parametrize(
    ("key", "value", "wrong", "right"),
    [
        ("lb_policy", "random", 'the string "random"', POLICY),
        ("lb_policy", "[round_robin]", "a list", POLICY),
        ("outlier_detection.consecutive_5xx", "-1", "the number -1", WHOLE),
        ("outlier_detection.consecutive_5xx", "2.5", "the number 2.5", WHOLE),
        ("outlier_detection.max_ejection_percent", "101", "the number 101", PERCENT),
        ("outlier_detection.max_ejection_percent", "-1", "the number -1", PERCENT),
        ("outlier_detection.max_ejection_percent", "50%", 'the string "50%"', PERCENT),
        ("health_check", "no", "false", "write a mapping"),
        ("health_check", "/health", 'the string "/health"', "write a mapping"),
        ("health_check.path", "health", 'the string "health"', PATH),
        ("health_check.path", "''", 'the string ""', PATH),
        ("health_check.path", "5", "the number 5", PATH),
        ("retry.on", "''", 'the string ""', CONDITIONS),
        ("retry.on", "[reset]", "a list", CONDITIONS),
        ("retry.attempts", "101", "the number 101", PERCENT),
        ("retry.attempts", "-1", "the number -1", PERCENT),
        ("retry.attempts", "2.0", "the number 2.0", PERCENT),
        ("circuit_breaker", "1024", "the number 1024", "write a mapping"),
        ("circuit_breaker.max_connections", "0", "the number 0", COUNT),
        ("circuit_breaker.max_connections", "yes", "true", COUNT),
        ("circuit_breaker.max_pending_requests", "-1", "the number -1", COUNT),
        ("circuit_breaker.max_requests", "'9'", 'the string "9"', COUNT),
        ("timeout", "5s", 'the string "5s"', "write a mapping"),
        ("timeout.upstream_idle", "4", "the number 4", f"{TIME}; 0s for no limit"),
    ],
)
def test_every_wrong_value_of_resilience_is_told_with_a_right_one(
    key: str, value: str, wrong: str, right: str
) -> None:
    *sections, name = key.split(".")
    text = "".join(f"{section}: {{" for section in ("resilience", *sections)) + f"{name}: "
    closed = f"{text}{value}{'}' * (len(sections) + 1)}"

    assert errors(closed) == [f"1:{len(text) + 1}: resilience.{key}: is {wrong}; {right}"]


def test_a_health_check_needs_a_path() -> None:
    assert errors("resilience:\n  health_check: {interval: 5s}\n") == [
        f"2:17: resilience.health_check.path: is missing; {PATH}"
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("listner: {}", ['1:1: listner: is not a known key; did you mean "listener"?']),
        (
            "listener: {adress: 127.0.0.1}",
            ['1:12: listener.adress: is not a known key; did you mean "address"?'],
        ),
        (
            "routing: {header: x}",
            ['1:11: routing.header: is not a known key; did you mean "model_header"?'],
        ),
        (
            "resilience: {retries: {}}",
            ['1:14: resilience.retries: is not a known key; did you mean "retry"?'],
        ),
        (
            "resilience: {retry: {count: 5}}",
            ['1:22: resilience.retry.count: is not a known key; known here: "on", "attempts"'],
        ),
        (
            "endpoints: {dc1-primary: {priorty: 1}}",
            ['1:27: endpoints.dc1-primary.priorty: is not a known key; did you mean "priority"?'],
        ),
        (
            "models: {llama: {retry: {}}}",
            ['1:18: models.llama.retry: is not a known key; known here: "resilience"'],
        ),
        (
            "models: {llama: {resilience: {timeout: {reqest: 5s}}}}",
            [
                (
                    "1:41: models.llama.resilience.timeout.reqest: "
                    'is not a known key; did you mean "request"?'
                )
            ],
        ),
        (
            "resilience: {health_check: {pth: /health}}",
            [
                "1:28: resilience.health_check.path: is missing; write a path, such as /health",
                '1:29: resilience.health_check.pth: is not a known key; did you mean "path"?',
            ],
        ),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest(text: str, lines: list[str]) -> None:
    assert errors(text) == lines


def test_a_key_that_is_like_no_other_is_told_with_all_that_are_known() -> None:
    assert errors("frobnicate: 1\n") == [
        (
            '1:1: frobnicate: is not a known key; known here: "listener", "router", "routing", '
            '"allow_domain_names", "upstream_tls", "resilience", "endpoints", "models"'
        )
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "endpoints: {dc1-primry: {}}",
            [
                (
                    '1:13: endpoints.dc1-primry: there is no endpoint named "dc1-primry"; '
                    'did you mean "dc1-primary"? Known: "dc1-primary", "dc2-primary"'
                )
            ],
        ),
        (
            "endpoints:\n  other: {zone: dc3}",
            [
                (
                    '2:3: endpoints.other: there is no endpoint named "other"; '
                    'known: "dc1-primary", "dc2-primary"'
                )
            ],
        ),
        (
            "models: {qwen: {}}",
            [
                (
                    '1:10: models.qwen: there is no model named "qwen"; '
                    'did you mean "qwen3"? Known: "qwen3", "llama"'
                )
            ],
        ),
        (
            "models:\n  'gpt 5': {}\n  llama: {}\n  x: {}\n",
            [
                '2:3: models["gpt 5"]: there is no model named "gpt 5"; known: "qwen3", "llama"',
                '4:3: models.x: there is no model named "x"; known: "qwen3", "llama"',
            ],
        ),
    ],
)
def test_names_that_the_configuration_does_not_have_are_told(text: str, lines: list[str]) -> None:
    assert errors(text) == lines


def test_a_lora_has_no_settings_of_its_own() -> None:
    [line] = errors("models: {qwen3-sql: {}}")

    assert line.startswith('1:10: models.qwen3-sql: there is no model named "qwen3-sql"')


def test_wrong_values_and_unknown_names_are_told_together_by_line() -> None:
    text = """\
routing: {unknown_model: refuse}
endpoints:
  other: {priority: 128}
listener: {port: 0}
"""

    assert errors(text) == [
        '1:26: routing.unknown_model: is the string "refuse"; write default or reject',
        (
            '3:3: endpoints.other: there is no endpoint named "other"; '
            'known: "dc1-primary", "dc2-primary"'
        ),
        f"3:21: endpoints.other.priority: is the number 128; {PRIORITY}",
        f"4:18: listener.port: is the number 0; {PORT}",
    ]


@pytest.mark.parametrize(
    ("base", "override", "expected"),
    [
        ("{}", "{}", "{}"),
        ("{lb_policy: least_request}", "{}", "{lb_policy: least_request}"),
        ("{lb_policy: least_request}", "{lb_policy: round_robin}", "{lb_policy: round_robin}"),
        (
            "{retry: {on: 5xx, attempts: 5}, timeout: {idle: 1s}}",
            "{retry: {attempts: 1}, timeout: {request: 2s}}",
            "{retry: {on: 5xx, attempts: 1}, timeout: {idle: 1s, request: 2s}}",
        ),
        (
            "{retry: {attempts: 5}}",
            "{retry: {attempts: 2}}",
            "{retry: {attempts: 2}}",
        ),
        ("{}", "{health_check: {path: /a}}", "{health_check: {path: /a}}"),
        ("{health_check: {path: /a, timeout: 1s}}", "{health_check: }", "{}"),
        (
            "{health_check: {path: /a, timeout: 1s}}",
            "{health_check: {path: /b}}",
            "{health_check: {path: /b, timeout: 1s}}",
        ),
    ],
)
def test_merging_takes_what_the_override_says_and_keeps_the_rest(
    base: str, override: str, expected: str
) -> None:
    assert merged(resilient(base), resilient(override)) == resilient(expected)


def test_a_model_is_treated_by_its_own_settings_on_top_of_the_defaults() -> None:
    both = settings(
        "resilience: {lb_policy: least_request, retry: {attempts: 5}}\n"
        "models: {llama: {resilience: {retry: {on: 5xx}}}, qwen3: {}}\n"
    )

    assert both.resilience_of("llama") == Resilience(
        lb_policy="least_request", retry=Retry(on="5xx", attempts=5)
    )
    assert both.resilience_of("qwen3") == both.resilience
    assert both.resilience_of("another") == both.resilience


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listener: {address: nonsense}", "1:21: listener.address: is the string"),
        ("routing: {model_header: host}", "1:25: routing.model_header: is the string"),
        ('resilience: {health_check: {path: "/a b"}}', "path: is the string"),
        ("resilience: {retry: {on: 'reset,nonsense'}}", "retry.on: is the string"),
        ("resilience: {timeout: {request: \u0661s}}", "timeout.request: is the string"),
        ("resilience: {timeout: {request: 0.0001ms}}", "timeout.request: is the string"),
        ("resilience: {timeout: {connect: 99999999999999999999s}}", "connect: is the string"),
        ("endpoints: {dc1: }", "endpoints.dc1: is empty; write a mapping"),
        ("endpoints: {'': {}}", '1:13: endpoints[""]: is no name; write a name in quotes'),
    ],
)
def test_what_envoy_would_refuse_or_forget_is_told_before(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(Document.parse("settings.yaml", text.encode()))

    [line] = str(raised.value).splitlines()
    assert told in line


def test_settings_that_are_all_comments_are_the_defaults() -> None:
    assert read_settings(Document.parse("settings.yaml", b"# listener: {}\n")) == Settings()
