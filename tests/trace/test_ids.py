"""Run ids sort by time and can be typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.ids import ALPHABET, new_run_id

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


def test_the_form() -> None:
    assert new_run_id(datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC), b"\x00\x00\x00") == "261122-090507-0000"
    assert new_run_id(datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC), b"\xff\xff\xff...") == "261122-090507-zzzz"


def test_the_time_is_that_of_utc() -> None:
    there = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert new_run_id(there, b"abc").startswith("251231-223000-")


@CALM
@given(TIMES, TIMES, st.binary(min_size=3, max_size=8), st.binary(min_size=3, max_size=8))
def test_ids_sort_as_their_seconds(one: datetime, other: datetime, some: bytes, more: bytes) -> None:
    first, second = new_run_id(one, some), new_run_id(other, more)
    assert re.fullmatch(rf"\d{{6}}-\d{{6}}-[{ALPHABET}]{{4}}", first)
    if one.replace(microsecond=0) < other.replace(microsecond=0):
        assert first < second


def test_no_look_alikes() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ilou") & set(ALPHABET)


def test_twenty_bits_make_a_million_ids_of_one_second() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({new_run_id(now, number.to_bytes(3, "big")) for number in range(1 << 12)}) == 1 << 12


def test_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        new_run_id(datetime(2026, 1, 1), b"abc")
    with pytest.raises(ValueError, match="3 random bytes"):
        new_run_id(datetime(2026, 1, 1, tzinfo=UTC), b"ab")
