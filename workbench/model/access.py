"""What the environment offers to reach a model with, told in microseconds: nothing is imported, nothing is sent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Credential = Literal["key", "token", "profile", "federation"]

_FEDERATION = ("ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_ORGANIZATION_ID")
_IDENTITY = ("ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_IDENTITY_TOKEN_FILE")


@dataclass(frozen=True, slots=True)
class Access:
    """How a model can be reached.

    `credential` is the kind that the SDK would use, in its order, and `origin` where it comes from: a variable's name
    or a file. Neither ever holds the secret. `endpoint` is the base URL where one is set, without user and query.
    """

    credential: Credential | None
    origin: str | None
    endpoint: str | None

    @property
    def possible(self) -> bool:
        """Whether there is anything to ask: an endpoint may need no credential, the vendor's API does."""
        return self.credential is not None or self.endpoint is not None


def model_access(environment: Mapping[str, str]) -> Access:
    """What `environment` offers; looks for a profile on disk, but opens no secret."""
    credential, origin = _credential(environment)
    url = environment.get("ANTHROPIC_BASE_URL", "").strip()
    return Access(credential, origin, public_url(url) if url else None)


def public_url(url: str) -> str:
    """The URL without user, password, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _credential(environment: Mapping[str, str]) -> tuple[Credential | None, str | None]:
    """The first of the SDK's sources: key, token, named profile, federation, active profile."""
    if environment.get("ANTHROPIC_API_KEY"):
        return "key", "ANTHROPIC_API_KEY"
    if environment.get("ANTHROPIC_AUTH_TOKEN"):
        return "token", "ANTHROPIC_AUTH_TOKEN"
    if environment.get("ANTHROPIC_PROFILE"):
        return "profile", "ANTHROPIC_PROFILE"
    if all(environment.get(name) for name in _FEDERATION) and any(environment.get(name) for name in _IDENTITY):
        return "federation", _FEDERATION[0]
    profile = _active_profile(environment)
    return ("profile", str(profile)) if profile else (None, None)


def _active_profile(environment: Mapping[str, str]) -> Path | None:
    """The file of the profile that is active on this machine, None if there is none."""
    folder = _config_folder(environment)
    if folder is None:
        return None
    try:
        name = (folder / "active_config").read_text(encoding="utf-8").strip() or "default"
    except (OSError, ValueError):
        name = "default"
    if name != Path(name).name or name.startswith("."):
        return None
    path = folder / "configs" / f"{name}.json"
    try:
        return path if path.is_file() else None
    except OSError:
        return None


def _config_folder(environment: Mapping[str, str]) -> Path | None:
    if folder := environment.get("ANTHROPIC_CONFIG_DIR"):
        return Path(folder)
    if sys.platform == "win32":
        data = environment.get("APPDATA")
        return Path(data) / "Anthropic" if data else None
    home = environment.get("HOME")
    return Path(home) / ".config" / "anthropic" if home else None
