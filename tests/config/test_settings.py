"""What the settings file says."""

from datetime import timedelta

import pytest

from config.settings_words import TIME, errors, resilient, settings
from xds.config.gateway import (
    CircuitBreaker,
    HealthCheck,
    OutlierDetection,
    Resilience,
    Retry,
    Router,
    RouterApi,
    Routing,
    Timeout,
)
from xds.config.settings import (
    EndpointSettings,
    ListenerSettings,
    ModelSettings,
    Settings,
)


def test_everything_has_a_default() -> None:
    defaults = settings("{}")

    assert defaults == Settings()
    assert defaults.model_dump() == {
        "listener": {"address": "0.0.0.0", "port": 8801},  # noqa: S104  all of the gateway's
        "router": None,
        "routing": {"model_header": "x-selected-model", "unknown_model": "default"},
        "allow_domain_names": False,
        "upstream_tls": {"ca_file": "/etc/ssl/certs/ca-certificates.crt"},
        "resilience": {
            "lb_policy": "round_robin",
            "outlier_detection": {
                "consecutive_5xx": 5,
                "interval": timedelta(seconds=10),
                "base_ejection_time": timedelta(seconds=30),
                "max_ejection_percent": 100,
            },
            "health_check": None,
            "retry": {"on": "connect-failure,refused-stream,reset", "attempts": 2},
            "circuit_breaker": {
                "max_connections": 1024,
                "max_pending_requests": 1024,
                "max_requests": 4096,
            },
            "timeout": {
                "request": timedelta(minutes=5),
                "idle": timedelta(minutes=5),
                "connect": timedelta(seconds=5),
                "upstream_idle": timedelta(seconds=4),
            },
        },
        "endpoints": {},
        "models": {},
    }


def test_the_router_has_defaults_once_it_has_an_address() -> None:
    router = settings("router: {address: semantic-router}").router

    assert router is not None
    assert router.model_dump() == {
        "address": "semantic-router",
        "port": 50051,
        "failure_mode_allow": False,
        "message_timeout": timedelta(minutes=5),
        "api": None,
    }


def test_a_health_check_has_defaults_once_it_has_a_path() -> None:
    health_check = settings("resilience: {health_check: {path: /health}}").resilience.health_check

    assert health_check is not None
    assert health_check.interval == timedelta(seconds=10)
    assert health_check.timeout == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "listener: {address: 127.0.0.1, port: 80}",
            Settings(listener=ListenerSettings(address="127.0.0.1", port=80)),
        ),
        ("listener: {address: '::1'}", Settings(listener=ListenerSettings(address="::1"))),
        ("listener: {port: 65535}", Settings(listener=ListenerSettings(port=65535))),
        ("listener: {port: 1}", Settings(listener=ListenerSettings(port=1))),
        ("listener: {}", Settings()),
        ("router: ", Settings()),
        ("router: {address: ' Router. '}", Settings(router=Router(address="router"))),
        (
            (
                "router: {address: '::1', port: 1, failure_mode_allow: true, message_timeout: 1h, "
                "api: {address: 10.0.0.5}}"
            ),
            Settings(
                router=Router(
                    address="::1",
                    port=1,
                    failure_mode_allow=True,
                    message_timeout=timedelta(hours=1),
                    api=RouterApi(address="10.0.0.5", port=8080),
                )
            ),
        ),
        ("routing: {model_header: x-model}", Settings(routing=Routing(model_header="x-model"))),
        ("routing: {unknown_model: default}", Settings()),
        ("routing: {unknown_model: reject}", Settings(routing=Routing(unknown_model="reject"))),
        ("allow_domain_names: true", Settings(allow_domain_names=True)),
        ("allow_domain_names: no", Settings()),
        (
            "endpoints: {dc2-primary: {priority: 127, zone: dc2}}",
            Settings(endpoints={"dc2-primary": EndpointSettings(priority=127, zone="dc2")}),
        ),
        ("endpoints: {a: {priority: 0}}", Settings(endpoints={"a": EndpointSettings()})),
        ("endpoints: {a: {}}", Settings(endpoints={"a": EndpointSettings()})),
        (
            "models: {llama: {resilience: {lb_policy: least_request}}}",
            Settings(
                models={"llama": ModelSettings(resilience=Resilience(lb_policy="least_request"))}
            ),
        ),
        ("models: {llama: {}}", Settings(models={"llama": ModelSettings()})),
    ],
)
def test_every_key_is_understood(text: str, expected: Settings) -> None:
    assert settings(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{lb_policy: least_request}", Resilience(lb_policy="least_request")),
        ("{lb_policy: round_robin}", Resilience()),
        (
            "{outlier_detection: {consecutive_5xx: 0}}",
            Resilience(outlier_detection=OutlierDetection(consecutive_5xx=0)),
        ),
        (
            "{outlier_detection: {interval: 500ms, base_ejection_time: 1m}}",
            Resilience(
                outlier_detection=OutlierDetection(
                    interval=timedelta(milliseconds=500), base_ejection_time=timedelta(minutes=1)
                )
            ),
        ),
        (
            "{outlier_detection: {max_ejection_percent: 0}}",
            Resilience(outlier_detection=OutlierDetection(max_ejection_percent=0)),
        ),
        ("{outlier_detection: {max_ejection_percent: 100}}", Resilience()),
        ("{health_check: }", Resilience()),
        (
            "{health_check: {path: /health, interval: 5s, timeout: 1s}}",
            Resilience(
                health_check=HealthCheck(
                    path="/health", interval=timedelta(seconds=5), timeout=timedelta(seconds=1)
                )
            ),
        ),
        (
            "{retry: {on: '5xx,reset', attempts: 0}}",
            Resilience(retry=Retry(on="5xx,reset", attempts=0)),
        ),
        ("{retry: {attempts: 100}}", Resilience(retry=Retry(attempts=100))),
        (
            "{circuit_breaker: {max_connections: 1, max_pending_requests: 2, max_requests: 3}}",
            Resilience(
                circuit_breaker=CircuitBreaker(
                    max_connections=1, max_pending_requests=2, max_requests=3
                )
            ),
        ),
        (
            "{circuit_breaker: {max_requests: 4294967295}}",
            Resilience(circuit_breaker=CircuitBreaker(max_requests=4294967295)),
        ),
        (
            "{timeout: {request: 0s, idle: 0s, connect: 1ms, upstream_idle: 0s}}",
            Resilience(
                timeout=Timeout(
                    request=timedelta(0),
                    idle=timedelta(0),
                    connect=timedelta(milliseconds=1),
                    upstream_idle=timedelta(0),
                )
            ),
        ),
    ],
)
def test_every_key_of_resilience_is_understood(text: str, expected: Resilience) -> None:
    assert resilient(text) == expected


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("10s", 10),
        ("0.5s", 0.5),
        ("500ms", 0.5),
        ("1.5m", 90),
        ("2h", 7200),
        ("1m30s", 90),
        ("1h2m3.5s4ms", 3723.504),
        ("8760h", 365 * 24 * 3600),
        ("'10s'", 10),
    ],
)
def test_durations_have_a_unit(duration: str, seconds: float) -> None:
    assert resilient(f"{{timeout: {{request: {duration}}}}}").timeout.request == timedelta(
        seconds=seconds
    )


