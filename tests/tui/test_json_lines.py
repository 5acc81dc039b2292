"""JSON as lines, made one by one, binary data told instead of shown."""

from __future__ import annotations

import base64
import json
from itertools import islice
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.tui.json_lines import binary_facts, json_lines

CALM = settings(deadline=None)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08" + b"\0" * 100).decode()

leaves = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@CALM
@given(value=values)
def test_the_lines_are_what_the_standard_library_writes(value: Any) -> None:
    assert list(json_lines(value)) == json.dumps(value, indent=2, ensure_ascii=False).split("\n")


def test_the_beginning_of_a_large_value_is_not_the_whole_work() -> None:
    made = []

    class Slow(list[int]):
        def __iter__(self) -> Any:
            for number in range(1_000_000):
                made.append(number)
                yield number

        def __len__(self) -> int:
            return 1_000_000

        def __bool__(self) -> bool:
            return True

    assert list(islice(json_lines({"all": Slow()}), 4)) == ["{", '  "all": [', "    0,", "    1,"]
    assert len(made) < 10


def test_binary_data_is_told_and_not_shown() -> None:
    source = {"type": "base64", "media_type": "image/jpeg", "data": PNG}
    assert binary_facts(source) == "image/png, 640x480, 125 bytes"
    assert binary_facts({"media_type": "application/pdf", "data": "JVBERi0="}) == "application/pdf, 5 bytes"
    assert binary_facts({"type": "base64", "data": "~not base64~"}) == "binary data, 9 bytes"
    assert binary_facts({"type": "text", "data": "hello"}) is None
    text = "\n".join(json_lines([{"type": "image", "source": source}]))
    assert '"data": "[image/png, 640x480, 125 bytes]"' in text
    assert PNG not in text
