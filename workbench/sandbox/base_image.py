"""Building the sandbox's base image: from a registry's images, or from the distribution's packages."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from workbench.sandbox.base_recipe import (
    BASE,
    LABEL_NOTE,
    LABEL_WAY,
    LATEST,
    REGISTRY_IMAGES,
    BaseNames,
    Way,
    base_labels,
    base_names,
    dockerfile,
)
from workbench.sandbox.builder import BuildError, build, only_one
from workbench.sandbox.daemon import connect, first_line
from workbench.sandbox.distribution import Host
from workbench.sandbox.rootfs import build_rootfs
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import Progress, Shell

if TYPE_CHECKING:
    from docker import DockerClient

_PROBE_SECONDS: Final = 8.0
_IMPORT_SECONDS: Final = 300.0
_WORK_PREFIX: Final = "agent-workbench-work-"
_WORK_SECONDS: Final = 86400.0


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A base image that is there: its name, its id, the way it was made, and what to know of it."""

    name: str
    id: str
    way: Way
    note: str


def names_for(host: Host) -> BaseNames:
    """The base image's names on this machine; Debian bookworm stands for every system without apt."""
    family, codename = distribution_for(host)
    return base_names(family, codename, host.debian_architecture)


def distribution_for(host: Host) -> tuple[str, str]:
    """Family and codename of the distribution whose packages make the root file system."""
    return (host.family, host.codename) if host.family and host.codename else ("debian", "bookworm")


def find_base(client: DockerClient, host: Host) -> BaseImage | None:
    """The base image of the current recipe, if it has been built.

    Raises:
        SandboxError: the daemon did not answer.
    """
    for name in names_for(host).by_preference:
        image = image_details(client, name)
        if image is not None:
            labels = image["Config"].get("Labels") or {}
            way: Way = "registry" if labels.get(LABEL_WAY) == "registry" else "distribution"
            return BaseImage(name, str(image["Id"]), way, str(labels.get(LABEL_NOTE, "")))
    return None


def image_details(client: DockerClient, name: str) -> Mapping[str, Any] | None:
    """What the daemon knows of a local image, None if it has none of that name.

    Raises:
        SandboxError: the daemon did not answer.
    """
    from docker.errors import DockerException, ImageNotFound

    try:
        return dict(_api(client).inspect_image(name))
    except ImageNotFound:
        return None
    except (DockerException, OSError) as error:
        raise SandboxError(f"Docker cannot tell whether the image {name} is there: {first_line(error)}") from error


def _api(client: DockerClient) -> Any:
    """The client's lower half, which has no types worth the name."""
    return client.api


def registry_trouble(client: DockerClient) -> str | None:
    """Why the registry's images cannot be had; None if they are here already or the daemon can reach the registry."""
    from docker.errors import DockerException

    if all(image_details(client, name) is not None for name in REGISTRY_IMAGES):
        return None
    with contextlib.closing(connect(_PROBE_SECONDS)) as hasty:
        try:
            _api(hasty).inspect_distribution(REGISTRY_IMAGES[0])
        except (DockerException, OSError) as error:
            return first_line(error)
    return None


def build_base(
    client: DockerClient, host: Host, shell: Shell, progress: Progress, *, way: Way | None = None
) -> BaseImage:
    """Build the base image: from the registry if it can be reached, else from the distribution's packages.

    `way` takes one of them without asking. Replaces nothing: an image of an older recipe stays.

    Raises:
        SandboxError: it can be built in neither way; the message tells why for each.
    """
    names = names_for(host)
    with only_one(BASE):
        trouble = registry_trouble(client) if way is None else ("" if way == "distribution" else None)
        if trouble is None:
            try:
                return _from_registry(client, names.registry, progress)
            except BuildError as error:
                if way == "registry":
                    raise
                trouble = str(error)
        if trouble:
            progress(f"no image from a container registry: {trouble.splitlines()[0]}")
        return _from_distribution(client, host, shell, progress, trouble)


def _from_registry(client: DockerClient, name: str, progress: Progress) -> BaseImage:
    note = "Python 3.12 and Node 22 on Debian bookworm, from the registry's images"
    labels = base_labels(name, "registry", note)
    identity = build(client, dockerfile_only(dockerfile()), tag=name, labels=labels, progress=progress)
    _tag_latest(client, name)
    return BaseImage(name, identity, "registry", note)


def dockerfile_only(text: str) -> IO[bytes]:
    """A build context that holds a Dockerfile and nothing else."""
    data = text.encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    context.seek(0)
    return context


def _from_distribution(client: DockerClient, host: Host, shell: Shell, progress: Progress, trouble: str) -> BaseImage:
    if host.family is None or not host.codename:
        raise SandboxError(
            "The base image needs a container registry on this system, and none can be reached: "
            f"{trouble or 'not tried'}. Without one it can be built on Debian and Ubuntu only."
        )
    name = names_for(host).distribution
    with work_folder() as folder:
        rootfs = build_rootfs(host, shell, folder, progress)
        why = f", because no container registry could be reached ({trouble.splitlines()[0]})" if trouble else ""
        note = f"{rootfs.contents}{why}"
        progress("importing the root file system into Docker")
        _import(rootfs.tar, name, [*rootfs.settings, *_label_lines(base_labels(name, "distribution", note))])
    _tag_latest(client, name)
    details = image_details(client, name)
    if details is None:
        raise SandboxError(f"Docker took the root file system but has no image {name}.")
    return BaseImage(name, str(details["Id"]), "distribution", note)


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """A folder on a real disk for some hundred MB, gone afterwards; what a crash left of one is gone after a day."""
    parent = Path("/var/tmp" if os.access("/var/tmp", os.W_OK) else tempfile.gettempdir())  # noqa: S108 - not in memory
    for old in parent.glob(f"{_WORK_PREFIX}*"):
        with contextlib.suppress(OSError):
            if old.stat().st_uid == os.getuid() and time.time() - old.stat().st_mtime > _WORK_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=parent))
    folder.chmod(0o755)  # apt's own user reads here
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _label_lines(labels: Mapping[str, str]) -> list[str]:
    """Labels as Dockerfile instructions; quotes, backslashes and dollars in a value are made harmless."""
    return [
        f'LABEL {name}="{"".join(c for c in value if c.isprintable() and c not in _SPECIAL)}"'
        for name, value in labels.items()
    ]


_SPECIAL = frozenset('"\\$')


def _import(tar: Path, name: str, changes: list[str]) -> None:
    from docker.errors import DockerException

    repository, _, tag = name.rpartition(":")
    try:
        with contextlib.closing(connect(_IMPORT_SECONDS)) as patient, tar.open("rb") as file:
            answer = str(_api(patient).import_image(file, repository, tag, changes=changes))
    except (DockerException, OSError) as error:
        raise SandboxError(f"Docker did not take the root file system: {first_line(error)}") from error
    if '"error"' in answer:
        raise SandboxError(f"Docker did not take the root file system: {answer.strip().splitlines()[-1][:300]}")


def _tag_latest(client: DockerClient, name: str) -> None:
    repository, _, tag = LATEST.rpartition(":")
    client.api.tag(name, repository, tag)
