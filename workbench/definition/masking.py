"""What of a file may be shown: all of it but the values of headers and variables, and what looks like a credential.

`${NAME}` references stay visible, they are not secret. Everything hidden keeps its width, so that columns stay true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

PRIVATE_KEYS = frozenset({"headers", "env"})
"""Keys below which every value may be a secret."""

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_PRIVATE_KEY = re.compile(r"""(?<![\w-])["']?(?:headers|env)["']?[ \t]*:""")
_PLAIN_KEY = re.compile(r"""[ \t]*(?:- +)*(?:["'][\w-]+["']|[\w-]+):(?=[ \t]|$)""")
_CREDENTIALS = re.compile(
    r"""
    (?<=://)[^/@\s"']+(?=@)                                     # user and password of a URL
    | (?i:(?<=bearer\ )|(?<=basic\ ))[\w.~+/=-]{6,}               # an Authorization header's value
    | \b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|AIza|eyJ)[-_]?[\w.-]{12,}  # tokens that name their issuer
    | (?i:(?<=key=)|(?<=token=)|(?<=secret=)|(?<=password=)|(?<=passwd=)|(?<=signature=)|(?<=sig=))
      (?:\$\{\w+\}|[^&\s"',}\]])+                            # a parameter of a URL or of a program
    """,
    re.VERBOSE,
)


def is_private(path: Sequence[str | int]) -> bool:
    """Whether the value at this place of a document may be a secret."""
    return not PRIVATE_KEYS.isdisjoint(path)


def hide(text: str) -> str:
    """The text with everything but references and white space hidden."""
    shown, end = [], 0
    for match in _REFERENCE.finditer(text):
        shown += [re.sub(r"\S", "*", text[end : match.start()]), match[0]]
        end = match.end()
    return "".join(shown) + re.sub(r"\S", "*", text[end:])


def hide_credentials(text: str) -> str:
    """The text with what looks like a credential hidden."""
    return _CREDENTIALS.sub(lambda match: hide(match[0]), text)


def hide_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with the given ranges of characters hidden."""
    shown, end = [], 0
    for start, stop in sorted(spans):
        if stop > end:
            shown += [text[end : max(start, end)], hide(text[max(start, end) : stop])]
            end = stop
    return "".join(shown) + text[end:]


def hide_unparsed(lines: Sequence[str]) -> list[str]:
    """The lines of a file that could not be parsed, with all that stands below a private key hidden.

    Nothing is known of such a file but its look, so this hides rather too much: from `headers:` or `env:` to the end of
    the line and, on the lines that follow, all that is indented deeper or stands in a brace that is still open.
    """
    shown: list[str] = []
    indent, braces = -1, 0
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if indent >= 0 and (braces > 0 or depth > indent or not line.strip()):
            braces += _braces(line)
            shown.append(_hide_after_key(line))
            continue
        indent, braces = -1, 0
        match = _PRIVATE_KEY.search(line)
        if match is None:
            shown.append(hide_credentials(line))
            continue
        indent, braces = depth, max(0, _braces(line[match.end() :]))
        shown.append(hide_credentials(line[: match.end()]) + hide(line[match.end() :]))
    return shown


def _hide_after_key(line: str) -> str:
    match = _PLAIN_KEY.match(line)
    start = match.end() if match else 0
    return line[:start] + hide(line[start:])


def _braces(text: str) -> int:
    return sum((char in "{[") - (char in "}]") for char in text)
