"""What a check found to be otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a check expected and did not find. `found` may be several lines, and may hold anything."""

    expected: str
    found: str
