"""Which image a sandbox is made from: the base image, the agent's own, and its packages on top."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.definition.agent import ContainerSettings
from workbench.sandbox.base_image import find_base, image_details, names_for
from workbench.sandbox.base_recipe import LABEL_KIND, LABEL_PARENT
from workbench.sandbox.builder import cache_folder
from workbench.sandbox.daemon import DaemonFacts, ask_daemon, connect, first_line
from workbench.sandbox.distribution import Host, read_host
from workbench.sandbox.dockerfile import NOTE, built_image
from workbench.sandbox.package_build import image_with_packages
from workbench.sandbox.package_client_config import host_client_config
from workbench.sandbox.package_specs import package_list
from workbench.sandbox.runtimes import gvisor_runtimes, run_in_container, usable_runtime
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import Progress, ignore_progress

if TYPE_CHECKING:
    from docker import DockerClient

OLDEST_PYTHON: Final = (3, 8)
"""What the guest needs of an image's python3."""
_PULL_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image that is there: the name that it is known by, its id, and what a person should know of it."""

    name: str
    id: str
    note: str = ""


def resolve_image(container: ContainerSettings, folder: Path, progress: Progress = ignore_progress) -> ImageRef:
    """The image for these settings; pulls or builds what is not there yet, which may take minutes.

    A relative `container.dockerfile` is below `folder`, the agent's. Blocking: call it in a thread. Every image that
    is not ours has been seen to run a python3 that the guest works with.

    Raises:
        SandboxError: it cannot be had, and why; PackageError and BuildError are kinds of it.
    """
    packages = package_list(container)
    host = read_host()
    with contextlib.closing(connect()) as client:
        if container.image or container.dockerfile:
            image = _own_image(client, container, folder, progress)
            _check_python(client, image, ask_daemon(client))
        else:
            image = _base_image(client, host)
        if not packages:
            return image
        facts = ask_daemon(client)
    extended = image_with_packages(image.id, packages, host_client_config(host), facts, progress)
    return ImageRef(extended.name, extended.id, "; ".join(filter(None, [image.note, extended.note])))


def _own_image(client: DockerClient, container: ContainerSettings, folder: Path, progress: Progress) -> ImageRef:
    if container.image:
        return _named_image(client, container.image, progress)
    name, identity = built_image(folder / (container.dockerfile or ""), progress)
    return ImageRef(name, identity, NOTE)


def _base_image(client: DockerClient, host: Host) -> ImageRef:
    base = find_base(client, host)
    if base is None:
        raise SandboxError("The sandbox's base image has not been built yet. Run `workbench setup`.")
    return ImageRef(base.name, base.id, base.note)


def _named_image(client: DockerClient, name: str, progress: Progress) -> ImageRef:
    """A local image of that name, else the registry's."""
    details = image_details(client, name)
    if details is None:
        _pull(name, progress)
        details = image_details(client, name)
    if details is None:
        raise SandboxError(f"container.image: Docker pulled {name} but has no image of that name.")
    return ImageRef(name, str(details["Id"]), f"container.image {name}")


def _pull(name: str, progress: Progress) -> None:
    from docker.errors import DockerException
    from docker.utils import parse_repository_tag

    progress(f"pulling {name}")
    repository, tag = parse_repository_tag(name)
    try:
        with contextlib.closing(connect(_PULL_SECONDS)) as patient:
            replies = patient.api.pull(repository, tag=tag or "latest", stream=True, decode=True)
            for reply in replies:
                if "error" in reply:
                    raise SandboxError(_pull_failure(name, str(reply["error"])))
                if not reply.get("progressDetail"):
                    progress(" ".join(filter(None, [str(reply.get("id") or ""), str(reply.get("status", ""))])))
    except (DockerException, OSError) as error:
        raise SandboxError(_pull_failure(name, first_line(error))) from error


def _pull_failure(name: str, why: str) -> str:
    text = why.lower()
    if any(
        sign in text for sign in ("manifest unknown", "not found: manifest", "pull access denied", "does not exist")
    ):
        hint = "Check the name and tag, or run `docker login` if the registry wants it."
    elif any(sign in text for sign in ("no such host", "dial tcp", "timeout", "refused", "unreachable", "tls", "x509")):
        hint = "The registry cannot be reached from here: use a local image, or container.dockerfile, or leave it out."
    else:
        hint = "Pull it with `docker pull` to see more."
    return f"container.image: {name} is not a local image and cannot be pulled: {why}\n  {hint}"


def _check_python(client: DockerClient, image: ImageRef, facts: DaemonFacts) -> None:
    """Refuse an image whose python3 cannot run the guest; what was seen once is remembered by the image's id."""
    from docker.errors import DockerException

    seen = cache_folder() / "python-checked" / image.id.rpartition(":")[2]
    if seen.exists():
        return
    command = ["python3", "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        runtime = usable_runtime(gvisor_runtimes(facts.runtimes), facts.kernel)
        output = run_in_container(client, image.id, command, runtime=runtime.name if runtime else None)
        version = tuple(int(part) for part in output.split()[-2:])
    except (DockerException, OSError, ValueError, SandboxError) as error:
        raise SandboxError(
            f"The image {image.name} has no python3 that runs, and the sandbox's guest needs one: {first_line(error)}"
        ) from error
    if version < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise SandboxError(
            f"The image {image.name} has Python {version[0]}.{version[1]}; the guest needs {wanted} or newer."
        )
    seen.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    seen.touch()


@dataclass(frozen=True, slots=True)
class UnusedImage:
    """An image of ours that nothing needs any more; `size` is in bytes, layers that others share included."""

    name: str
    id: str
    size: int
    why: str


def unused_images(client: DockerClient, host: Host, keep: Collection[str] = ()) -> Sequence[UnusedImage]:
    """Images of ours that no recipe names any more: old base images and what was built on them. Removes nothing.

    `keep` are image ids that are in use.

    Raises:
        SandboxError: the daemon did not answer.
    """
    from docker.errors import DockerException

    try:
        images: Sequence[Mapping[str, Any]] = client.api.images(filters={"label": LABEL_KIND})
    except (DockerException, OSError) as error:
        raise SandboxError(f"Docker did not list its images: {first_line(error)}") from error
    current = {details["Id"] for name in names_for(host).by_preference if (details := image_details(client, name))}
    return [unused for image in images if (unused := _unused(image, images, current | set(keep)))]


def _unused(image: Mapping[str, Any], images: Sequence[Mapping[str, Any]], used: Collection[str]) -> UnusedImage | None:
    labels = image.get("Labels") or {}
    tags = [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"]
    if image["Id"] in used:
        return None
    if labels[LABEL_KIND] == "base":
        why = "a base image of another recipe"
    elif parents := [parent for parent in str(labels.get(LABEL_PARENT, "")).split(",") if parent]:
        ours = {other["Id"] for other in images if (other.get("Labels") or {}).get(LABEL_KIND) == "base"}
        outdated = any(parent in ours and parent not in used for parent in parents)
        why = "built on a base image of another recipe" if outdated else ""
    else:
        why = ""
    if not why:
        return None
    identity = str(image["Id"])
    name = tags[0] if tags else identity.removeprefix("sha256:")[:12]
    return UnusedImage(name, identity, int(image.get("Size") or 0), why)
