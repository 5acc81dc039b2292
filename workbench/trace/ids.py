"""Run ids: sortable by time, short enough to type."""

from __future__ import annotations

from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Lower-case base32 without the look-alikes i, l, o and u, in the order in which the characters sort."""

ENTROPY_BYTES = 3
"""How many random bytes an id needs."""


def new_run_id(now: datetime, entropy: bytes) -> str:
    """The id `YYMMDD-HHMMSS-xxxx` of a run that starts at `now` (any time zone; shown in UTC).

    The four last characters are 20 bits of `entropy`, at least three random bytes. Ids sort by their time.

    Raises:
        ValueError: `now` has no time zone, or there are too few random bytes.
    """
    if now.tzinfo is None:
        raise ValueError("the start of a run needs a time zone")
    if len(entropy) < ENTROPY_BYTES:
        raise ValueError(f"a run id needs {ENTROPY_BYTES} random bytes")
    bits = int.from_bytes(entropy[:ENTROPY_BYTES], "big")
    tail = "".join(ALPHABET[bits >> shift & 31] for shift in (15, 10, 5, 0))
    return f"{now.astimezone(UTC):%y%m%d-%H%M%S}-{tail}"
