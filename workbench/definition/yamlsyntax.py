"""What YAML's parser trips over, said for a person: which character, why YAML minds it, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yaml import MarkedYAMLError

_NO_SPACE = re.compile(r"\s*(?:- +)*[\w-]+:\S")
_KEY_BEFORE = re.compile(r"[\w\"'-]:\s")
_QUOTES = "the value in quotes"


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """What is wrong at the character `start` of a text."""

    start: int
    message: str
    expected: str


@dataclass(frozen=True, slots=True)
class _Stumble:
    """Where the parser stopped (`start`), where what it was reading began (`opened`), and what it says of both."""

    text: str
    start: int
    opened: int
    problem: str
    context: str


def explain(error: MarkedYAMLError, text: str) -> SyntaxFault:
    """What the parser's `error` means in `text`."""
    start = min(error.problem_mark.index if error.problem_mark else 0, len(text))
    opened = min(error.context_mark.index if error.context_mark else start, len(text))
    stumble = _Stumble(text, start, opened, error.problem or "", error.context or "")
    explanations = (_tab, _forbidden_start, _indicator, _second_colon, _quotes, _brackets, _no_colon, _block)
    for explanation in explanations:
        fault = explanation(stumble)
        if fault is not None:
            return fault
    return SyntaxFault(start, f"this is not YAML: {stumble.problem}", "")


def alias_fault(start: int) -> SyntaxFault:
    """A value that begins with `*` and is no alias: a schedule or a host, mostly."""
    message = "a plain value cannot begin with '*', YAML takes it for an alias"
    return SyntaxFault(start, message, f'{_QUOTES}, such as schedule: "*/15 * * * *" or "*.example.com"')


def tag_fault(start: int) -> SyntaxFault:
    """A value that begins with `!`."""
    message = "a plain value cannot begin with '!', YAML takes it for a tag"
    return SyntaxFault(start, message, f"{_QUOTES}, or without the tag")


def _tab(stumble: _Stumble) -> SyntaxFault | None:
    indentation = stumble.text[_line_start(stumble.text, stumble.start) : stumble.start + 1]
    if "\t" not in indentation or indentation.strip():
        return None
    return SyntaxFault(stumble.start, "YAML does not take a tab as indentation", "spaces")


def _forbidden_start(stumble: _Stumble) -> SyntaxFault | None:
    if "cannot start any token" not in stumble.problem:
        return None
    char = stumble.text[stumble.start : stumble.start + 1]
    line = stumble.text[_line_start(stumble.text, stumble.start) : stumble.start]
    expected = _QUOTES
    if char == "@" and "schedule" in line:
        expected = 'five fields in quotes, such as "0 0 * * *" for every midnight'
    return SyntaxFault(stumble.start, f"a plain value cannot begin with '{char}'", expected)


def _indicator(stumble: _Stumble) -> SyntaxFault | None:
    if "scanning an alias" in stumble.context:
        return alias_fault(stumble.opened)
    if "scanning an anchor" in stumble.context:
        message = "a plain value cannot begin with '&', YAML takes it for an anchor"
        return SyntaxFault(stumble.opened, message, _QUOTES)
    if "scanning a tag" in stumble.context or "parsing a tag" in stumble.context or "tag handle" in stumble.problem:
        return tag_fault(stumble.opened)
    return None


def _second_colon(stumble: _Stumble) -> SyntaxFault | None:
    if "mapping values are not allowed" not in stumble.problem:
        return None
    start = stumble.start
    begin = _line_start(stumble.text, start)
    before, above = stumble.text[begin:start], _line_above(stumble.text, begin)
    if _KEY_BEFORE.search(before):
        return SyntaxFault(start, "a plain value cannot hold ': '", f"{_QUOTES}, or one key in a line")
    if _NO_SPACE.match(above):
        message = "the line above has no space after its ':'"
        return SyntaxFault(start, message, "key: value, with a space after the ':'")
    message = "this key does not fit to the lines above"
    if _indentation(before) > _indentation(above):
        message = "this line is indented deeper than the line above, which already has a value"
    return SyntaxFault(start, message, "keys of one mapping indented alike")


def _quotes(stumble: _Stumble) -> SyntaxFault | None:
    if "quoted scalar" in stumble.context:
        if "escape" in stumble.problem or "hexadecimal" in stumble.problem:
            message = "this is no escape that double quotes know"
            backslash = stumble.text.rfind("\\", 0, stumble.start + 1)
            return SyntaxFault(
                max(backslash, stumble.opened), message, "single quotes, which take a backslash as it is"
            )
        return SyntaxFault(stumble.opened, "the quote that opens here is not closed", "a closing quote")
    if "block " in stumble.context and stumble.text[: stumble.start].rstrip(" ").endswith(('"', "'")):
        return SyntaxFault(stumble.start, "nothing can follow a closed quote", "quotes around the whole value")
    return None


def _brackets(stumble: _Stumble) -> SyntaxFault | None:
    if "flow sequence" not in stumble.context and "flow mapping" not in stumble.context:
        return None
    opening, closing = ("[", "]") if "sequence" in stumble.context else ("{", "}")
    expected = f"',' or '{closing}'"
    if "\n" in stumble.text[stumble.opened : stumble.start] or stumble.start >= len(stumble.text):
        return SyntaxFault(stumble.opened, f"the '{opening}' that opens here is not closed", expected)
    return SyntaxFault(stumble.start, f"this does not fit here in {opening}…{closing}", expected)


def _no_colon(stumble: _Stumble) -> SyntaxFault | None:
    if "could not find expected ':'" not in stumble.problem:
        return None
    return SyntaxFault(stumble.opened, "this line has no ':' after a key", "key: value, with a space after the ':'")


def _block(stumble: _Stumble) -> SyntaxFault | None:
    start = stumble.start
    if "block scalar" in stumble.context:
        return SyntaxFault(start, "nothing can follow '|' or '>' on its line", "the text on the next line, indented")
    if "block mapping" in stumble.context:
        return SyntaxFault(start, "this does not fit to the keys above", "a key, indented like the keys above")
    if "block " in stumble.context:
        expected = "'- ', indented like the items above, or a key of the mapping around the list"
        return SyntaxFault(start, "this does not fit to the list above", expected)
    return None


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _line_above(text: str, begin: int) -> str:
    """The last line before `begin` that is not empty."""
    return next((line for line in reversed(text[:begin].splitlines()) if line.strip()), "")


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
