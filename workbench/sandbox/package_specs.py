"""`container.packages`: what a package may be called, so that no name is an option, a path or a command."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.definition.agent import ContainerSettings
from workbench.sandbox.sandbox import SandboxError

Manager = Literal["apt", "npm", "pip"]

MANAGERS: Final[tuple[Manager, ...]] = ("apt", "npm", "pip")
"""In the order in which they are installed: what npm and pip build may need what apt brings."""

_PIP_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PIP_VERSION = r"\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*"
_NPM_NAME = r"[a-z0-9][a-z0-9._~-]*"
_PATTERNS: Final[Mapping[Manager, re.Pattern[str]]] = {
    "pip": re.compile(rf"{_PIP_NAME}(?:\[{_PIP_NAME}(?:,\s*{_PIP_NAME})*\])?(?:{_PIP_VERSION}(?:,{_PIP_VERSION})*)?"),
    "npm": re.compile(rf"(?:@{_NPM_NAME}/)?{_NPM_NAME}(?:@[A-Za-z0-9.^~<>=*+ |-]+)?", re.IGNORECASE),
    "apt": re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+](?::[a-z0-9]+)?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?"),
}
_EXAMPLES: Final[Mapping[Manager, str]] = {
    "pip": "`requests`, `requests==2.32.3`, `httpx[http2]>=0.27,<1`",
    "npm": "`typescript`, `typescript@5.9.3`, `@modelcontextprotocol/server-filesystem@^2026.8`",
    "apt": "`imagemagick`, `libxml2-utils=2.9.14+dfsg-1.3`",
}


class PackageError(SandboxError):
    """A package of `container.packages` has no valid name, or could not be had or installed."""


@dataclass(frozen=True, slots=True)
class PackageList:
    """The packages of one agent, by manager; names are valid."""

    apt: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.apt or self.npm or self.pip)

    def of(self, manager: Manager) -> tuple[str, ...]:
        """The packages of one manager."""
        return {"apt": self.apt, "npm": self.npm, "pip": self.pip}[manager]


def package_list(container: ContainerSettings) -> PackageList:
    """The packages that the settings name, sorted and each once.

    Raises:
        PackageError: a name is not one of its manager's; all such names are told at once.
    """
    given: Mapping[Manager, Sequence[str]] = {"apt": container.apt, "npm": container.npm, "pip": container.pip}
    wrong = [wrong_name(manager, spec) for manager in MANAGERS for spec in given[manager]]
    if told := [text for text in wrong if text]:
        raise PackageError("\n".join(told))
    clean = {manager: tuple(sorted({spec.strip() for spec in given[manager]})) for manager in MANAGERS}
    return PackageList(**clean)


def wrong_name(manager: Manager, spec: str) -> str | None:
    """What is wrong with a package's name, None if it is a name with at most a version."""
    if _PATTERNS[manager].fullmatch(spec.strip()):
        return None
    return (
        f"container.packages.{manager}: {spec!r} is not a package name with an optional version. "
        f"Expected something like {_EXAMPLES[manager]}; URLs, paths and options are not allowed."
    )


def package_name(spec: str) -> str:
    """The bare name of a package, without version and extras."""
    return re.split(r"[\s\[<>=!~:]", spec[:1] + spec[1:].partition("@")[0])[0]


def packages_digest(parent_id: str, packages: PackageList, recipe: str) -> str:
    """Short digest of what an image with these packages is made from."""
    return hashlib.sha256(repr((parent_id, packages, recipe)).encode()).hexdigest()[:16]


def culprits(packages: Sequence[str], output: Sequence[str]) -> list[str]:
    """The packages that the manager's error lines name; all of them if none is named."""
    text = "\n".join(line for line in output if re.search(r"(?i)\b(E|err|error|404|failed|fatal)\b", line))
    named = [spec for spec in packages if re.search(rf"(?<![\w-]){re.escape(package_name(spec))}(?![\w-])", text)]
    return named or list(packages)
