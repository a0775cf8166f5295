"""The store: the latest snapshot, and who is told of it."""

import pytest

from xds.resources import ROUTES, Resource
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
