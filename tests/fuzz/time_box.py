"""Fuzzing within a time: rounds of generated examples until it is over.

Each target gets `FUZZ_SECONDS` (2 unless the environment says otherwise). Without the variable the rounds have fixed
seeds, so that a run in CI tries what the one before tried, as far as its time goes; with it they begin at a random one,
which is printed, and `FUZZ_SEED` repeats it. No example may take longer than `HANG` seconds.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SECONDS = float(os.environ.get("FUZZ_SECONDS", "2"))
HANG = 10.0
EXAMPLES = 40
"""Examples of a round."""

_SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.target, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def fuzz(check: Callable[..., None], *strategies: st.SearchStrategy[Any], seconds: float = SECONDS) -> int:
    """Call `check` with generated values until the time is over; gives the number of rounds. What it raises is a bug."""
    first = _first_seed()
    began, rounds = time.monotonic(), 0
    while rounds == 0 or time.monotonic() - began < seconds:

        def bounded(values: tuple[Any, ...]) -> None:
            with no_hang():
                check(*values)

        number = first + rounds
        try:
            seed(number)(_SETTINGS(given(st.tuples(*strategies))(bounded)))()
        except BaseException:
            print(f"found by FUZZ_SEED={number}")
            raise
        rounds += 1
    return rounds


def _first_seed() -> int:
    if "FUZZ_SEED" in os.environ:
        return int(os.environ["FUZZ_SEED"])
    return random.randrange(1 << 31) if "FUZZ_SECONDS" in os.environ else 0


@contextmanager
def no_hang(seconds: float = HANG) -> Iterator[None]:
    """Fail when the body takes longer, even in a loop that never gives up the processor."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"it hangs: more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def spoilt(*corpus: bytes, dictionary: tuple[bytes, ...] = ()) -> st.SearchStrategy[bytes]:
    """Bytes that began as one of `corpus`: pieces cut, doubled, swapped, and replaced by others or by `dictionary`."""
    words = st.one_of(
        st.sampled_from(dictionary) if dictionary else st.nothing(), st.binary(max_size=8), st.sampled_from(ODD)
    )

    @st.composite
    def build(draw: st.DrawFn) -> bytes:
        data = bytearray(draw(st.sampled_from(corpus)))
        for _ in range(draw(st.integers(0, 6))):
            start = draw(st.integers(0, len(data)))
            end = min(len(data), start + draw(st.sampled_from((0, 0, 1, 2, 7, 40, 400))))
            kind = draw(st.sampled_from(("insert", "cut", "double", "flip", "splice")))
            if kind == "insert":
                data[start:end] = draw(words)
            elif kind == "cut":
                del data[start:end]
            elif kind == "double":
                data[end:end] = data[start:end] * draw(st.sampled_from((1, 2, 50)))
            elif kind == "flip" and data:
                data[min(start, len(data) - 1)] ^= 1 << draw(st.integers(0, 7))
            else:
                other = draw(st.sampled_from(corpus))
                data[start:start] = other[: draw(st.integers(0, len(other)))]
        return bytes(data)

    return build()


ODD = (
    b"\x00", b"\xff", b"\r\n", b"\n", b"\r", b"\x1b[2J", b"\x1b]0;x\x07", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xef\xbb\xbf", b" ", b"\t",
    b"9" * 400, b"-1", b"0x10", b"1e999", b"NaN", b"null", b"[" * 300, b"{" * 300, b"{}", b"[]", b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"%00",
    b"../", b"${HOME}", b"{{ input.text }}", b"&a ", b"*a", b"!!python/object:os.system", b"<<: ", b": ", b"- ", b"#", b"@", b"~", b"|\n", b">\n",
)  # fmt: skip
"""What trips readers of text."""
