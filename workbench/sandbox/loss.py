"""Why a sandbox was lost, in a person's words."""

from __future__ import annotations

from workbench.definition.agent import ContainerSettings

_KILLED = 128 + 9
_SENTRY_CRASH = 2


def why_it_died(exit_code: int, out_of_memory: bool, container: ContainerSettings, last_words: str = "") -> str:
    """Why a container ended that nobody of us ended.

    `out_of_memory` says that the kernel killed something in it for memory; `last_words` is the end of what the guest
    wrote to its standard error. Measured under gVisor: the sandbox's kernel, the sentry, ends with exit code 2 when
    the host refuses it a thread (a fork bomb), and with 137 when the host kills it.
    """
    if out_of_memory:
        return (
            f"it ran out of memory: container.memory in agent.yaml allows {size(container.memory_bytes)} "
            "for all processes and /tmp together"
        )
    if exit_code == _SENTRY_CRASH and not last_words:
        return (
            "its kernel crashed (exit code 2), most often because a tool started too many processes or threads at "
            f"once (container.pids in agent.yaml is {container.pids})"
        )
    if exit_code == _KILLED:
        return "it was killed from outside of the workbench (exit code 137)"
    said = f": {last_words.splitlines()[-1]}" if last_words else ""
    return f"its main process ended with exit code {exit_code}{said}"


def size(count: int) -> str:
    """Bytes as a person writes them: 512 MiB, 1.5 GiB."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{count} bytes"
