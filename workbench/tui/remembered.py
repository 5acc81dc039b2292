"""What the screen remembers from one start to the next: layout and theme, and per agent its last run and filter.

It lives in the XDG state folder, never in the project, and is written whole. What cannot be read counts as nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from workbench.jsontypes import JsonValue

T = TypeVar("T", bool, int, str)


def state_home(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder `agent-workbench` in the XDG state folder."""
    configured = environment.get("XDG_STATE_HOME", "")
    folder = Path(configured) if Path(configured).is_absolute() else Path.home() / ".local" / "state"
    return folder / "agent-workbench"


class Remembered:
    """Named values of one file. `get` gives a value only if it has the type of its default."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _read(path)
        self._changed = False

    @classmethod
    def of_screen(cls) -> Remembered:
        """What holds for all agents: sizes, the theme."""
        return cls(state_home() / "screen.json")

    @classmethod
    def of_agent(cls, folder: Path) -> Remembered:
        """What holds for the agent in `folder`."""
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        return cls(state_home() / "agents" / f"{name}.json")

    def get(self, name: str, default: T) -> T:
        """The value that is remembered under `name`, else `default`."""
        value = self._values.get(name)
        return value if type(value) is type(default) else default

    def set(self, name: str, value: bool | int | str) -> None:
        """Remember `value` from the next `save` on."""
        self._changed = self._changed or self._values.get(name) != value
        self._values[name] = value

    def forget(self, name: str) -> None:
        """Forget what is remembered under `name`."""
        self._changed = self._values.pop(name, None) is not None or self._changed

    def save(self) -> None:
        """Write the file if anything changed; a state folder that cannot be written is no reason to fail."""
        if not self._changed:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=".screen-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._values, file, indent=1, sort_keys=True)
            Path(name).replace(self._path)
            self._changed = False


def _read(path: Path) -> dict[str, JsonValue]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
