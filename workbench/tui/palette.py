"""The command palette: every action of the screen, and what the screen offers beyond its keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider

from workbench.tui.keys import Key


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the palette."""

    name: str
    meaning: str
    do: Callable[[], Awaitable[object] | object]


@runtime_checkable
class Offers(Protocol):
    """A screen that offers commands of its own, such as to open each run."""

    def offered_commands(self) -> Iterator[Command]:
        """The commands."""
        ...


@runtime_checkable
class HasCommands(Protocol):
    """An app that knows its actions."""

    def all_commands(self) -> Iterator[Command]:
        """The commands of the screen that is up, and of the app."""
        ...


class Commands(Provider):
    """Finds commands by what is typed; with nothing typed it lists them all."""

    async def discover(self) -> Hits:
        """Everything."""
        for command in self._commands():
            yield DiscoveryHit(command.name, command.do, help=command.meaning)

    async def search(self, query: str) -> Hits:
        """What fits."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.name)
            if score > 0:
                yield Hit(score, matcher.highlight(command.name), command.do, help=command.meaning)

    def _commands(self) -> Iterator[Command]:
        app = self.app
        return app.all_commands() if isinstance(app, HasCommands) else iter(())


def command_of(key: Key, place: str, do: Callable[[], Awaitable[object] | object]) -> Command:
    """An action as a line of the palette, with its keys."""
    meaning = key.meaning if key.meaning != key.name else ""
    return Command(f"{place}: {key.name.lower()}", f"{key.keys}{f'  {meaning}' if meaning else ''}", do)
