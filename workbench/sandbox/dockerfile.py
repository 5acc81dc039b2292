"""`container.dockerfile`: building the user's own image, with errors that point into the Dockerfile."""

from __future__ import annotations

import contextlib
import hashlib
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from workbench.sandbox.base_image import image_details
from workbench.sandbox.base_recipe import LABEL_KIND, LABEL_NOTE, LABEL_PARENT, LABEL_RECIPE, REPOSITORY
from workbench.sandbox.builder import BuildError, build, only_one
from workbench.sandbox.daemon import connect
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import Progress

CONTEXT_BYTES: Final = 512 << 20
"""The most that the Dockerfile's folder may hold, without what .dockerignore names."""
CONTEXT_FILES: Final = 50_000
_BUILD_SECONDS: Final = 3600.0
NOTE: Final = "built from the agent's Dockerfile by the Docker daemon, under its default runtime and with network"


@dataclass(frozen=True, slots=True)
class Context:
    """What is sent to the daemon: files below `folder`, by relative path, sorted; `dockerfile` is one of them."""

    folder: Path
    dockerfile: str
    files: tuple[str, ...]


def built_image(dockerfile: Path, progress: Progress) -> tuple[str, str]:
    """Name and id of the image that the Dockerfile makes; built once, found again by the content of its folder.

    The daemon's builder cannot be told to use gVisor, so a Dockerfile's commands run as any `docker build` runs them:
    it is the user's own program. What they leave runs in gVisor only.

    Raises:
        BuildError: an instruction failed; the message has its line.
        SandboxError: there is no such file, its folder is too big, or the daemon did not answer.
    """
    context = read_context(dockerfile)
    text = dockerfile.read_text(encoding="utf-8", errors="replace")
    with contextlib.closing(connect(timeout=60)) as client:
        parents = [details["Id"] for name in base_references(text) if (details := image_details(client, name))]
        digest = context_digest(context, parents)
        name = f"{REPOSITORY}/dockerfile:{digest}"
        with only_one(name):
            if details := image_details(client, name):
                return name, str(details["Id"])
            progress(f"building {dockerfile}")
            labels = {LABEL_KIND: "dockerfile", LABEL_RECIPE: digest, LABEL_NOTE: NOTE, LABEL_PARENT: ",".join(parents)}
            try:
                with packed(context) as tar:
                    identity = build(
                        client,
                        tar,
                        tag=name,
                        labels=labels,
                        progress=progress,
                        dockerfile=context.dockerfile,
                        timeout=_BUILD_SECONDS,
                    )
            except BuildError as error:
                raise _with_line(error, dockerfile, text) from error
    return name, identity


def read_context(dockerfile: Path) -> Context:
    """The files that the build gets: the Dockerfile's folder without what its .dockerignore names.

    Raises:
        SandboxError: no such file, or the folder holds more than CONTEXT_BYTES or CONTEXT_FILES.
    """
    from docker.utils.build import exclude_paths

    if not dockerfile.is_file():
        raise SandboxError(f"container.dockerfile: there is no file {dockerfile}.")
    folder = dockerfile.parent
    ignored = _dockerignore(folder)
    names = sorted(exclude_paths(str(folder), ignored, dockerfile=dockerfile.name))
    total = sum(_size(folder / name) for name in names)
    if total > CONTEXT_BYTES or len(names) > CONTEXT_FILES:
        raise SandboxError(
            f"container.dockerfile: {folder} holds {total >> 20} MiB in {len(names)} files, and at most "
            f"{CONTEXT_BYTES >> 20} MiB in {CONTEXT_FILES} files can be sent to a build. "
            "Name what the build does not need in a .dockerignore there."
        )
    return Context(folder, dockerfile.name, tuple(names))


def _dockerignore(folder: Path) -> list[str]:
    try:
        lines = (folder / ".dockerignore").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _size(path: Path) -> int:
    seen = path.lstat()
    return seen.st_size if stat.S_ISREG(seen.st_mode) else 0


def context_digest(context: Context, parents: Sequence[str]) -> str:
    """Short digest of names, kinds, permissions and contents of the context, and of the images that it starts from."""
    digest = hashlib.sha256(repr((context.dockerfile, list(parents))).encode())
    for name in context.files:
        path = context.folder / name
        mode = path.lstat().st_mode
        digest.update(f"\0{name}\0{mode:o}\0".encode(errors="surrogateescape"))
        if stat.S_ISLNK(mode):
            digest.update(str(path.readlink()).encode(errors="surrogateescape"))
        elif stat.S_ISREG(mode):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def packed(context: Context) -> Iterator[IO[bytes]]:
    """The context as a tar file, gone afterwards."""
    from docker.utils.build import create_archive

    with contextlib.closing(create_archive(str(context.folder), files=list(context.files))) as tar:
        yield cast(IO[bytes], tar)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: the line on which it begins, from 1, and its text on one line."""

    line: int
    text: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile in order, as the daemon's builder counts its steps."""
    escape = "`" if re.search(r"(?im)\A(?:\s*#.*\n)*\s*#\s*escape\s*=\s*`", text) else "\\"
    found: list[Instruction] = []
    parts: list[str] = []
    begin = 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if not parts:
            begin = number
        continued = bare.endswith(escape)
        parts.append(bare[:-1].rstrip() if continued else bare)
        if not continued:
            found.append(Instruction(begin, " ".join(parts)))
            parts = []
    return [*found, Instruction(begin, " ".join(parts))] if parts else found


def base_references(text: str) -> list[str]:
    """Our own images that a Dockerfile starts FROM: it is built anew when they change."""
    named = (re.match(r"(?i)FROM\s+(?:--\S+\s+)*(\S+)", instruction.text) for instruction in instructions(text))
    return [match.group(1) for match in named if match and match.group(1).startswith(f"{REPOSITORY}/")]


def _with_line(error: BuildError, dockerfile: Path, text: str) -> BuildError:
    found = instructions(text)
    if error.step is None or not 1 <= error.step <= len(found):
        place = re.search(r"parse error (?:on )?line (\d+)", error.message)
        return BuildError(f"{dockerfile}{f':{place.group(1)}' if place else ''}: {error.message}", None, error.tail)
    failing = found[error.step - 1]
    tail = [line for line in error.tail if not line.startswith("Step ")]
    return BuildError(f"{dockerfile}:{failing.line}: {failing.text[:200]}\n  {error.message}", error.step, tail)
