"""Which resources of a type a client wants, as its requests follow each other."""

from xds.protocol.subscription import Subscription
from xds.resources import CLUSTERS, ENDPOINTS, Resource
from xds.snapshot import Snapshot

NOTHING: frozenset[str] = frozenset()
ALL = Snapshot.build(
    Resource(type_url, name, b"") for type_url in (CLUSTERS, ENDPOINTS) for name in ("a", "b")
)


def wanted(*requests: frozenset[str], type_url: str = CLUSTERS) -> set[str]:
    subscription = Subscription()
    for names in requests:
        subscription = subscription.replaced(type_url, names)
    return set(subscription.select(ALL, type_url).resources)


def test_an_empty_first_request_for_clusters_means_everything() -> None:  # S6
    assert wanted(NOTHING) == {"a", "b"}


def test_an_empty_request_stays_everything_until_names_are_given() -> None:  # S6
    assert wanted(NOTHING, NOTHING) == {"a", "b"}


def test_star_and_a_name_are_everything() -> None:  # S6
    assert wanted(NOTHING, frozenset({"*", "a"})) == {"a", "b"}


def test_names_after_a_star_are_those_names() -> None:  # S6
    assert wanted(NOTHING, frozenset({"*", "a"}), frozenset({"a"})) == {"a"}


def test_empty_after_names_is_nothing() -> None:  # S6
    assert wanted(frozenset({"*", "a"}), frozenset({"a"}), NOTHING) == set()


def test_an_empty_request_for_endpoints_is_nothing() -> None:  # S7
    assert wanted(NOTHING, type_url=ENDPOINTS) == set()


def test_names_that_do_not_exist_select_nothing() -> None:  # S10
    assert wanted(frozenset({"a", "missing"})) == {"a"}
