"""Snapshots: sets of resources whose versions say what is in them."""

import dataclasses
import itertools
from typing import Any, cast

import pytest
from envoy_data_plane.envoy.config.cluster.v3 import Cluster, ClusterEdsClusterConfig

from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ORDER, ROUTES, Resource
from xds.snapshot import Change, Snapshot

OTHER = "type.googleapis.com/example.Other"


def cluster(name: str, service: str = "", stat: str = "") -> Resource:
    """Return a cluster whose endpoints go by its own name, or by that of a service."""
    eds = ClusterEdsClusterConfig(service_name=service) if service else None
    return Resource(CLUSTERS, name, Cluster(name=name, alt_stat_name=stat, eds_cluster_config=eds))


def endpoints(name: str, body: bytes = b"hosts") -> Resource:
    return Resource(ENDPOINTS, name, body)


def routes(name: str, body: bytes = b"", version: str | None = None) -> Resource:
    return Resource(ROUTES, name, body, version)


def test_the_order_of_resources_does_not_matter() -> None:  # family 12
    resources = [routes("a"), routes("b"), cluster("a"), endpoints("a"), cluster("b")]

    versions = [Snapshot.build(some).versions for some in itertools.permutations(resources)]

    assert all(one == versions[0] for one in versions)


def test_the_same_content_has_the_same_version_in_every_process() -> None:  # family 12
    snapshot = Snapshot.build([routes("a", b"content")])

    # A literal: replicas and restarts agree only if nothing of the process goes into it.
    assert snapshot.version(ROUTES) == "44a46aaeac000de6"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([routes("a", b"2"), routes("b", b"1")], id="content changed"),
        pytest.param([routes("a", b"1")], id="one removed"),
        pytest.param([routes("a", b"1"), routes("b", b"1"), routes("c", b"1")], id="one added"),
        pytest.param([routes("a", b"1"), routes("c", b"1")], id="one renamed"),
        pytest.param([routes("a", b"1"), routes("b", b"1", "7")], id="version given"),
    ],
)
def test_another_content_has_another_version(other: list[Resource]) -> None:
    snapshot = Snapshot.build([routes("a", b"1"), routes("b", b"1")])

    assert Snapshot.build(other).version(ROUTES) != snapshot.version(ROUTES)


def test_contents_do_not_run_into_each_other() -> None:
    assert (
        Snapshot.build([routes("a", b"1", "x"), routes("b", b"1", "y")]).version(ROUTES)
        != Snapshot.build([routes("a", b"1", "x\x00b=y")]).version(ROUTES)
        != Snapshot.build([routes("ab", b"1", "xy")]).version(ROUTES)
    )


def test_a_change_of_one_type_leaves_the_versions_of_others_alone() -> None:
    before = Snapshot.build([cluster("a"), endpoints("a"), routes("a", b"1")])
    after = Snapshot.build([cluster("a"), endpoints("a"), routes("a", b"2")])

    assert [url for url in ORDER if before.version(url) != after.version(url)] == [ROUTES]


def test_a_type_that_nobody_published_is_empty_and_has_the_version_of_that() -> None:  # S1 G5
    empty, other = Snapshot.build([]), Snapshot.build([routes("a")])

    assert empty.of_type(LISTENERS) == {}
    assert empty.version(LISTENERS) == other.version(LISTENERS) == empty.version(ROUTES)
    assert empty.version(ROUTES) not in {"", other.version(ROUTES)}


def test_types_that_clients_make_up_leave_nothing_behind() -> None:  # family 9
    snapshot = Snapshot.build([])
    for number in range(1000):
        assert not snapshot.named(f"example.org/{number}", frozenset({"a"})).resources

    assert len(snapshot._collections) == 0
    assert snapshot.everything(ROUTES) is snapshot.everything(ROUTES)


def test_two_resources_of_one_type_may_not_share_a_name() -> None:  # G13
    with pytest.raises(ValueError, match="two resources") as raised:
        Snapshot.build([routes("a", b"1"), routes("a", b"1")])

    assert str(raised.value) == f"two resources of {ROUTES} are named 'a'"


def test_two_resources_of_different_types_may_share_a_name() -> None:
    snapshot = Snapshot.build([routes("a"), cluster("a"), endpoints("a")])

    assert [list(snapshot.of_type(url)) for url in (CLUSTERS, ENDPOINTS, ROUTES)] == [["a"]] * 3


def test_a_load_assignment_changes_with_its_cluster() -> None:  # W1 W3 W4
    before = Snapshot.build([cluster("a"), cluster("b"), endpoints("a"), endpoints("b")])
    after = Snapshot.build([cluster("a", stat="x"), cluster("b"), endpoints("a"), endpoints("b")])

    old, new = before.of_type(ENDPOINTS), after.of_type(ENDPOINTS)
    assert old["a"].version != new["a"].version
    assert old["a"].body == new["a"].body
    assert old["b"] == new["b"]
    assert before.version(ENDPOINTS) != after.version(ENDPOINTS)


