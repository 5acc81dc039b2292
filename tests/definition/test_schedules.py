from __future__ import annotations

import pytest

from workbench.definition.schedules import ScheduleError, check_schedule, check_timezone, is_local_only


@pytest.mark.parametrize(
    "schedule",
    ["*/15 * * * *", "0 9 * * mon-fri", "0 0 29 2 *", "0 0 30 2 1", "0 0 L * *", "0 0 * * 7", "0,30 8-18/2 1 JAN *"],
)
def test_what_fires_is_valid(schedule: str) -> None:
    check_schedule(schedule)


@pytest.mark.parametrize(
    ("schedule", "message", "suggestion"),
    [
        ("0 0 30 2 *", "never fires", None),
        ("0 0 31 2,4,6,9,11 *", "never fires", None),
        ("60 * * * *", "'60' is no minute", None),
        ("* 24 * * *", "'24' is no hour", None),
        ("* * 32 * *", "'32' is no day of the month", None),
        ("* * * 13 *", "'13' is no month", None),
        ("* * * * 8", "'8' is no day of the week", None),
        ("*/0 * * * *", "'*/0' is no minute", None),
        ("a b c d e", "'a' is no minute", None),
        ("R * * * *", "random", None),
        ("0 h(0-5) * * *", "random", None),
        ("* * * *", "4 fields", None),
        ("", "0 fields", None),
        ("0 */15 * * * *", "6 fields", "*/15 * * * *"),
        ("@daily", "nicknames", "0 0 * * *"),
        ("٣ * * * *", "characters", None),
    ],
)
def test_what_does_not_is_told(schedule: str, message: str, suggestion: str | None) -> None:
    with pytest.raises(ScheduleError) as caught:
        check_schedule(schedule)
    assert message in caught.value.message
    assert caught.value.suggestion == suggestion
    assert caught.value.expected


def test_what_only_works_here() -> None:
    assert [is_local_only(f"0 0 {day} * {weekday}") for day, weekday in [("L", "*"), ("15W", "*"), ("?", "*")]] == [
        True
    ] * 3
    assert is_local_only("0 0 * * fri#2")
    assert not is_local_only("0 0 1 jul wed")


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_time_zones(timezone: str) -> None:
    check_timezone(timezone)


@pytest.mark.parametrize(
    ("timezone", "suggestion"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("../../etc/passwd", None),
        ("America", None),
        ("", None),
        ("\0", None),
    ],
)
def test_a_time_zone_that_is_none(timezone: str, suggestion: str | None) -> None:
    with pytest.raises(ScheduleError) as caught:
        check_timezone(timezone)
    assert suggestion is None or caught.value.suggestion == suggestion