@pytest.mark.parametrize(
    ("duration", "wrong"),
    [
        ("10", "is the number 10"),
        ("1.5", "is the number 1.5"),
        ("''", 'is the string ""'),
        ("s", 'is the string "s"'),
        ("10 s", 'is the string "10 s"'),
        ("10S", 'is the string "10S"'),
        ("-1s", 'is the string "-1s"'),
        (".5s", 'is the string ".5s"'),
        ("1e3s", 'is the string "1e3s"'),
        ("1d", 'is the string "1d"'),
        ("1us", 'is the string "1us"'),
        ("1h 30m", 'is the string "1h 30m"'),
        ("1h30", 'is the string "1h30"'),
        ("1s1s1s1s1s", 'is the string "1s1s1s1s1s"'),
        ("00:10", 'is the string "00:10"'),
        ("8760.1h", 'is the string "8760.1h"'),
        ("true", "is true"),
        ("[10s]", "is a list"),
        ("{seconds: 10}", "is a mapping"),
    ],
)
def test_anything_else_is_no_duration(duration: str, wrong: str) -> None:
    assert errors(f"resilience: {{timeout: {{request: {duration}}}}}") == [
        f"1:33: resilience.timeout.request: {wrong}; {TIME}; 0s for no limit"
    ]


@pytest.mark.parametrize("duration", ["0s", "0ms", "-1s", "8761h", "5"])
@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("outlier_detection", "interval"),
        ("outlier_detection", "base_ejection_time"),
        ("health_check", "interval"),
        ("health_check", "timeout"),
        ("timeout", "connect"),
    ],
)
def test_some_durations_have_a_least(section: str, key: str, duration: str) -> None:
    path = "path: /health, " if section == "health_check" else ""
    text = f"resilience:\n  {section}: {{{path}{key}: {duration}}}"
    column = text.index(duration) - text.index("\n")
    wrong = f"the number {duration}" if duration == "5" else f'the string "{duration}"'

    least = "from 100ms on" if key == "interval" else "above zero"

    assert errors(text) == [f"2:{column}: resilience.{section}.{key}: is {wrong}; {TIME}, {least}"]
