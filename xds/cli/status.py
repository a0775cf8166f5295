"""`xds status`: what a running control plane serves, and what each Envoy has accepted."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from xds.cli.life import failures_told
from xds.cli.options import DEFAULT_ADMIN

_PATIENCE: Final = aiohttp.ClientTimeout(total=10)


def status(
    admin: Annotated[
        str,
        typer.Option(
            envvar="XDS_ADMIN_URL",
            metavar="URL",
            help="The admin of a control plane: its URL, or HOST:PORT.",
        ),
    ] = f"http://{DEFAULT_ADMIN}",
    as_json: Annotated[bool, typer.Option("--json", help="Print what /status answers.")] = False,
) -> None:
    """Tell what a control plane serves, and which Envoy has accepted what."""
    with failures_told():
        told = asyncio.run(_asked(_url(admin)))
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    console = Console(soft_wrap=True)
    for line in _config(told["config"]):
        console.print(line, markup=False, highlight=False)
    console.print(_table(told["envoys"]) if told["envoys"] else "no Envoy is connected")
    for line in _refusals(told["envoys"]):
        console.print(line, markup=False, highlight=False)


def _url(admin: str) -> str:
    """Return an address as a URL: the logs tell it as host:port."""
    return (admin if "://" in admin else f"http://{admin}").rstrip("/")


async def _asked(admin: str) -> Mapping[str, Any]:
    """Return what the admin says.

    Raises OSError if there is none at that address.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.get(f"{admin}/status") as response,
        ):
            if response.status != HTTPStatus.OK:
                message = f"{admin} answers {response.status}: {(await response.text()).strip()}"
                raise OSError(message)
            found: Mapping[str, Any] = await response.json()
            return found
    except (aiohttp.ClientError, ValueError, TimeoutError) as error:
        message = f"there is no admin of a control plane at {admin}: {error or 'no answer'}"
        raise OSError(message) from None


def _config(config: Mapping[str, Any]) -> Iterator[str]:
    files = ", ".join(config["files"])
    if force := config["in_force"]:
        kept = ", from the state directory" if force["from_state_dir"] else ""
        yield f"{files}: served since {force['since']}{kept}"
    else:
        yield f"{files}: nothing is served yet"
    if refused := config["refused"]:
        yield f"refused since {refused['since']}:"
        yield from refused["problems"]


def _table(envoys: list[Mapping[str, Any]]) -> Table:
    """Return a row for each stream, and a column for each kind of resource."""
    kinds = list(dict.fromkeys(kind for envoy in envoys for kind in envoy["types"]))
    table = Table("envoy", "version", "variant", "since", *kinds)
    for envoy in envoys:
        node = envoy["node"] or {"id": envoy["peer"], "version": ""}
        states = [_state(envoy["types"].get(kind)) for kind in kinds]
        table.add_row(node["id"], node["version"], envoy["variant"], envoy["since"], *states)
    return table


def _state(state: Mapping[str, Any] | None) -> str:
    if state is None:
        return ""
    if state["refused"]:
        return "refused"
    sent, accepted = state["version_sent"], state["version_accepted"]
    return str(accepted) if sent == accepted else f"{accepted or '-'}, {sent} sent"


def _refusals(envoys: list[Mapping[str, Any]]) -> Iterator[str]:
    for envoy in envoys:
        for kind, state in envoy["types"].items():
            if refused := state["refused"]:
                name = envoy["node"]["id"]
                yield f"{name} refuses {kind} {refused['version']} since {refused['since']}:"
                yield refused["reason"]
