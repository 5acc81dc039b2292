"""Content and arguments as whole text."""

from __future__ import annotations

from workbench.jsontypes import JsonObject
from workbench.trace.whole_text import arguments_text, content_text


def test_text_is_whole() -> None:
    long = "word " * 10_000
    assert content_text([{"type": "text", "text": long}, {"type": "text", "text": "more"}]) == f"{long}\nmore"


def test_an_image_is_told_by_kind_and_size() -> None:
    image: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 4_000}}
    assert content_text([image]) == "[image, image/png, 3,000 bytes]"


def test_other_blocks_are_their_json() -> None:
    assert '"type": "search_result"' in content_text([{"type": "search_result", "url": "https://a.example"}])


def test_what_was_not_captured_is_said() -> None:
    assert content_text(None) == arguments_text(None) == "(not captured)"


def test_arguments_one_by_one() -> None:
    said = arguments_text({"path": "a.txt", "content": "one\ntwo", "lines": [1, 2], "all": True})
    assert said == "path: a.txt\ncontent:\none\ntwo\nlines:\n[\n  1,\n  2\n]\nall: true"
