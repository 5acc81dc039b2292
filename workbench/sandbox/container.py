"""What a sandbox's container is: the body of the request that creates it. Pure.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerCreate
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workbench.sandbox.guest.launch import MOUNT, SOURCE, WORKSPACE
from workbench.sandbox.sandbox import SandboxSpec

PROXY_PORT: Final = 3128
"""Where the proxy, the one way out, listens inside."""
_SHARED_MEMORY: Final = 64 << 20
_OPEN_FILES: Final = 65536
_PIDS_HEADROOM: Final = 256
_HOST_TASKS_PER_PROCESS: Final = 8


@dataclass(frozen=True, slots=True)
class ToolUser:
    """The user that tools run as, inside and, because /workspace is shared, outside."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> ToolUser:
        """1000 if we are root and can give the workspace to it; else ourselves, as we can give nothing away."""
        return cls(1000, 1000) if os.geteuid() == 0 else cls(os.geteuid(), os.getegid())


def container_body(
    spec: SandboxSpec,
    *,
    image: str,
    runtime: str,
    workspace: Path,
    guest: Path,
    command: Sequence[str],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """The body of `POST /containers/create` for a sandbox.

    The main process is the guest, which the workbench talks to over its standard input and output. It is attached
    before the start and `StdinOnce`, so the guest finds its input ended as soon as the workbench is gone in whatever
    way, ends itself, and `AutoRemove` removes the container. Against an exec in an idle container this also saves
    80 ms at the start, and Docker ends the streams when the container dies, which it does not for an exec under gVisor.
    """
    return {
        "Image": image,
        "Entrypoint": list(command),
        "Cmd": [],
        "User": "0:0",
        "WorkingDir": "/",
        "Hostname": "sandbox",
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "Labels": dict(labels),
        "Healthcheck": {"Test": ["NONE"]},
        "StopTimeout": 0,
        "Tty": False,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": _host_config(spec, runtime, workspace, guest),
    }


def _host_config(spec: SandboxSpec, runtime: str, workspace: Path, guest: Path) -> dict[str, Any]:
    container = spec.container
    mounts = [_bind(workspace, WORKSPACE, read_only=False), _bind(guest, MOUNT, read_only=True)]
    if spec.source is not None:
        mounts.append(_bind(spec.source.resolve(), SOURCE, read_only=True))
    return {
        "Runtime": runtime,
        "AutoRemove": True,
        "NetworkMode": "none",
        "IpcMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "CapAdd": ["SETUID", "SETGID", "KILL"],
        "SecurityOpt": ["no-new-privileges"],
        "Memory": container.memory_bytes,
        "MemorySwap": container.memory_bytes,
        "NanoCpus": round(container.cpus * 1e9),
        "PidsLimit": host_tasks(container.pids, runtime),
        "Ulimits": _limits(spec, runtime),
        "ShmSize": min(_SHARED_MEMORY, container.memory_bytes // 4),
        "Tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={container.memory_bytes // 2}"},  # noqa: S108
        "Mounts": mounts,
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
    }


def host_tasks(pids: int, runtime: str) -> int:
    """How many tasks of the host the container may have, for `pids` processes of tools.

    Under gVisor a process inside costs 2 (systrap) to 20 (ptrace, with threads) tasks outside, an idle sandbox 20 to
    50; and where the host refuses one, the sandbox's kernel crashes. So inside, `nproc` bounds the tools, and this
    bound is a second one far above it. Under runc, which has no kernel of its own, it is the only one.
    """
    if runtime == "runc":
        return pids + 16
    return _PIDS_HEADROOM + _HOST_TASKS_PER_PROCESS * pids


def _limits(spec: SandboxSpec, runtime: str) -> list[dict[str, Any]]:
    limits = {"core": 0, "fsize": spec.container.disk_bytes}
    if runtime != "runc":  # its limits are the host's: one may not be raised, and `nproc` counts the host's processes
        limits |= {"nproc": spec.container.pids, "nofile": _OPEN_FILES}
    return [{"Name": name, "Soft": value, "Hard": value} for name, value in limits.items()]


def _bind(source: Path, target: str, *, read_only: bool) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(source), "Target": target, "ReadOnly": read_only}
