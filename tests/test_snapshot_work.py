"""Snapshots in a row: what did not change is not worked out again."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from envoy_data_plane.envoy.config.cluster.v3 import Cluster, ClusterEdsClusterConfig
from hypothesis import given
from hypothesis import strategies as st

import xds.selection
import xds.snapshot
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.snapshot import Snapshot

NUMBERS = range(50)


def cluster(name: str, service: str = "", stat: str = "") -> Resource:
    """Return a cluster whose endpoints go by its own name, or by that of a service."""
    eds = ClusterEdsClusterConfig(service_name=service) if service else None
    return Resource(CLUSTERS, name, Cluster(name=name, alt_stat_name=stat, eds_cluster_config=eds))


def fleet() -> list[Resource]:
    """Return fifty clusters, then their load assignments, then a route configuration."""
    return [
        *(cluster(f"{number:02}") for number in NUMBERS),
        *(Resource(ENDPOINTS, f"{number:02}", b"hosts") for number in NUMBERS),
        Resource(ROUTES, "r", b""),
    ]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the clusters parsed, assignments tied to them, and types whose version was made."""
    done = Counter[str]()

    def counting(module: Any, name: str) -> None:
        function: Callable[..., Any] = getattr(module, name)

        def counted(*arguments: Any) -> Any:
            done[name] += 1
            return function(*arguments)

        monkeypatch.setattr(module, name, counted)

    counting(xds.snapshot, "eds_name")
    counting(xds.snapshot, "digest")
    counting(xds.selection, "version_of")
    return done


def after(last: Snapshot, resources: Sequence[Resource], work: Counter[str]) -> Snapshot:
    """Return the snapshot after another, once it is checked to be what it is without that."""
    work.clear()
    built = Snapshot.build(resources, last)
    done = work.copy()
    assert built == Snapshot.build(resources)
    work.clear()
    work.update(done)
    return built


def test_the_first_snapshot_works_everything_out(work: Counter[str]) -> None:
    Snapshot.build(fleet())

    assert work == {"eds_name": 50, "digest": 50, "version_of": 3}


def test_the_same_resources_are_no_work(work: Counter[str]) -> None:  # family 13
    resources = fleet()
    last = Snapshot.build(resources)

    after(last, resources, work)

    assert not work


def test_one_changed_assignment_is_the_only_one_worked_out(work: Counter[str]) -> None:  # family 13
    resources = fleet()
    last = Snapshot.build(resources)
    resources[50 + 7] = Resource(ENDPOINTS, "07", b"other hosts")

    snapshot = after(last, resources, work)

    assert work == {"digest": 1, "version_of": 1}
    old, new = last.of_type(ENDPOINTS), snapshot.of_type(ENDPOINTS)
    assert [name for name in new if new[name] is not old[name]] == ["07"]
    assert snapshot.everything(CLUSTERS) is last.everything(CLUSTERS)


def test_one_changed_cluster_is_parsed_and_its_assignment_tied(work: Counter[str]) -> None:
    resources = fleet()
    last = Snapshot.build(resources)
    resources[7] = cluster("07", stat="other")

    snapshot = after(last, resources, work)

    assert work == {"eds_name": 1, "digest": 1, "version_of": 2}
    assert snapshot.everything(ROUTES) is last.everything(ROUTES)


def test_a_row_of_edits_costs_one_edit_each(work: Counter[str]) -> None:  # family 13
    resources = fleet()
    last = Snapshot.build(resources)
    for number in NUMBERS:
        resources[50 + number] = Resource(ENDPOINTS, f"{number:02}", b"other hosts")
        last = after(last, resources, work)

        assert work == {"digest": 1, "version_of": 1}


def test_names_select_the_same_from_what_did_not_change() -> None:
    resources = fleet()
    last = Snapshot.build(resources)
    names = frozenset({"01", "07", "unknown"})
    selected = last.named(CLUSTERS, names), last.named(ENDPOINTS, names)
    resources[50 + 7] = Resource(ENDPOINTS, "07", b"other hosts")

    snapshot = Snapshot.build(resources, last)

    assert snapshot.named(CLUSTERS, names) is selected[0]
    assert snapshot.named(ENDPOINTS, names) is not selected[1]
    assert list(snapshot.named(ENDPOINTS, names).resources) == ["01", "07"]


def test_resources_made_anew_with_the_same_content_change_nothing() -> None:  # G12
    last = Snapshot.build(fleet())

    snapshot = Snapshot.build(fleet(), last)

    assert all(snapshot.everything(url) is last.everything(url) for url in snapshot.resources)


def test_other_content_under_the_same_given_version_is_what_is_served() -> None:
    last = Snapshot.build([Resource(ROUTES, "a", b"1", "v7")])

    snapshot = Snapshot.build([Resource(ROUTES, "a", b"2", "v7")], last)

    assert snapshot.of_type(ROUTES)["a"].body == b"2"
    assert snapshot.versions == last.versions


def test_a_type_that_went_is_gone() -> None:
    last = Snapshot.build([Resource(LISTENERS, "a", b""), Resource(ROUTES, "a", b"")])

    assert list(Snapshot.build([Resource(ROUTES, "a", b"")], last).resources) == [ROUTES]


RESOURCES = st.one_of(
    st.builds(cluster, st.sampled_from("ab"), st.sampled_from(["", "s"]), st.sampled_from("xy")),
    st.builds(Resource, st.just(ENDPOINTS), st.sampled_from("abs"), st.sampled_from([b"", b"1"])),
    st.builds(Resource, st.just(ROUTES), st.sampled_from("ab"), st.sampled_from([b"", b"1"])),
)
SETS = st.lists(RESOURCES, unique_by=lambda each: (each.type_url, each.name))


@given(st.lists(SETS, max_size=5), st.data())
def test_the_snapshots_before_make_no_difference(
    history: list[list[Resource]], data: st.DataObject
) -> None:
    last = None
    for drawn in history:
        known = {dataclasses.astuple(each)[:3]: each for each in fleet_of(last)}
        resources = [
            known.get((each.type_url, each.name, each.body), each)
            if data.draw(st.booleans())
            else each
            for each in drawn
        ]
        snapshot = Snapshot.build(resources, last)

        assert snapshot == Snapshot.build(drawn)
        last = snapshot


def fleet_of(snapshot: Snapshot | None) -> list[Resource]:
    """Return the resources that were put into a snapshot, but for tied assignments."""
    if snapshot is None:
        return []
    return [
        *snapshot.of_type(CLUSTERS).values(),
        *snapshot.of_type(ROUTES).values(),
        *(tie.given for tie in snapshot._ties.values()),
    ]
