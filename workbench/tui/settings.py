"""The user's own settings of the screen: `agent-workbench/screen.yaml` in the XDG configuration folder.

theme: workbench-light        # or any other theme that the palette offers
keys:                         # the id of an action, as help shows it, and the keys that shall do it
  main.run: f9
  timeline.next_error: e,ctrl+n
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.trace.terminal import one_line


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says; `problems` are sentences about what of it cannot be used."""

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()


def settings_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the file is."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(configured) if Path(configured).is_absolute() else Path.home() / ".config"
    return folder / "agent-workbench" / "screen.yaml"


def read_settings(path: Path) -> Settings:
    """The settings in a file, the usual ones if there is none; never raises for what a user may have written."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        return Settings(problems=(f"{path} cannot be read: {one_line(str(error))}",))
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return Settings(problems=(f"{path} is not YAML: {one_line(str(error))}",))
    if found is None:
        return Settings()
    if not isinstance(found, dict):
        return Settings(problems=(f"{path} must be a mapping with `theme` and `keys`",))
    problems = [f"{path}: unknown key {one_line(str(key))!r}" for key in found if key not in ("theme", "keys")]
    theme, keys = found.get("theme"), found.get("keys") or {}
    if theme is not None and not isinstance(theme, str):
        problems.append(f"{path}: theme must be a name")
        theme = None
    if not isinstance(keys, dict):
        problems.append(f"{path}: keys must map ids of actions to keys")
        keys = {}
    usable = {name: keys_ for name, keys_ in keys.items() if isinstance(name, str) and isinstance(keys_, str) and keys_}
    problems += [
        f"{path}: keys.{one_line(str(name))} must be keys such as f9 or ctrl+n" for name in keys if name not in usable
    ]
    return Settings(theme, usable, tuple(problems))
