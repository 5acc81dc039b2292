"""An agent's offline script, loaded: its rules with the lines that they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.jsontypes import JsonValue
from workbench.model.offline_schema import ChoicePart, ErrorPart, PacePart, ReplyPart, RoutePart, WhenPart

FILE_NAME = "offline.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, or a group of rules that share a condition. `key` tells it from all others."""

    name: str
    line: int
    key: str
    when: WhenPart
    reply: ReplyPart | None = None
    errors: Sequence[ErrorPart] = ()
    rules: Sequence[Rule] = ()

    def error_at(self, attempts: int) -> ErrorPart | None:
        """What goes wrong after so many attempts, None if nothing does any more."""
        for error in self.errors:
            if error.times is None or attempts < error.times:
                return error
            attempts -= error.times
        return None

    @property
    def title(self) -> str:
        """The rule as messages call it."""
        return f"{FILE_NAME}:{self.line} '{self.name}'"


@dataclass(frozen=True, slots=True)
class Route:
    """A request to a REST API and its answer, and the line that it stands on."""

    line: int
    part: RoutePart

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.part.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The pattern of the path."""
        return self.part.request.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class OfflineScript:
    """The script of the agent in `folder`. `routes` are the answers of REST APIs by the name of the http server."""

    folder: Path
    path: Path
    rules: Sequence[Rule]
    pace: PacePart = field(default_factory=PacePart)
    values: Mapping[str, JsonValue] = field(default_factory=dict)
    choices: Mapping[str, ChoicePart] = field(default_factory=dict)
    routes: Mapping[str, Sequence[Route]] = field(default_factory=dict)
