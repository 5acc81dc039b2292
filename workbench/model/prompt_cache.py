"""The prompt cache's accounting, as the vendor documents it: what a request reads, writes and pays in full.

A breakpoint writes the prompt up to it, if it is long enough for the model, for 5 minutes or an hour. A later request
reads the longest prefix that one of its breakpoints, or one of the 20 blocks before it, finds; reading renews it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from workbench.model.token_estimate import Segment

LOOK_BACK = 20
"""How many blocks before a breakpoint are looked at."""

_LIFETIMES = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens of a prompt: `fresh` were neither read from the cache nor written to it."""

    fresh: int
    read: int
    written_5m: int
    written_1h: int


class PromptCache:
    """What has been written and has not yet expired. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[float, float]] = {}

    def account(self, model: str, prompt: Sequence[Segment], least: int) -> CacheUse:
        """Account for a request; `least` is the shortest prefix, in tokens, that the model caches."""
        now = self._clock()
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] > now}
        keys = _prefix_keys(model, prompt)
        sizes = list(accumulate(segment.tokens for segment in prompt))
        marks = [at for at, segment in enumerate(prompt) if segment.lifetime]
        found = self._longest(keys, marks)
        read = sizes[found] if found >= 0 else 0
        if found >= 0:
            self._write(keys[found], self._entries[keys[found]][1], now)
        written, done = {"5m": 0, "1h": 0}, read
        for at in marks:
            if at <= found or sizes[at] < least:
                continue
            lifetime = "1h" if prompt[at].lifetime == "1h" else "5m"
            written[lifetime] += sizes[at] - done
            done = sizes[at]
            self._write(keys[at], _LIFETIMES[lifetime], now)
        return CacheUse(sizes[-1] - done if sizes else 0, read, written["5m"], written["1h"])

    def _longest(self, keys: Sequence[str], marks: Sequence[int]) -> int:
        """The end of the longest prefix that is there, -1 if none is."""
        for mark in reversed(marks):
            for at in range(mark, max(mark - LOOK_BACK, 0) - 1, -1):
                if keys[at] in self._entries:
                    return at
        return -1

    def _write(self, key: str, lifetime: float, now: float) -> None:
        self._entries[key] = (now + lifetime, lifetime)


def _prefix_keys(model: str, prompt: Sequence[Segment]) -> Sequence[str]:
    """For each segment, what tells the prompt up to its end from every other."""
    running = hashlib.sha256(model.encode())
    keys = []
    for segment in prompt:
        content = segment.content.encode("utf-8", "surrogatepass")
        running.update(len(content).to_bytes(8, "big") + content)
        keys.append(running.hexdigest())
    return keys
