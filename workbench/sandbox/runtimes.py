"""gVisor runtimes of the Docker daemon: which there are, which cannot work, and the proof from within."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from workbench.sandbox.daemon import DaemonError, first_line
from workbench.sandbox.leftovers import temporary_labels
from workbench.sandbox.sandbox import Proof, SandboxError
from workbench.sandbox.shell import SYSTEM_PATH

if TYPE_CHECKING:
    from docker import DockerClient

OUR_RUNTIME: Final = "workbench-runsc"
"""The runtime that `workbench setup` registers."""
PLATFORMS: Final = ("systrap", "ptrace")
"""gVisor's ways to intercept system calls, in the order in which they are tried."""
_FIXED_RELEASE: Final = 20240801
"""The first runsc whose network test knows kernels from 6.11 on (google/gvisor#10704)."""
_LOOK_AROUND: Final = (
    'printf "%s\\n" "$(dmesg 2>/dev/null | head -n 1)"; uname -r; cat /proc/version; '
    "tail -n +3 /proc/net/dev | cut -d: -f1"
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime as the daemon has it."""

    name: str
    path: str
    args: tuple[str, ...] = ()

    @property
    def is_gvisor(self) -> bool:
        """True if its name or its binary says runsc. A claim, not a proof."""
        return "runsc" in PurePath(self.path).name or "runsc" in self.name


def gvisor_runtimes(runtimes: Mapping[str, Mapping[str, Any]]) -> list[Runtime]:
    """The daemon's runtimes that claim to be gVisor: ours, the one called `runsc`, then the others by name."""
    found = [_runtime(name, entry) for name, entry in runtimes.items()]
    order = {OUR_RUNTIME: 0, "runsc": 1}
    return sorted((r for r in found if r.is_gvisor), key=lambda r: (order.get(r.name, 2), r.name))


def _runtime(name: str, entry: Mapping[str, Any]) -> Runtime:
    path = str(entry.get("path") or entry.get("runtimeType") or "")
    return Runtime(name, path, tuple(str(argument) for argument in entry.get("runtimeArgs") or ()))


def runsc_version(path: str) -> str | None:
    """What `runsc --version` says, such as `release-20240729.0`; None if it cannot be run."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False, env={"PATH": SYSTEM_PATH}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"runsc version (\S+)", done.stdout)
    return match.group(1) if done.returncode == 0 and match else None


def known_trouble(runtime: Runtime, version: str | None, kernel: str) -> str | None:
    """Why starting a container under `runtime` would fail for certain, or hang; None if it may be tried.

    Asked before every probe: a start that fails this way leaves processes behind that no command of Docker removes.
    """
    if "--platform=kvm" in runtime.args and not Path("/dev/kvm").exists():
        return "it is set to the platform kvm, and there is no /dev/kvm"
    release = re.search(r"(\d{8})", version or "")
    own_network = not any(argument in runtime.args for argument in ("--network=none", "--network=host"))
    if own_network and release and int(release.group(1)) < _FIXED_RELEASE and _kernel(kernel) >= (6, 11):
        return f"runsc {version} is older than this kernel ({kernel}) allows, unless it runs with --network=none"
    return None


def usable_runtime(runtimes: Sequence[Runtime], kernel: str) -> Runtime | None:
    """The first of the runtimes that may be tried on this kernel; None if there is none."""
    for runtime in runtimes:
        if known_trouble(runtime, runsc_version(runtime.path), kernel) is None:
            return runtime
    return None


def _kernel(release: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def prove(client: DockerClient, runtime: str, image: str, host_kernel: str, timeout: float = 30.0) -> Proof:
    """Run a short container of `image` under `runtime` and look around inside it.

    `host_kernel` is the kernel release that the daemon reports. Use an image of our own: another one could lie.

    Raises:
        DaemonError: the container could not be run; the message tells what Docker or the runtime said.
    """
    from docker.errors import DockerException

    try:
        lines = run_in_container(client, image, ["sh", "-c", _LOOK_AROUND], runtime=runtime, timeout=timeout)
    except (DockerException, OSError) as error:
        raise DaemonError(f"No container starts under the runtime {runtime}: {first_line(error)}") from error
    return judge(lines.splitlines(), runtime, host_kernel)


def judge(lines: Sequence[str], runtime: str, host_kernel: str) -> Proof:
    """The proof from what the container printed: boot message, kernel release, kernel version, interfaces.

    gVisor only if its kernel says so in its boot message and is not the host's.
    """
    boot, kernel, version, *interfaces = [*lines, "", "", ""][: max(len(lines), 3)]
    genuine = "gVisor" in boot and bool(kernel) and kernel != host_kernel and host_kernel not in version
    names = tuple(name for line in interfaces if (name := line.strip()))
    return Proof(genuine, runtime, kernel.strip(), host_kernel, boot.strip(), names)


def run_in_container(
    client: DockerClient, image: str, command: Sequence[str], *, runtime: str | None = None, timeout: float = 30.0
) -> str:
    """What a short command prints in a container with no network, no capabilities and a read-only root.

    Raises:
        docker.errors.DockerException, OSError: Docker could not create, start or watch it.
        SandboxError: the command failed, or took longer than `timeout` seconds.
    """
    container = client.containers.create(
        image,
        list(command),
        entrypoint=[],
        runtime=runtime,
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="512m",
        pids_limit=1024,
        labels=dict(temporary_labels("look")),
    )
    try:
        container.start()
        code = int(container.wait(timeout=timeout).get("StatusCode", -1))
        output = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True, v=True)
    if code:
        last = output.strip().splitlines()[-1:] or ["no output"]
        raise SandboxError(f"`{command[0]}` in {image} ended with exit code {code}: {last[0]}")
    return output
