from __future__ import annotations

import os
import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.disk_watchdog import DiskBudget, DiskWatchdog, Excess, Size, Space, disk_usage, read_space

MIB = 1 << 20
GIB = 1 << 30


def space(free: int) -> Space:
    return Space(free, 100 * GIB)


def watched(limit: int, size: int, free: int = 50 * GIB) -> DiskBudget:
    budget = DiskBudget(limit)
    budget.judge(Size(size), space(free), now=0.0, effort=0.001)
    return budget


def test_the_first_reading_is_always_measured() -> None:
    assert DiskBudget(GIB).is_due(space(50 * GIB), 0.0)


def test_a_quiet_disk_is_not_measured() -> None:
    assert not watched(GIB, 0).is_due(space(50 * GIB - 100 * MIB), 1.0)


def test_half_of_what_was_left_calls_for_a_measurement() -> None:
    assert watched(GIB, 0).is_due(space(50 * GIB - 512 * MIB), 1.0)
    assert watched(GIB, 900 * MIB).is_due(space(50 * GIB - 62 * MIB), 1.0)


def test_growth_that_the_free_space_hides_is_found_after_a_rest() -> None:
    assert watched(GIB, 0).is_due(space(50 * GIB), 5.0)


def test_a_slow_measurement_is_not_repeated_at_once() -> None:
    budget = DiskBudget(GIB)
    budget.judge(Size(0), space(50 * GIB), now=0.0, effort=2.0)
    assert not budget.is_due(space(50 * GIB), 99.0)
    assert budget.is_due(space(50 * GIB), 100.0)


def test_growing_over_the_limit_stops_the_tools() -> None:
    excess = watched(GIB, 0).judge(Size(2 * GIB), space(48 * GIB), 1.0, 0.001)
    assert excess is not None
    assert excess.stop
    assert "2 GiB" in excess.text
    assert "1 GiB" in excess.text


def test_a_workspace_left_over_the_limit_is_told_but_can_be_emptied() -> None:
    budget = DiskBudget(GIB)
    first = budget.judge(Size(2 * GIB), space(48 * GIB), 0.0, 0.001)
    assert first is not None
    assert not first.stop
    assert budget.judge(Size(GIB + 512 * MIB), space(49 * GIB), 5.0, 0.001) is None
    again = budget.judge(Size(2 * GIB), space(48 * GIB), 10.0, 0.001)
    assert again is not None
    assert again.stop


def test_a_disk_that_is_nearly_full_stops_only_what_grows() -> None:
    budget = DiskBudget(10 * GIB)
    first = budget.judge(Size(0), space(GIB // 2), 0.0, 0.001)
    assert first is not None
    assert not first.stop
    assert budget.judge(Size(0), space(GIB // 2), 5.0, 0.001) is None
    assert not budget.is_due(space(GIB // 2), 5.1)
    assert budget.is_due(space(GIB // 2 - MIB), 5.1)
    grown = budget.judge(Size(8 * MIB), space(GIB // 2 - 8 * MIB), 6.0, 0.001)
    assert grown is not None
    assert grown.stop


def test_a_small_disk_keeps_two_percent() -> None:
    assert Space(0, 10 * GIB).floor == int(10 * GIB * 0.02)
    assert Space(0, 1000 * GIB).floor == GIB


@given(steps=st.lists(st.integers(0, 64 * MIB), min_size=1, max_size=60), limit=st.integers(64 * MIB, GIB))
def test_nothing_grows_past_the_limit_unmeasured(steps: list[int], limit: int) -> None:
    """Without other writers, the workspace is measured before it passes the limit by more than its last step."""
    budget = DiskBudget(limit)
    size, free = 0, 500 * GIB
    budget.judge(Size(size), space(free), 0.0, 0.001)
    for step in steps:
        size += step
        free -= step
        if budget.is_due(Space(free, 1000 * GIB), 0.5):
            stopped = budget.judge(Size(size), Space(free, 1000 * GIB), 0.5, 0.001)
            if stopped is not None:
                assert size > limit
                return
        assert size <= limit + max(limit // 64, MIB)


def test_many_small_files_stop_the_tools() -> None:
    budget = DiskBudget(GIB, most_files=10_000)
    budget.judge(Size(0, 1), Space(50 * GIB, 100 * GIB, 1_000_000), 0.0, 0.001)
    assert not budget.is_due(Space(50 * GIB, 100 * GIB, 996_000), 1.0)
    assert budget.is_due(Space(50 * GIB, 100 * GIB, 995_000), 1.0)
    assert budget.judge(Size(0, 5000), Space(50 * GIB, 100 * GIB, 995_000), 1.0, 0.001) is None
    excess = budget.judge(Size(0, 12_000), Space(50 * GIB, 100 * GIB, 988_000), 2.0, 0.001)
    assert excess is not None
    assert excess.stop
    assert "12,000 files" in excess.text


def test_usage_counts_blocks_and_hard_links_once_and_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x" * 8 * MIB)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "file").write_bytes(os.urandom(2 * MIB))
    os.link(workspace / "file", workspace / "again")
    (workspace / "link").symlink_to(tmp_path / "outside")
    with (workspace / "sparse").open("wb") as file:
        file.truncate(GIB)
    usage = disk_usage(workspace)
    assert usage is not None
    assert 2 * MIB <= usage.bytes < 3 * MIB
    assert usage.files == 4  # the folder, the file with two names, the link, the sparse file


def test_usage_of_a_folder_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    assert disk_usage(tmp_path / "nothing") is None


def test_the_watchdog_tells_of_a_workspace_that_is_over_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(2 * MIB))
    told: list[Excess] = []
    heard = threading.Event()

    def listen(excess: Excess) -> None:
        told.append(excess)
        heard.set()

    watchdog = DiskWatchdog(tmp_path, MIB, listen)
    watchdog.start()
    assert heard.wait(20)
    watchdog.stop()
    assert "more than the 1 MiB" in told[0].text
    assert read_space(tmp_path).total > 0
