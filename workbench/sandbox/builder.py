"""Building an image through the daemon's own builder, line by line, with errors that name the failing instruction."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from workbench.sandbox.daemon import first_line
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import Progress, without_passwords

if TYPE_CHECKING:
    from docker import DockerClient

_SILENCE: Final = 900
"""Seconds that a build may print nothing."""
_BOOKKEEPING = re.compile(r" ---> |Removing intermediate container |Successfully (built|tagged) ")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class BuildError(SandboxError):
    """An image could not be built: `step` is the number of the failing instruction, from 1, if it came to that."""

    def __init__(self, message: str, step: int | None = None, tail: Sequence[str] = ()) -> None:
        self.message = message
        self.step = step
        self.tail = tuple(tail)
        super().__init__("\n  ".join([message, *self.tail]))


def build(
    client: DockerClient,
    context: IO[bytes],
    *,
    tag: str,
    labels: Mapping[str, str],
    progress: Progress,
    dockerfile: str = "Dockerfile",
    timeout: float = 1800.0,
) -> str:
    """Build the context, a tar file, and give the image's id. Uses the builder in the daemon: no buildx is needed.

    The instructions run under the daemon's default runtime with its default network: that builder can take no other.

    Raises:
        BuildError: an instruction failed, the Dockerfile is wrong, or the build took longer than `timeout` seconds.
    """
    from docker.errors import DockerException

    try:
        replies = client.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            tag=tag,
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
            timeout=_SILENCE,
            use_config_proxy=True,
        )
        _follow(replies, progress, time.monotonic() + timeout, timeout)
        return str(client.images.get(tag).id)
    except (DockerException, OSError) as error:
        raise BuildError(without_passwords(first_line(error))) from error


def _follow(replies: Iterator[Mapping[str, Any]], progress: Progress, end: float, timeout: float) -> None:
    step: int | None = None
    tail: deque[str] = deque(maxlen=12)
    for reply in replies:
        if "error" in reply:
            raise BuildError(without_passwords(str(reply["error"]).strip()), step, tail)
        for line in clean_lines(str(reply.get("stream") or _layer_line(reply))):
            if match := re.match(r"Step (\d+)/\d+ : ", line):
                step = int(match.group(1))
                tail.clear()
            elif _BOOKKEEPING.match(line):
                continue
            if "LABEL agent-workbench." not in line:
                tail.append(line)
                progress(line)
        if time.monotonic() > end:
            raise BuildError(f"The build took longer than {timeout:g} s.", step, tail)


def _layer_line(reply: Mapping[str, Any]) -> str:
    """A line for what is pulled, without one for each few bytes."""
    status = str(reply.get("status", ""))
    return "" if reply.get("progressDetail") else " ".join(filter(None, [status, str(reply.get("id") or "")]))


def clean_lines(text: str) -> list[str]:
    """The lines of a program's output that say something, without control characters and passwords."""
    lines = (_ANSI.sub("", line).rstrip() for line in without_passwords(text).splitlines())
    return [line for line in lines if line]


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Let one process or thread at a time make the image `name`; the others wait, then find it made."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / re.sub(r"[^\w.-]", "_", name)).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cache_folder() -> Path:
    """Where this user's caches of ours are: $XDG_CACHE_HOME/agent-workbench."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agent-workbench"
