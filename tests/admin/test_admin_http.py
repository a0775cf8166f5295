"""The HTTP admin, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest

from xds import status
from xds.admin import View, serve_admin
from xds.configstate import ConfigState, InForce, Refusal
from xds.ports import HostPort
from xds.resources import CLUSTERS, ENDPOINTS
from xds.status import Locality, Node, Status, StreamStatus, TypeStatus

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 5, 0, tzinfo=UTC)
NEW = ConfigState(files=("config.yaml",))
WRONG = Refusal(LATER, ("config.yaml:3:1: a: is wrong", "config.yaml:4:1: b: is wrong"))
GOOD = ConfigState(("config.yaml", "settings.yaml"), InForce(WHEN, {"clusters": "abc"}))
ENVOY = Node("envoy-1", "gateways", "envoy 1.40.0", Locality(zone="dc1"))
REFUSED = status.Refusal("2", "no such thing", LATER)
TYPES = {
    CLUSTERS: TypeStatus(
        wildcard=True,
        names=frozenset(),
        version_sent="2",
        version_acked="1",
        nonce="7",
        refusal=REFUSED,
    ),
    ENDPOINTS: TypeStatus(
        wildcard=False,
        names=frozenset({"b", "a"}),
        version_sent="1",
        version_acked="1",
        nonce="3",
        refusal=None,
    ),
}
NEWCOMER = StreamStatus("ipv4:10.0.0.2:2", "sotw", CLUSTERS, LATER, None)


class Asked:
    """An admin of which the state is set by the test."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.state = NEW
        self.envoys = Status()
        self.url = url
        self.session = session

    async def get(self, path: str, host: str | None = None) -> tuple[int, str]:
        headers = {"host": host} if host is not None else {}
        async with self.session.get(self.url + path, headers=headers) as response:
            return response.status, await response.text()


@asynccontextmanager
async def asking(listen: HostPort) -> AsyncIterator[Asked]:
    async with aiohttp.ClientSession() as session:
        asked = Asked("", session)
        view = View(lambda: asked.state, lambda: asked.envoys)
        async with serve_admin(listen, view) as address:
            asked.url = f"http://{address}"
            yield asked


@pytest.fixture
async def admin() -> AsyncIterator[Asked]:
    async with asking(HostPort("127.0.0.1", 0)) as asked:
        yield asked


async def test_a_process_is_alive_whatever_its_configuration(admin: Asked) -> None:
    assert await admin.get("/healthz") == (200, "alive\n")


async def test_it_is_ready_once_something_is_served_and_says_what_it_waits_for(
    admin: Asked,
) -> None:
    waiting = "not ready; waiting for a configuration that can be served\n"
    problems = "\n".join(WRONG.problems)
    assert await admin.get("/readyz") == (503, f"{waiting}the files are being read\n")

    admin.state = ConfigState(files=("config.yaml",), refusal=WRONG)
    assert await admin.get("/readyz") == (503, f"{waiting}{problems}\n")

    admin.state = GOOD
    assert await admin.get("/readyz") == (200, "ready\n")

    admin.state = ConfigState(GOOD.files, GOOD.in_force, WRONG)
    assert await admin.get("/readyz") == (
        200,
        f"ready, with the last good configuration\n{problems}\n",
    )


async def test_the_status_tells_all(admin: Asked) -> None:
    admin.state = ConfigState(
        GOOD.files, InForce(WHEN, {"clusters": "abc"}, from_state_dir=True), WRONG, "/var", "full"
    )
    admin.envoys = Status(
        (StreamStatus("ipv4:10.0.0.1:2", "delta", "", WHEN, ENVOY, TYPES), NEWCOMER)
    )

    async with admin.session.get(f"{admin.url}/status") as response:
        assert await response.json() == {
            "config": {
                "files": ["config.yaml", "settings.yaml"],
                "in_force": {
                    "since": "2026-01-02T03:04:05+00:00",
                    "versions": {"clusters": "abc"},
                    "from_state_dir": True,
                },
                "refused": {
                    "since": "2026-01-02T03:05:00+00:00",
                    "problems": list(WRONG.problems),
                },
                "state_dir": {"path": "/var", "trouble": "full"},
            },
            "envoys": [
                {
                    "node": {
                        "id": "envoy-1",
                        "cluster": "gateways",
                        "version": "envoy 1.40.0",
                        "locality": {"region": "", "zone": "dc1", "sub_zone": ""},
                    },
                    "peer": "ipv4:10.0.0.1:2",
                    "since": "2026-01-02T03:04:05+00:00",
                    "variant": "delta",
                    "service": "aggregated",
                    "types": {
                        "clusters": {
                            "wildcard": True,
                            "names": [],
                            "version_sent": "2",
                            "version_accepted": "1",
                            "nonce": "7",
                            "refused": {
                                "version": "2",
                                "reason": "no such thing",
                                "since": "2026-01-02T03:05:00+00:00",
                            },
                        },
                        "endpoints": {
                            "wildcard": False,
                            "names": ["a", "b"],
                            "version_sent": "1",
                            "version_accepted": "1",
                            "nonce": "3",
                            "refused": None,
                        },
                    },
                },
                {
                    "node": None,
                    "peer": "ipv4:10.0.0.2:2",
                    "since": "2026-01-02T03:05:00+00:00",
                    "variant": "sotw",
                    "service": "clusters",
                    "types": {},
                },
            ],
        }


async def test_the_status_of_a_beginning_is_mostly_empty(admin: Asked) -> None:
    async with admin.session.get(f"{admin.url}/status") as response:
        assert await response.json() == {
            "config": {
                "files": ["config.yaml"],
                "in_force": None,
                "refused": None,
                "state_dir": None,
            },
            "envoys": [],
        }


async def test_nothing_can_be_changed(admin: Asked) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with admin.session.request(method, f"{admin.url}/status") as response:
            assert response.status == 405


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:18001", "[::1]:18001"])
async def test_names_of_this_machine_are_answered(host: str, admin: Asked) -> None:
    assert (await admin.get("/status", host))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:18001", "10.0.0.1", "", "[::1"])
async def test_a_name_that_was_made_to_lead_here_is_refused(host: str, admin: Asked) -> None:
    code, text = await admin.get("/status", host)

    assert code == 421
    assert "ask for 127.0.0.1" in text


async def test_an_admin_for_others_answers_to_every_name() -> None:
    async with asking(HostPort("0.0.0.0", 0)) as asked:  # noqa: S104
        assert (await asked.get("/status", "xds.example"))[0] == 200


async def test_a_port_in_use_is_told_with_the_option(admin: Asked) -> None:
    taken = HostPort.parse(admin.url.removeprefix("http://"))

    with pytest.raises(OSError, match="Address already in use; choose another with --admin"):
        async with asking(taken):
            pytest.fail("it began")
