"""What finding the model costs: requests through Envoy with our routes, and with a list of routes.

    python bench/routing.py

One Envoy with one worker has two listeners for the very same fleet: one is what we generate; the
other differs in its routes alone, which are one for each model, in the file's order, as the
semantic router's own generator writes them. Both are asked in turn, over 32 connections that never
pause, for models that are spread evenly over the file, or for the last ten; the model stands in the
header, or in the body alone. Envoy looks for a route twice, with and without the semantic router:
when the headers are there, and when the model is known; where the body tells it, the first time
leads to the end of the list. The servers are listeners of another Envoy that answers by itself.

What is measured is that one worker, and not the client: straight to the servers, the client gets
several times as many answers, and `busy` is the share of a CPU that Envoy had. Where it is well
below 1, others were using the machine; then the CPU time of a request still tells.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from envoy_data_plane.envoy.config.bootstrap.v3 import Admin, Bootstrap, BootstrapStaticResources
from envoy_data_plane.envoy.config.core.v3 import DataSource
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    HeaderMatcher,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.filters.http.buffer.v3 import Buffer
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpFilter,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.google.protobuf import Any
from rich.console import Console
from rich.table import Table

from http_load import BODY, Answers
from machine import machine
from results import save
from xds.config import gateway as config
from xds.config.load import Source, load
from xds.dataplane import find_envoy
from xds.ports import free_port
from xds.translate import translate
from xds.translate.endpoints import address
from xds.translate.listeners import HTTP_CONNECTION_MANAGER
from xds.translate.names import model_cluster
from xds.translate.routes import retry_policy
from xds.translate.static import static_bootstrap

LOOPBACK = "127.0.0.1"
RUNS = 3
SECONDS = 0.7
CONNECTIONS = 32
SIZES = (10, 100, 1000, 10_000)
SERVERS = 4
# So many models are asked that no connection to a server is idle for long enough to be closed.
MOST = 1000
HEADER = "x-selected-model"


def gateway(models: int, backends: list[int], listeners: list[int]) -> config.Gateway:
    """Return a fleet of models, each on one of the servers, behind some listeners."""
    lines = ["vllm_endpoints:"]
    lines += [
        f"  - {{name: server-{n}, address: {LOOPBACK}, port: {p}}}" for n, p in enumerate(backends)
    ]
    lines += ["default_model: model-0", "model_config:"]
    lines += [
        f"  model-{n}: {{preferred_endpoints: [server-{n % len(backends)}]}}" for n in range(models)
    ]
    found = load(Source("config.yaml", "\n".join(lines).encode())).gateway
    return replace(
        found,
        listeners=tuple(config.Listener(f"port-{port}", LOOPBACK, port) for port in listeners),
    )


def as_list(fleet: config.Gateway, name: str) -> RouteConfiguration:
    """Return a route for each model, with a header to match, and the default behind them."""
    default = next(model for model in fleet.models if model.name == fleet.default_model)
    matches = [
        RouteMatch(
            prefix="/",
            headers=[HeaderMatcher(name=HEADER, string_match=StringMatcher(exact=model.name))],
        )
        for model in fleet.models
    ]
    routes = [route(*each) for each in zip(fleet.models, matches, strict=True)]
    routes.append(route(default, RouteMatch(prefix="/")))
    host = VirtualHost(name="models", domains=["*"], routes=routes)
    return RouteConfiguration(name=name, virtual_hosts=[host])


def route(model: config.Model, match: RouteMatch) -> Route:
    """Return the route that our own translation makes for a model, with another match."""
    timeout = model.resilience.timeout
    return Route(
        name=model_cluster(model),
        match=match,
        route=RouteAction(
            cluster=model_cluster(model),
            timeout=timeout.request,
            idle_timeout=timeout.idle,
            retry_policy=retry_policy(model.resilience.retry, has_tiers=False),
        ),
    )


def two_listeners(fleet: config.Gateway) -> Bootstrap:
    """Return the configuration of an Envoy whose second listener has its routes as a list."""
    translation = translate(fleet)
    ours, other = translation.routes
    both = replace(translation, routes=(ours, as_list(fleet, other.name)))
    return static_bootstrap(both, address(LOOPBACK, 0))


def servers(ports: list[int]) -> Bootstrap:
    """Return the configuration of an Envoy that answers everything, by itself, on some ports."""
    route = Route(
        match=RouteMatch(prefix="/"),
        direct_response=DirectResponseAction(
            status=HTTPStatus.OK, body=DataSource(inline_bytes=BODY)
        ),
    )
    manager = HttpConnectionManager(
        stat_prefix="servers",
        generate_request_id=False,
        route_config=RouteConfiguration(
            virtual_hosts=[VirtualHost(name="all", domains=["*"], routes=[route])]
        ),
        http_filters=[
            # An answer before the end of its request would end the connection, too.
            HttpFilter(name="buffer", typed_config=Any.pack(Buffer(max_request_bytes=1 << 20))),
            HttpFilter(name="router", typed_config=Any.pack(Router())),
        ],
    )
    filters = [Filter(name=HTTP_CONNECTION_MANAGER, typed_config=Any.pack(manager))]
    listeners = [
        Listener(
            name=f"server-{port}",
            address=address(LOOPBACK, port),
            filter_chains=[FilterChain(filters=filters)],
        )
        for port in ports
    ]
    return Bootstrap(
        admin=Admin(address=address(LOOPBACK, 0)),
        static_resources=BootstrapStaticResources(listeners=listeners),
    )


@contextmanager
def envoy(config: Bootstrap) -> Iterator[int]:
    """Run an Envoy with one worker; yields its process once it is ready."""
    with tempfile.TemporaryDirectory() as folder:
        path, admin = Path(folder, "envoy.pb"), Path(folder, "admin")
        path.write_bytes(bytes(config))
        command = (
            *(find_envoy(), "-c", path, "--admin-address-path", admin),
            *("--concurrency", "1", "--disable-hot-restart", "--log-level", "error"),
        )
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            while not _is_ready(admin):
                if process.poll() is not None:
                    raise SystemExit(process.returncode)
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def _is_ready(admin: Path) -> bool:
    try:
        with urlopen(f"http://{admin.read_text()}/ready") as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def post(model: str, where: str) -> str:
    """Return a request of the OpenAI API, with the model in its header or only in its body."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        + (f"{HEADER}: {model}\r\n" if where == "header" else "")
        + f"\r\n{body}"
    )


