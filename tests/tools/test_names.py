"""Names that the API takes, unique, and stable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tools.names import MAX_LENGTH, Offered, is_valid, resolve

BUILTIN = [Offered("bash", "bash", fixed=True), Offered("filesystem", "read", fixed=True)]
NAMES = st.text("abR_-. /ä", max_size=8) | st.just("read") | st.just("x" * 140)
OTHERS = st.lists(
    st.builds(Offered, st.text("sS _", max_size=4), NAMES), max_size=12, unique_by=lambda one: (one.server, one.name)
)


def test_good_names_stay() -> None:
    assert resolve([*BUILTIN, Offered("docs", "search"), Offered("docs", "get-page")]) == [
        "bash",
        "read",
        "search",
        "get-page",
    ]


def test_what_clashes_with_a_built_in_tool_gives_way() -> None:
    assert resolve([Offered("docs", "read"), *BUILTIN]) == ["docs__read", "bash", "read"]


def test_two_others_that_clash_both_give_way() -> None:
    assert resolve([Offered("a", "search"), Offered("b", "search")]) == ["a__search", "b__search"]


def test_what_is_taken_is_not_given() -> None:
    assert resolve([Offered("docs", "web_search")], ["web_search"]) == ["docs__web_search"]


def test_invalid_characters_are_replaced_and_may_clash_then() -> None:
    assert resolve([Offered("s", "files.read all")]) == ["files_read_all"]
    assert resolve([Offered("s", "a.b"), Offered("s", "a b"), Offered("s", "")])[2] == "tool"


def test_a_long_name_ends_in_a_digest_of_the_whole() -> None:
    one, other = resolve([Offered("s", "x" * 150 + "1"), Offered("s", "x" * 150 + "2")])
    assert one != other
    assert len(one) == len(other) == MAX_LENGTH


def test_a_built_in_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two tools are named bash"):
        resolve([*BUILTIN, Offered("shell", "bash", fixed=True)])


@given(OTHERS)
def test_all_are_valid_and_unique_and_built_in_names_stay(others: list[Offered]) -> None:
    names = resolve([*others, *BUILTIN], ["web_search"])
    assert len(set(names) | {"web_search"}) == len(names) + 1
    assert all(is_valid(name) for name in names)
    assert list(names[-2:]) == ["bash", "read"]


@given(OTHERS)
def test_a_name_depends_on_order_only_where_digests_collide(others: list[Offered]) -> None:
    straight = dict(zip([(one.server, one.name) for one in others], resolve(others), strict=True))
    backwards = dict(zip([(one.server, one.name) for one in others[::-1]], resolve(others[::-1]), strict=True))
    spelt = {f"{one.server}__{one.name}".replace(" ", "_").replace(".", "_").replace("/", "_") for one in others}
    if len(spelt) == len(others):
        assert straight == backwards
