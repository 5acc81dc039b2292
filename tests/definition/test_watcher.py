"""Noticing saves, whatever the editor does to the file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from workbench.definition.watcher import Change, FileChange, Watched, Watcher, watched_of


class Seen:
    """The changes that a watcher told, to be waited for."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._told: asyncio.Queue[Change] = asyncio.Queue()

    async def follow(self) -> None:
        async for change in self._watcher.changes():
            self._told.put_nowait(change)

    async def next(self) -> Change:
        return await asyncio.wait_for(self._told.get(), 10)

    async def next_file(self) -> FileChange:
        change = await self.next()
        assert len(change.files) == 1, change
        return change.files[0]


@asynccontextmanager
async def watching(watcher: Watcher, folder: Path) -> AsyncIterator[Seen]:
    """Follows `watcher` once it is known to notice things in `folder`, which must hold a watched `probe.md`."""
    seen = Seen(watcher)
    task = asyncio.create_task(seen.follow())
    for count in range(200):
        (folder / "probe.md").write_text(f"probe {count}")
        try:
            await asyncio.wait_for(seen.next(), 0.2)
            break
        except TimeoutError:
            continue
    # what the last probes may still bring
    while True:
        try:
            await asyncio.wait_for(seen.next(), 0.4)
        except TimeoutError:
            break
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a prompt."""
    (tmp_path / "prompt.md").write_text("old\n")
    (tmp_path / "probe.md").write_text("")
    return tmp_path


def watcher_of(folder: Path, *folders: str) -> Watcher:
    return Watcher(Watched((folder / "prompt.md", folder / "probe.md"), tuple(folder / name for name in folders)))


async def test_a_save_is_told_with_both_texts(folder: Path) -> None:
    async with watching(watcher_of(folder), folder) as seen:
        (folder / "prompt.md").write_text("new\n")
        assert await seen.next_file() == FileChange(folder / "prompt.md", "old\n", "new\n")


async def test_an_editor_may_replace_the_file(folder: Path) -> None:
    async with watching(watcher_of(folder), folder) as seen:
        for text in ("second\n", "third\n"):
            (folder / "prompt.md~").write_text(text)
            (folder / "prompt.md~").rename(folder / "prompt.md")
            assert (await seen.next_file()).after == text


async def test_an_editor_may_move_the_old_file_away_first(folder: Path) -> None:
    async with watching(watcher_of(folder), folder) as seen:
        (folder / "prompt.md").rename(folder / "prompt.md~")
        await asyncio.sleep(0.03)  # the gap that the editor leaves
        (folder / "prompt.md").write_text("new\n")
        assert await seen.next_file() == FileChange(folder / "prompt.md", "old\n", "new\n")


async def test_a_truncated_file_is_no_change_of_its_own(folder: Path) -> None:
    async with watching(watcher_of(folder), folder) as seen:
        with (folder / "prompt.md").open("w") as file:
            file.flush()
            await asyncio.sleep(0.03)  # the gap that the editor leaves
            file.write("new\n")
        assert await seen.next_file() == FileChange(folder / "prompt.md", "old\n", "new\n")


async def test_a_touch_or_the_same_text_again_is_no_change(folder: Path) -> None:
    async with watching(watcher_of(folder), folder) as seen:
        os.utime(folder / "prompt.md")
        (folder / "prompt.md").write_text("old\n")
        (folder / "prompt.md").write_text("at last\n")
        assert await seen.next_file() == FileChange(folder / "prompt.md", "old\n", "at last\n")


async def test_a_deleted_file_is_told_once_it_stays_away(folder: Path) -> None:
    async with watching(watcher_of(folder), folder) as seen:
        (folder / "prompt.md").unlink()
        assert await seen.next_file() == FileChange(folder / "prompt.md", "old\n", None)


async def test_a_link_is_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "shared.md"
    elsewhere.write_text("old\n")
    (folder / "prompt.md").unlink()
    (folder / "prompt.md").symlink_to(elsewhere)
    async with watching(watcher_of(folder), folder) as seen:
        elsewhere.write_text("new\n")
        assert (await seen.next_file()).after == "new\n"


async def test_the_listing_of_a_folder_counts_at_any_depth(folder: Path) -> None:
    (folder / "source" / "deep").mkdir(parents=True)
    async with watching(watcher_of(folder, "source"), folder) as seen:
        (folder / "source" / "deep" / "rules.md").write_text("rule")
        assert (await seen.next()).listed == (folder / "source" / "deep" / "rules.md",)


async def test_a_folder_that_comes_later_is_watched_too(folder: Path) -> None:
    async with watching(watcher_of(folder, "inputs"), folder) as seen:
        (folder / "inputs").mkdir()
        (folder / "inputs" / "first.txt").write_text("hello")
        assert (await seen.next()).listed == (folder / "inputs" / "first.txt",)


async def test_what_is_watched_can_change_meanwhile(folder: Path) -> None:
    (folder / "other").mkdir()
    other = folder / "other" / "prompt.md"
    other.write_text("old\n")
    watcher = watcher_of(folder)
    async with watching(watcher, folder) as seen:
        watcher.watch(Watched((other, folder / "probe.md")))
        other.write_text("new\n")
        assert await seen.next_file() == FileChange(other, "old\n", "new\n")


async def test_the_workbenchs_own_folder_is_passed_over(folder: Path) -> None:
    (folder / ".workbench").mkdir()
    async with watching(watcher_of(folder, "source"), folder) as seen:
        (folder / ".workbench" / "workbench.db").write_text("event")
        (folder / "prompt.md").write_text("new\n")
        assert (await seen.next_file()).path == folder / "prompt.md"


def test_everything_that_an_agent_names_is_watched(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "one.txt").write_text("1")
    watched = watched_of(tmp_path, None)
    assert tmp_path / "agent.yaml" in watched.files
    assert tmp_path / "offline.yaml" in watched.files
    assert tmp_path / "inputs" / "one.txt" in watched.files
    assert tmp_path / "inputs" in watched.folders
