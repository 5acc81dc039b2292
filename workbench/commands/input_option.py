"""`--input -`: the input from standard input."""

from __future__ import annotations

import sys
from collections.abc import Collection

from workbench.definition.inputs import InputError


def standard_input(wanted: Collection[str | None]) -> str | None:
    """All of the standard input where one of the `wanted` inputs is `-`, else None and nothing is read.

    Raises:
        InputError: it is closed, empty, or not text.
    """
    if "-" not in wanted:
        return None
    if sys.stdin is None:
        raise InputError("--input - reads the standard input, which is closed")
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise InputError(f"the standard input is not {error.encoding.upper()} text (byte {error.start})") from error
    if not text.strip():
        raise InputError("the standard input is empty: a run answers something")
    return text
