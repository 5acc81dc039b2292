"""The language in which a person says which rows of a timeline to show; `LANGUAGE` describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from workbench.trace.rows import EventRow
from workbench.tui.kinds import ALIASES, KINDS
from workbench.tui.timeline_view import Condition

LANGUAGE = """\
kind:tool_call        events of this type, or of several: kind:call,result (short names work too)
tool:bash             calls and results of this tool; several with commas
step:3   step:3-7     of these steps; step:3- and step:-7 are open ends
origin:tape           taken from the tape, live, or edited
slower:2              took at least 2 seconds
error                 failed tools, failed runs, refused egress, notices of errors
text  "two words"     rows that say this, in any case; quote what has spaces or is a word of this language
-kind:egress          a minus turns any of them around

Words are joined by spaces, and a row must meet all of them.
"""
"""The language, as a person reads it on the screen."""

KEYS = ("kind", "tool", "step", "origin", "slower")
ORIGINS = ("live", "tape", "edited")

_WORD = re.compile(
    r'(?P<minus>-?)(?:(?P<key>[a-z_]+):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<plain>\S*))', re.IGNORECASE
)


class FilterError(ValueError):
    """A filter that means nothing. `column` is where, from 0."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


def parse_filter(text: str) -> Condition | None:
    """The condition that a filter stands for; None when it is empty.

    Raises:
        FilterError: a word of it means nothing; the message says which, and what could stand there.
    """
    conditions: list[Condition] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        word = _WORD.match(text, position)
        assert word is not None  # noqa: S101 (every part of the pattern may be empty)
        conditions.append(_condition(word))
        position = max(word.end(), position + 1)
    if not conditions:
        return None
    if len(conditions) == 1:
        return conditions[0]
    return _all_of(conditions)


def completions(text: str, tools: Iterable[str] = ()) -> Sequence[str]:
    """What the filter could become: `text` with its last word completed, the likeliest first. `tools` are the run's."""
    head, word = _split_last(text)
    minus = "-" if word.startswith("-") else ""
    word = word.removeprefix("-")
    key, colon, typed = word.partition(":")
    if colon:
        before, comma, last = typed.rpartition(",")
        begin = f"{head}{minus}{key}:{before}{comma}"
        return [begin + value for value in _values(key, tools) if value.startswith(last) and value != last]
    options = [*(f"{name}:" for name in KEYS), "error"]
    return [head + minus + option for option in options if word and option.startswith(word) and option != word]


def _split_last(text: str) -> tuple[str, str]:
    begin = text.rfind(" ") + 1
    return text[:begin], text[begin:]


def _values(key: str, tools: Iterable[str]) -> Sequence[str]:
    match key:
        case "kind":
            return [*KINDS, *ALIASES]
        case "tool":
            return sorted(set(tools))
        case "origin":
            return ORIGINS
        case _:
            return ()


def _all_of(conditions: Sequence[Condition]) -> Condition:
    def meets(row: EventRow) -> bool:
        for condition in conditions:  # noqa: SIM110 (`all` takes three times as long over 100,000 rows)
            if not condition(row):
                return False
        return True

    return meets


def _condition(word: re.Match[str]) -> Condition:
    key, plain = word["key"], word["plain"]
    if word["quoted"] is not None and not word["end"]:
        raise FilterError('a quotation mark is not closed: expected another "', word.start())
    value = word["quoted"] if plain is None else plain
    if word[0] == "-":
        raise FilterError("a minus turns a word around: expected one after it, such as -kind:egress", word.start())
    if key is None:
        meets = _has_error if plain is not None and value.lower() == "error" else _says(value)
    elif key.lower() in KEYS:
        meets = _keyed(key.lower(), value, word.start() + word[0].index(":") + 1)
    else:
        raise FilterError(_unknown("no filter is called", key, (*KEYS, "error"), hint=word[0]), word.start())
    if word["minus"]:
        return lambda row: not meets(row)
    return meets


def _keyed(key: str, value: str, column: int) -> Condition:
    if not value:
        raise FilterError(f"{key}: needs a value: {_EXAMPLES[key]}", column)
    return _CONDITIONS[key](value, column)


def _has_error(row: EventRow) -> bool:
    return row.is_error


def _says(text: str) -> Condition:
    wanted = text.lower()
    return lambda row: wanted in row.gist.lower() or (row.tool is not None and wanted in row.tool.lower())


def _of_kind(value: str, column: int) -> Condition:
    names = set()
    for word in filter(None, value.lower().split(",")):
        name = ALIASES.get(word, word)
        if name not in KINDS:
            raise FilterError(_unknown("no kind of event is called", word, (*KINDS, *ALIASES)), column)
        names.add(name)
    return lambda row: row.type in names


def _of_tool(value: str, column: int) -> Condition:
    names = set(value.split(","))
    return lambda row: row.tool in names


def _of_step(value: str, column: int) -> Condition:
    found = re.fullmatch(r"(\d*)(-?)(\d*)", value)
    if found is None or not (found[1] or found[3]):
        raise FilterError(f"{value!r} is no step: {_EXAMPLES['step']}", column)
    first = int(found[1] or 0)
    last = int(found[3]) if found[3] else None if found[2] else first
    return lambda row: row.step >= first and (last is None or row.step <= last)


def _of_origin(value: str, column: int) -> Condition:
    if value not in ORIGINS:
        raise FilterError(_unknown("no origin is called", value, ORIGINS), column)
    return lambda row: row.origin == value


def _slower(value: str, column: int) -> Condition:
    try:
        seconds = float(value)
    except ValueError:
        raise FilterError(f"{value!r} is no number of seconds: {_EXAMPLES['slower']}", column) from None
    return lambda row: row.latency is not None and row.latency >= seconds


def _unknown(what: str, word: str, known: Sequence[str], hint: str | None = None) -> str:
    near = get_close_matches(word, known, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(known)}"
    return f"{what} {word!r}{meant}" + (f'. To look for the text, write "{hint}"' if hint else "")


_CONDITIONS: dict[str, Callable[[str, int], Condition]] = {
    "kind": _of_kind,
    "tool": _of_tool,
    "step": _of_step,
    "origin": _of_origin,
    "slower": _slower,
}
_EXAMPLES = {
    "kind": "kind:tool_call",
    "tool": "tool:bash",
    "step": "step:3 or step:3-7",
    "origin": "origin:tape",
    "slower": "slower:2 (seconds)",
}