def test_a_load_assignment_goes_by_the_service_name_of_its_cluster() -> None:  # G19 W4
    before = Snapshot.build([cluster("a", "service"), endpoints("service"), endpoints("a")])
    after = Snapshot.build([cluster("a", "service", "x"), endpoints("service"), endpoints("a")])

    old, new = before.of_type(ENDPOINTS), after.of_type(ENDPOINTS)
    assert old["service"].version != new["service"].version
    assert old["a"] == new["a"]


def test_a_load_assignment_changes_with_each_of_the_clusters_that_share_it() -> None:  # G19 W4
    def version(*clusters: Resource) -> str:
        return Snapshot.build([*clusters, endpoints("s")]).of_type(ENDPOINTS)["s"].version

    both = version(cluster("a", "s"), cluster("b", "s"))

    assert version(cluster("a", "s", "x"), cluster("b", "s")) != both
    assert version(cluster("a", "s"), cluster("b", "s", "x")) != both


def test_the_order_of_clusters_that_share_a_load_assignment_does_not_matter() -> None:  # family 12
    clusters = [cluster("a", "s"), cluster("b", "s")]

    one = Snapshot.build([*clusters, endpoints("s")])
    other = Snapshot.build([*reversed(clusters), endpoints("s")])

    assert one.versions == other.versions


def test_a_version_that_is_given_is_kept() -> None:
    resource = routes("a", b"1", "v7")

    assert Snapshot.build([resource]).of_type(ROUTES)["a"] == resource
    assert resource.version == "v7"


def test_content_that_changed_under_the_same_given_version_is_taken_for_the_same() -> None:
    one = Snapshot.build([routes("a", b"1", "v7")])
    other = Snapshot.build([routes("a", b"2", "v7")])

    assert one.versions == other.versions
    assert other.changes_since(one) == {}


def test_changes_are_counted_by_type_in_envoys_order() -> None:
    old = Snapshot.build([routes("stays"), routes("goes"), routes("turns", b"1"), cluster("goes")])
    new = Snapshot.build(
        [
            *(Resource(OTHER, "comes", b""), routes("stays"), routes("turns", b"2")),
            *(routes("comes"), routes("comes-too"), Resource(LISTENERS, "comes", b"")),
        ]
    )

    assert list(new.changes_since(old).items()) == [
        (CLUSTERS, Change(removed=1)),
        (LISTENERS, Change(added=1)),
        (ROUTES, Change(added=2, removed=1, changed=1)),
        (OTHER, Change(added=1)),
    ]


def test_equal_snapshots_have_no_changes() -> None:
    resources = [cluster("a"), endpoints("a"), routes("a")]

    assert Snapshot.build(resources).changes_since(Snapshot.build(resources)) == {}


def test_a_snapshot_can_not_be_changed() -> None:
    snapshot = Snapshot.build([routes("a")])

    for mapping in (snapshot.resources, snapshot.of_type(ROUTES), snapshot.of_type(CLUSTERS)):
        with pytest.raises(TypeError):
            cast("dict[str, Any]", mapping)["b"] = routes("b")
    with pytest.raises(TypeError):
        cast("dict[str, str]", snapshot.versions)[ROUTES] = "2"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(snapshot, "versions", {})  # noqa: B010  mypy sees the plain way
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(snapshot.of_type(ROUTES)["a"], "body", b"2")  # noqa: B010


def test_a_snapshot_does_not_change_with_the_list_that_it_was_built_from() -> None:
    resources = [routes("a")]
    snapshot = Snapshot.build(resources)

    resources.append(routes("b"))

    assert list(snapshot.of_type(ROUTES)) == ["a"]


def test_a_cluster_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is no Cluster"):
        Snapshot.build([Resource(CLUSTERS, "a", b"\xff"), endpoints("a")])


def test_a_cluster_that_is_none_is_refused_without_load_assignments_too() -> None:
    with pytest.raises(ValueError, match="'a' is no Cluster"):
        Snapshot.build([Resource(CLUSTERS, "a", b"\xff")])


def test_a_body_that_is_no_message_is_told() -> None:
    body: Any = "text"
    with pytest.raises(TypeError, match="a body is bytes or a message, not str"):
        Resource(ROUTES, "a", body)


def test_what_is_taken_out_of_a_snapshot_makes_the_same_one_after_it() -> None:  # family 12
    first = Snapshot.build([cluster("a"), endpoints("a"), routes("r")])
    taken = [each for named in first.resources.values() for each in named.values()]

    assert Snapshot.build(taken, first).versions == first.versions
    changed = [cluster("a", stat="other") if each.type_url == CLUSTERS else each for each in taken]
    assert (
        Snapshot.build(changed, first).versions
        == Snapshot.build([cluster("a", stat="other"), endpoints("a"), routes("r")]).versions
    )
