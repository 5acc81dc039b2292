"""Whether a text is what offline.yaml asks for, and if not, why not."""

from __future__ import annotations

import re

from workbench.jsontypes import JsonValue
from workbench.model.offline_schema import TextPart


def text_mismatch(wanted: TextPart, text: str, name: str, groups: dict[str, JsonValue]) -> str | None:
    """Why `text`, which messages call `name`, is not what is wanted; None if it is.

    Texts are compared without regard to case and to the kind and amount of white space, so that a line break in a
    prompt does not matter; patterns are not. What a pattern's named groups captured is added to `groups`.
    """
    plain = plainly(text)
    for part in wanted.contains:
        if plainly(part) not in plain:
            return f"{name} does not contain '{part}'"
    if wanted.any_of and not any(plainly(part) in plain for part in wanted.any_of):
        return f"{name} contains none of {', '.join(repr(part) for part in wanted.any_of)}"
    if wanted.matches is not None:
        match = re.search(wanted.matches, text)
        if match is None:
            return f"{name} does not match /{wanted.matches}/"
        groups.update({key: value for key, value in match.groupdict().items() if value is not None})
    if wanted.negated is not None and text_mismatch(wanted.negated, text, name, {}) is None:
        return f"{name} is what it must not be"
    return None


def plainly(text: str) -> str:
    """The text without regard to case and white space."""
    return " ".join(text.casefold().split())
