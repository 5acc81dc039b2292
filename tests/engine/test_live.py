"""Streaming text on its way to a screen."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.definition.secrets import Redactor
from workbench.engine.live import LiveRedactor
from workbench.model.conversation import Delta

SECRET = "tok-9f3e+Zq81-xkV"


def shown(pieces: list[Delta], redactor: Redactor) -> list[Delta]:
    seen: list[Delta] = []
    live = LiveRedactor(redactor, seen.append)
    for piece in pieces:
        live.feed(piece)
    live.flush()
    return seen


@given(cuts=st.lists(st.integers(1, 39), max_size=12).map(lambda cuts: sorted({*cuts})))
def test_a_secret_is_found_however_the_stream_is_cut(cuts: list[int]) -> None:
    text = f"the token is {SECRET}, so."
    edges = [0, *[cut for cut in cuts if cut < len(text)], len(text)]
    pieces = [Delta("text", text[start:stop]) for start, stop in pairwise(edges)]
    seen = shown(pieces, Redactor({"TOKEN": SECRET}))
    assert "".join(delta.text for delta in seen) == "the token is [secret TOKEN], so."


def test_what_waits_is_shown_before_text_of_another_kind_and_dropped_by_a_reset() -> None:
    redactor = Redactor({"TOKEN": SECRET})
    seen = shown([Delta("reasoning", "so tok-"), Delta("text", "x tok-"), Delta("reset"), Delta("text", "y")], redactor)
    assert seen == [
        Delta("reasoning", "so "),
        Delta("reasoning", "tok-"),
        Delta("text", "x "),
        Delta("reset"),
        Delta("text", "y"),
    ]


def test_without_secrets_nothing_waits() -> None:
    pieces = [Delta("tool_input", "", "bash"), Delta("tool_input", '{"a', "bash")]
    assert shown(pieces, Redactor({})) == pieces
