"""The store: the latest snapshot, and who is told of it."""

import pytest

from xds.resources import LISTENERS, ROUTES, Resource
from xds.snapshot import Snapshot
from xds.store import SnapshotStore


def snapshot(body: bytes) -> Snapshot:
    return Snapshot.build([Resource(ROUTES, "a", body)])


def test_there_is_no_snapshot_before_the_first() -> None:
    assert SnapshotStore().current is None


def test_the_latest_snapshot_is_the_current_one() -> None:
    store = SnapshotStore()
    first, second = snapshot(b"1"), snapshot(b"2")

    store.publish(first)
    assert store.current is first
    store.publish(second)
    assert store.current is second


def test_every_follower_is_woken_after_the_snapshot_is_there() -> None:
    store = SnapshotStore()
    seen: list[Snapshot | None] = []
    published = snapshot(b"1")

    with (
        store.follow(lambda: seen.append(store.current)),
        store.follow(lambda: seen.append(store.current)),
    ):
        assert seen == []
        store.publish(published)

    assert [one is published for one in seen] == [True, True]


def test_who_follows_no_longer_is_not_woken() -> None:
    store = SnapshotStore()
    woken: list[str] = []

    with store.follow(lambda: woken.append("stays")):
        with store.follow(lambda: woken.append("leaves")):
            pass
        store.publish(snapshot(b"1"))

    store.publish(snapshot(b"2"))
    assert woken == ["stays"]


def test_who_fails_while_following_is_not_woken_either() -> None:
    store = SnapshotStore()
    woken: list[str] = []

    with pytest.raises(ZeroDivisionError), store.follow(lambda: woken.append("failed")):
        raise ZeroDivisionError

    store.publish(snapshot(b"1"))
    assert woken == []


def test_one_wake_may_follow_twice() -> None:
    store = SnapshotStore()
    woken: list[str] = []

    def wake() -> None:
        woken.append("woken")

    with store.follow(wake):
        with store.follow(wake):
            store.publish(snapshot(b"1"))
        assert woken == ["woken"] * 2
        store.publish(snapshot(b"2"))
    assert woken == ["woken"] * 3


def test_a_follower_may_come_or_go_while_all_are_woken() -> None:
    store = SnapshotStore()
    woken: list[str] = []
    leaving = store.follow(lambda: woken.append("leaves"))
    coming = store.follow(lambda: woken.append("comes"))

    def change_places() -> None:
        leaving.__exit__(None, None, None)
        coming.__enter__()

    with store.follow(change_places):
        leaving.__enter__()
        store.publish(snapshot(b"1"))

    # Who left in the middle may still hear of it; who came in the middle has read the new one.
    assert woken == ["leaves"]
    coming.__exit__(None, None, None)


def test_what_was_published_before_is_known_by_its_version() -> None:  # G5, family 12
    store = SnapshotStore()
    first, second = snapshot(b"1"), snapshot(b"2")
    assert store.known(ROUTES, first.version(ROUTES)) is None
    store.publish(first)
    store.publish(second)

    assert store.known(ROUTES, first.version(ROUTES)) is first.everything(ROUTES)
    assert store.known(ROUTES, second.version(ROUTES)) is second.everything(ROUTES)
    assert store.known(ROUTES, "unheard of") is None


def test_what_was_published_long_before_is_forgotten() -> None:  # family 9
    store = SnapshotStore()
    first = snapshot(b"first")
    store.publish(first)
    for number in range(8):
        assert store.known(ROUTES, first.version(ROUTES)) is not None
        store.publish(snapshot(b"%d" % number))

    assert store.known(ROUTES, first.version(ROUTES)) is None


def test_edits_of_one_type_do_not_push_the_versions_of_another_out() -> None:  # G5
    store = SnapshotStore()
    published = [
        Snapshot.build(
            [Resource(ROUTES, "a", b"%d" % (number > 0)), Resource(LISTENERS, "l", body)]
        )
        for number, body in enumerate(b"%d" % number for number in range(20))
    ]
    for each in published:
        store.publish(each)

    assert store.known(ROUTES, published[0].version(ROUTES)) is not None
    assert store.known(LISTENERS, published[-8].version(LISTENERS)) is not None
    assert store.known(LISTENERS, published[-9].version(LISTENERS)) is None


def test_a_type_that_is_published_no_longer_is_known_to_be_empty() -> None:  # G5
    store = SnapshotStore()
    store.publish(snapshot(b"1"))
    store.publish(Snapshot.build([]))

    known = store.known(ROUTES, Snapshot.build([]).version(ROUTES))
    assert known is not None
    assert known.resources == {}
