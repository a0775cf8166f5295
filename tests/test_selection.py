"""Selections: resources that are sent together, and what separates two of them."""

import gc

from xds.resources import ROUTES, Resource
from xds.selection import NOTHING, Selection, version_of


def selection(text: str, version: str = "v") -> Selection:
    """Return resources written as `name=content name=content`."""
    named = (each.split("=") for each in text.split())
    resources = {
        name: Resource(ROUTES, name, body.encode(), aliases=(f"{name}-alias",))
        for name, body in named
    }
    return Selection(resources, version)


def test_what_is_new_or_changed_is_apart_from_what_is_gone() -> None:
    difference = selection("stays=1 turns=2 comes=1").since(selection("stays=1 turns=1 goes=1"))

    assert set(difference.changed.resources) == {"turns", "comes"}
    assert set(difference.gone) == {"goes"}
    assert difference.changed.version == "v"


def test_since_nothing_everything_is_new_and_the_selection_itself() -> None:
    one = selection("a=1")

    assert one.since(NOTHING).changed is one
    assert one.since(NOTHING).gone == {}
    # Where all of it changed, there is no need for a second selection either.
    assert one.since(selection("a=2 b=1")).changed is one


def test_what_separates_two_selections_is_derived_once() -> None:  # family 13
    one, other = selection("a=1 b=2"), selection("a=1 b=1 c=1")

    assert one.since(other).changed is one.since(other).changed
    assert one.retaining(other) is one.retaining(other)


def test_a_selection_does_not_keep_older_ones() -> None:  # family 9
    new, old = selection("a=1 b=2"), selection("a=1 b=1 c=1")
    new.since(old)
    new.retaining(old)
    assert len(new._differences) == len(new._retaining) == 1

    del old
    gc.collect()
    assert len(new._differences) == len(new._retaining) == 0


def test_retaining_keeps_what_went_under_a_version_of_its_own() -> None:  # O2
    new = selection("a=2")
    kept = new.retaining(selection("a=1 b=1"))

    assert {name: each.body for name, each in kept.resources.items()} == {"a": b"2", "b": b"1"}
    assert kept.version == version_of(kept.resources) != new.version


def test_names_and_aliases_select() -> None:  # D12
    one = selection("a=1 b=1 c=1")

    assert set(one.only(frozenset({"a", "b-alias", "unknown"})).resources) == {"a", "b"}
    assert one.only(frozenset()).resources == {}
    assert one.only(frozenset("abc")) is one
    assert one.only(frozenset("a")).version == "v"


def test_the_version_of_resources_tells_names_and_contents() -> None:  # family 12
    versions = {
        version_of(selection(text).resources) for text in ("", "a=1", "a=2", "b=1", "a=1 b=1")
    }

    assert len(versions) == 5
    assert version_of(selection("a=1 b=2").resources) == version_of(selection("b=2 a=1").resources)
