from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.model.prompt_cache import LOOK_BACK, CacheUse, PromptCache
from workbench.model.token_estimate import Segment


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def prompt(*words: str, size: int = 100) -> list[Segment]:
    """Segments; a name that ends with ! has a breakpoint for 5 minutes, with !! for an hour."""
    lifetimes = {0: None, 1: "5m", 2: "1h"}
    return [Segment(word.rstrip("!"), size, lifetimes[word.count("!")]) for word in words]


def test_a_prefix_is_written_and_then_read() -> None:
    cache = PromptCache(Clock())
    assert cache.account("m", prompt("sys!", "a!"), 50) == CacheUse(0, 0, 200, 0)
    assert cache.account("m", prompt("sys!", "a!"), 50) == CacheUse(0, 200, 0, 0)
    assert cache.account("m", prompt("sys!", "a!", "b", "c!"), 50) == CacheUse(0, 200, 200, 0)
    assert cache.account("m", prompt("sys!", "other!", "tail"), 50) == CacheUse(100, 100, 100, 0)


def test_without_breakpoints_nothing_is_cached() -> None:
    cache = PromptCache(Clock())
    assert cache.account("m", prompt("a", "b"), 0) == CacheUse(200, 0, 0, 0)
    assert cache.account("m", prompt("a", "b"), 0) == CacheUse(200, 0, 0, 0)
    assert cache.account("m", [], 0) == CacheUse(0, 0, 0, 0)


def test_models_do_not_share() -> None:
    cache = PromptCache(Clock())
    cache.account("one", prompt("a!"), 0)
    assert cache.account("two", prompt("a!"), 0).read == 0


def test_a_short_prefix_is_not_written() -> None:
    cache = PromptCache(Clock())
    assert cache.account("m", prompt("sys!", "a!"), 150) == CacheUse(0, 0, 200, 0)
    assert cache.account("m", prompt("sys!", "b!"), 150) == CacheUse(0, 0, 200, 0)
    assert cache.account("m", prompt("a!"), 150) == CacheUse(100, 0, 0, 0)


def test_a_change_ends_what_can_be_read() -> None:
    cache = PromptCache(Clock())
    cache.account("m", prompt("tool", "sys!", "a", "b!"), 0)
    assert cache.account("m", prompt("tool", "sys!", "A", "b!"), 0).read == 200
    assert cache.account("m", prompt("TOOL", "sys!", "a", "b!"), 0).read == 0


def test_entries_expire_and_reading_renews_them() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    cache.account("m", prompt("a!"), 0)
    clock.now = 299
    assert cache.account("m", prompt("a!"), 0).read == 100
    clock.now = 299 + 299
    assert cache.account("m", prompt("a!"), 0).read == 100
    clock.now = 299 + 299 + 300
    assert cache.account("m", prompt("a!"), 0) == CacheUse(0, 0, 100, 0)


def test_an_hour_lasts_an_hour() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    assert cache.account("m", prompt("a!!", "b!"), 0) == CacheUse(0, 0, 100, 100)
    clock.now = 3599
    assert cache.account("m", prompt("a!!", "b!"), 0) == CacheUse(0, 100, 100, 0)


def test_a_breakpoint_looks_back_twenty_blocks() -> None:
    long = [f"x{number}" for number in range(40)]
    for added, read in ((LOOK_BACK, 100), (LOOK_BACK + 1, 0)):
        cache = PromptCache(Clock())
        cache.account("m", prompt("a!"), 0)
        words = ["a", *long[: added - 1], f"{long[added]}!"]
        assert cache.account("m", prompt(*words), 0).read == read


words = st.lists(st.sampled_from(["a", "b", "a!", "b!", "c!!"]), max_size=8)


@given(requests=st.lists(words, max_size=6), least=st.integers(0, 400))
def test_every_token_is_counted_once(requests: list[list[str]], least: int) -> None:
    cache = PromptCache(Clock())
    for request in requests:
        use = cache.account("m", prompt(*request), least)
        assert use.fresh + use.read + use.written_5m + use.written_1h == 100 * len(request)
        assert min(use.fresh, use.read, use.written_5m, use.written_1h) >= 0
        again = cache.account("m", prompt(*request), least)
        assert again.written_5m + again.written_1h == 0
