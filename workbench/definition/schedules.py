"""Cron schedules and time zones: what is valid, what never fires, and what was probably meant."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from datetime import datetime

from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]

from workbench.definition.problems import nearest

_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31"),
    ("month", "1-12 or JAN-DEC"),
    ("day of the week", "0-7 or SUN-SAT, where 0 and 7 are Sunday"),
)
_SHAPE = "five fields: minute, hour, day of the month, month, day of the week"
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANDOM = re.compile(r"(?i)(?:^|,)[hr](?:$|[(/,])")
_LOCAL_ONLY = re.compile(r"(?i)[#?]|(?:^|,)l|(?:^|,)(?:w\d|\d+w)")
_START = datetime(2024, 1, 1)


class ScheduleError(Exception):
    """A schedule or time zone that cannot be used: `message`, what is `expected`, and what was probably meant."""

    def __init__(self, message: str, expected: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.suggestion = suggestion


def check_schedule(schedule: str) -> None:
    """Check a cron schedule.

    Raises:
        ScheduleError: it has not five fields, a field is not valid, or it never fires.
    """
    fields = schedule.split()
    if len(fields) != len(_FIELDS) or not schedule.isascii():
        raise _not_five(schedule, fields)
    for field, (name, allowed) in zip(fields, _FIELDS, strict=True):
        if _RANDOM.search(field):
            raise ScheduleError(f"the {name} '{field}' is random", allowed)
    if not _is_valid(fields):
        raise _bad_field(fields)
    if not _fires(schedule):
        raise ScheduleError("this schedule never fires", "a day that exists, such as 28 for the day of February")


def is_local_only(schedule: str) -> bool:
    """Whether a valid schedule uses `L`, `W`, `#` or `?`, which the hosted service's five-field POSIX cron has not."""
    return any(_LOCAL_ONLY.search(field) for field in schedule.split())


def check_timezone(timezone: str) -> None:
    """Check the name of a time zone.

    Raises:
        ScheduleError: IANA has no such time zone.
    """
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        names = sorted(zoneinfo.available_timezones())
        message = "there is no such time zone"
        raise ScheduleError(message, "an IANA name, such as Europe/Berlin", _nearest_zone(timezone, names)) from None


def _nearest_zone(timezone: str, names: Sequence[str]) -> str | None:
    city = timezone.strip().replace(" ", "_").lower()
    ends = [name for name in names if name.lower().split("/")[-1] == city]
    return ends[0] if ends else nearest(timezone, names)


def _not_five(schedule: str, fields: Sequence[str]) -> ScheduleError:
    if schedule.strip().lower() in _NICKNAMES:
        return ScheduleError("nicknames are not supported", _SHAPE, _NICKNAMES[schedule.strip().lower()])
    if len(fields) == len(_FIELDS):
        return ScheduleError("this schedule has characters that cron has not", "ASCII")
    suggestion = " ".join(fields[1:]) if len(fields) == len(_FIELDS) + 1 and fields[0] == "0" else None
    count = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
    return ScheduleError(f"this schedule has {count}", _SHAPE, suggestion)


def _bad_field(fields: Sequence[str]) -> ScheduleError:
    """Which field it is, found by trying each alone."""
    for index, (name, allowed) in enumerate(_FIELDS):
        alone = ["*"] * len(_FIELDS)
        alone[index] = fields[index]
        if not _is_valid(alone):
            return ScheduleError(f"'{fields[index]}' is no {name}", allowed)
    return ScheduleError("this is no cron schedule", _SHAPE)


def _is_valid(fields: Sequence[str]) -> bool:
    try:
        croniter(" ".join(fields), _START)
    except (ValueError, TypeError, KeyError, OverflowError):
        return False
    return True


def _fires(schedule: str) -> bool:
    try:
        croniter(schedule, _START).get_next(datetime)
    except CroniterBadDateError:
        return False
    return True
