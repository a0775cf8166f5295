"""Which values of two files are the same objects."""

import pytest

from xds.config.document import Document
from xds.config.problems import ConfigError

LIST = "list:\n- {name: a, port: 8000}\n- {name: b, port: 8001, tags: [x, 'y']}\n"


def parsed(text: str, last: Document | None = None) -> Document:
    return Document.parse("config.yaml", text.encode(), last.shared if last else None)


def test_what_an_edit_leaves_alone_is_the_same_object() -> None:
    last = parsed(LIST)
    now = parsed(LIST.replace("port: 8000", "port: 9000"), last)

    assert now.data == {"list": [{"name": "a", "port": 9000}, last.data["list"][1]]}
    assert now.data["list"][1] is last.data["list"][1]
    assert last.data["list"][0] == {"name": "a", "port": 8000}


def test_where_it_stands_is_no_matter() -> None:
    last = parsed(LIST)
    now = parsed("other: 1\n" + LIST.replace("list:", "list:\n- {name: new}"), last)

    assert now.data["list"][1] is last.data["list"][0]
    assert now.data["list"][2] is last.data["list"][1]


def test_the_same_file_is_the_same_object() -> None:
    last = parsed(LIST)

    assert parsed(f"# again\n{LIST}", last).data is last.data


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "true"),
        ("1", "1.0"),
        ("1", "'1'"),
        ("0", "false"),
        ("0.0", "-0.0"),
        ("~", "''"),
        ("[]", "{}"),
        ("[1]", "[true]"),
        ("{a: 1, b: 2}", "{b: 2, a: 1}"),
        ("{a: 1}", "{a: true}"),
        ("{a: {}}", "{a: []}"),
    ],
)
def test_what_is_equal_and_not_alike_is_another_object(one: str, other: str) -> None:
    last = parsed(f"key: {one}\nsame: {{k: {one}}}")
    now = parsed(f"key: {other}\nsame: {{k: {one}}}", last)

    assert repr(now.data["key"]) == repr(parsed(f"key: {other}").data["key"])
    assert now.data["same"] is last.data["same"]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {k: 1}\nb: {<<: *x, l: 2}\nc: {<<: *x, l: 2}\n",
        "a: &x [1, two]\nb: {c: *x}\nc: *x\n",
        "a: !!str 5\nb: {c: !!str 5, d: !!int 70000}\n",
    ],
)
def test_aliases_merges_and_tags_mean_what_they_mean(text: str) -> None:
    last = parsed(text.replace("1", "3"))

    assert parsed(text, last).data == parsed(text).data


def test_a_file_that_is_refused_spoils_nothing() -> None:
    last = parsed(LIST)
    with pytest.raises(ConfigError):
        parsed(LIST + "list: again\n", last)
    with pytest.raises(ConfigError):
        parsed(LIST + "- ]", last)

    assert parsed(LIST, last).data is last.data