def answers(port: int, pid: int, requests: list[str]) -> Answers:
    """Return what comes of a load on a port of a process."""
    asked = {
        "port": port,
        "pid": pid,
        "requests": requests,
        "connections": CONNECTIONS,
        "seconds": SECONDS,
    }
    client = (sys.executable, Path(__file__).with_name("http_load.py"))
    done = subprocess.run(  # noqa: S603
        client, input=json.dumps(asked), check=True, stdout=subprocess.PIPE, text=True
    )
    return Answers(**json.loads(done.stdout))


@dataclass(frozen=True)
class Row:
    """Our routes beside a list of routes, for one way of asking."""

    models: int
    model_in: str
    asked: str
    ours: Answers
    list: Answers


def rows(models: int, backends: list[int]) -> Iterator[Row]:
    """Measure a fleet in each way of asking, both listeners in turn."""
    ports = [free_port(LOOPBACK), free_port(LOOPBACK)]
    asked = {"all": range(0, models, max(1, models // MOST)), "last 10": range(models)[-10:]}
    with envoy(two_listeners(gateway(models, backends, ports))) as pid:
        for where, which in (("header", "all"), ("header", "last 10"), ("body", "all")):
            requests = [post(f"model-{number}", where) for number in asked[which]]
            runs = [[answers(port, pid, requests) for port in ports] for _ in range(RUNS)]
            yield Row(models, where, which, *map(_medians, zip(*runs, strict=True)))


def _medians(runs: tuple[Answers, ...]) -> Answers:
    figures = (asdict(run).values() for run in runs)
    return Answers(*map(median, zip(*figures, strict=True)))


def table(found: list[Row], title: str) -> Table:
    """Return the figures as they are printed."""
    shown = Table(title=title)
    for column in ("models", "model in", "asked"):
        shown.add_column(column)
    for column in ("requests/s", "list", "ratio", "p99 ms", "list", "CPU us", "list", "ratio"):
        shown.add_column(column, justify="right")
    shown.add_column("busy", justify="right")
    for row in found:
        ours, other = row.ours, row.list
        shown.add_row(
            *(f"{row.models:,}", row.model_in, row.asked),
            *(f"{ours.rate:,.0f}", f"{other.rate:,.0f}", f"{ours.rate / other.rate:.2f}"),
            *(f"{1e3 * ours.p99:.1f}", f"{1e3 * other.p99:.1f}"),
            *(f"{1e6 * ours.cpu:.0f}", f"{1e6 * other.cpu:.0f}", f"{other.cpu / ours.cpu:.2f}"),
            f"{min(ours.server, other.server):.2f}",
        )
    return shown


def main() -> None:
    """Measure, print the table, and save the figures."""
    where = f"{machine()}, load {os.getloadavg()[0]:.1f} beside it"
    ports = [free_port(LOOPBACK) for _ in range(SERVERS)]
    with envoy(servers(ports)) as pid:
        direct = answers(ports[0], pid, [post("any", "header")])
        found = [row for models in SIZES for row in rows(models, ports)]
    title = (
        f"Through one worker of Envoy, medians of {RUNS}; list: a route for each model\n{where}; "
        f"straight to the servers: {direct.rate:,.0f} requests/s"
    )
    Console(width=120).print(table(found, title))
    save("routing", direct=asdict(direct), rows=[asdict(row) for row in found])


if __name__ == "__main__":
    main()
