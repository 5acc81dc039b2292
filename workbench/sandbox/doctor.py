"""`workbench doctor`: what this machine has and lacks to run agents in gVisor, each with what mends it."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from workbench.model.access import model_access
from workbench.sandbox.base_image import BaseImage, find_base
from workbench.sandbox.daemon import DaemonError, DaemonFacts, ask_daemon, connect
from workbench.sandbox.distribution import Host, read_host
from workbench.sandbox.image import unused_images
from workbench.sandbox.runtimes import Runtime, gvisor_runtimes, known_trouble, prove, runsc_version
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.setup_steps import describe_proof
from workbench.sandbox.shell import find_program

if TYPE_CHECKING:
    from docker import DockerClient

CheckState = Literal["ok", "warning", "missing", "failed", "skipped"]
SETUP: Final = "workbench setup"
_LITTLE_DISK: Final = 5 << 30
_NO_DISK: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the diagnosis: what was looked at, what was found, and the one command that mends it, if any.

    `skipped` could not be looked at because of an earlier line; `warning` is no obstacle.
    """

    name: str
    state: CheckState
    found: str
    mend: str | None = None


def diagnose(
    folder: Path, *, runtime: str | None = None, environment: Mapping[str, str] | None = None
) -> Sequence[Check]:
    """Look at everything, quickly and without changing anything. Takes about a second; blocking.

    `folder` is where `.workbench` is or will be; `runtime` is the one that runs would ask for, None for the best.
    Never raises for what is wrong with the machine.
    """
    host = read_host()
    with ThreadPoolExecutor(max_workers=3) as pool:
        daemon = pool.submit(_guarded, "Docker daemon", lambda: _daemon_checks(host, folder, runtime))
        runsc = pool.submit(_guarded, "runsc", lambda: [_runsc_check()])
        here = [_system_check(host), _python_check(), _client_check(), _access_check(environment or os.environ)]
        return [*here[:3], *_join(daemon.result(), runsc.result()), here[3]]


def _join(daemon: Sequence[Check], runsc: Sequence[Check]) -> list[Check]:
    """The daemon's own line, runsc, then what needs the daemon. A runtime elsewhere needs no runsc here."""
    [program] = runsc[:1]
    proven = any(check.name == "gVisor proven" and check.state == "ok" for check in daemon)
    if program.state == "missing" and proven:
        program = Check("runsc", "ok", "not on this machine; the daemon has it")
    return [*daemon[:1], program, *daemon[1:]]


def _guarded(name: str, look: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    """What a group of checks found; a check that cannot be made is a line too, not a traceback."""
    try:
        return look()
    except (SandboxError, OSError) as error:
        return [Check(name, "failed", str(error), SETUP)]


def _system_check(host: Host) -> Check:
    found = f"{host.name}, {host.machine}, kernel {host.kernel}{', WSL' if host.wsl else ''}"
    if host.runs_gvisor:
        return Check("system", "ok", found)
    return Check("system", "failed", f"{found}: gVisor needs Linux on x86_64 or arm64", SETUP)


def _python_check() -> Check:
    return Check("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def _client_check() -> Check:
    try:
        import docker
    except ImportError as error:
        return Check("Docker client", "missing", f"the Docker SDK for Python: {error}", "pip install 'docker>=7.2'")
    program = find_program("docker")
    return Check(
        "Docker client", "ok", f"SDK {docker.__version__}, {program or 'no docker command, which is not needed'}"
    )


def _access_check(environment: Mapping[str, str]) -> Check:
    access = model_access(environment)
    if access.possible:
        at = f" at {access.endpoint}" if access.endpoint else ""
        return Check("model", "ok", f"{f'{access.credential} from {access.origin}' if access.origin else 'no key'}{at}")
    found = "no API key, profile or endpoint: only offline.yaml scripts answer"
    return Check("model", "warning", found, "export ANTHROPIC_API_KEY=...")


def _runsc_check() -> Check:
    program = find_program("runsc")
    if program is None:
        return Check("runsc", "missing", "not installed", SETUP)
    version = runsc_version(program)
    if version is None:
        return Check("runsc", "failed", f"{program} does not run", SETUP)
    return Check("runsc", "ok", f"{version} ({program})")


def _daemon_checks(host: Host, folder: Path, wanted: str | None) -> list[Check]:
    try:
        client = connect(timeout=30)
    except DaemonError as error:
        state: CheckState = "missing" if error.reason in {"sdk", "not running"} else "failed"
        why = "needs the Docker daemon"
        rest = [Check(name, "skipped", why) for name in ("gVisor runtime", "base image", "gVisor proven")]
        return [Check("Docker daemon", state, _with_causes(host, error), error.mend), *rest, _disk_check(folder)]
    with contextlib.closing(client):
        facts = ask_daemon(client)
        base = find_base(client, host)
        chosen = _choose(facts, wanted)
        checks = [_engine_check(facts), _runtime_check(facts, wanted, chosen), _base_check(base)]
        checks += [_proof_check(client, facts, base, chosen), *_unused_check(client, host)]
        return [*checks, _disk_check(folder, facts)]


def _with_causes(host: Host, error: DaemonError) -> str:
    if error.reason != "not running" or host.system != "Linux":
        return str(error)
    absent = [name for name in ("dockerd", "iptables") if find_program(name) is None]
    return (
        f"{error}{f' Not installed: {chr(44).join(absent)}.' if absent else ' dockerd is installed, but not running.'}"
    )


def _engine_check(facts: DaemonFacts) -> Check:
    found = f"{facts.kind} {facts.version}, kernel {facts.kernel}, data in {facts.root}"
    if facts.kind == "podman":
        return Check("Docker daemon", "failed", f"{found}: Podman ignores the runtime that it is asked for", SETUP)
    if facts.kind in {"desktop", "remote"}:
        return Check("Docker daemon", "warning", f"{found}: not on this machine, so folders may not be shared with it")
    return Check("Docker daemon", "ok", found)


def _choose(facts: DaemonFacts, wanted: str | None) -> Runtime | None:
    """The runtime to prove: the one that is wanted, else the first that may work."""
    found = gvisor_runtimes(facts.runtimes)
    if wanted is not None:
        return next((runtime for runtime in found if runtime.name == wanted), None)
    return next((runtime for runtime in found if not _trouble(runtime, facts)), None)


def _trouble(runtime: Runtime, facts: DaemonFacts) -> str | None:
    return known_trouble(runtime, runsc_version(runtime.path), facts.kernel)


def _runtime_check(facts: DaemonFacts, wanted: str | None, chosen: Runtime | None) -> Check:
    name = "gVisor runtime"
    if chosen is not None:
        trouble = _trouble(chosen, facts)
        found = f"{chosen.name}: {' '.join([chosen.path, *chosen.args])}"
        return Check(name, "failed", f"{found}: {trouble}", SETUP) if trouble else Check(name, "ok", found)
    if wanted is not None:
        known = ", ".join(sorted(facts.runtimes))
        return Check(name, "failed", f"{wanted} is no gVisor runtime of this daemon, which has {known}", SETUP)
    troubles = [f"{runtime.name}: {_trouble(runtime, facts)}" for runtime in gvisor_runtimes(facts.runtimes)]
    if troubles:
        return Check(name, "failed", "; ".join(troubles), SETUP)
    return Check(name, "missing", "none is registered with the daemon", SETUP)


def _base_check(base: BaseImage | None) -> Check:
    if base is None:
        return Check("base image", "missing", "not built, or by another version of the workbench", SETUP)
    return Check("base image", "ok", f"{base.name} ({base.id.removeprefix('sha256:')[:12]}): {base.note}")


def _proof_check(client: DockerClient, facts: DaemonFacts, base: BaseImage | None, runtime: Runtime | None) -> Check:
    name = "gVisor proven"
    if base is None or runtime is None:
        return Check(name, "skipped", "needs a gVisor runtime and the base image")
    if _trouble(runtime, facts):
        return Check(name, "skipped", "not tried, because the runtime cannot start")
    try:
        proof = prove(client, runtime.name, base.id, facts.kernel)
    except SandboxError as error:
        return Check(name, "failed", str(error), SETUP)
    return Check(name, "ok" if proof.gvisor else "failed", describe_proof(proof), None if proof.gvisor else SETUP)


def _unused_check(client: DockerClient, host: Host) -> list[Check]:
    """A line only if there is something that may go."""
    unused = unused_images(client, host)
    if not unused:
        return []
    total = sum(image.size for image in unused) / 1e9
    found = f"{len(unused)} that no recipe needs any more, up to {total:.1f} GB: {', '.join(i.name for i in unused)}"
    return [Check("old images", "warning", found, f"docker image rm {' '.join(image.name for image in unused)}")]


def _disk_check(folder: Path, facts: DaemonFacts | None = None) -> Check:
    """Free space where traces and workspaces go, and where Docker's data is."""
    places = {"here": folder, **({"Docker": facts.root} if facts and facts.kind == "engine" else {})}
    free = {name: space for name, path in places.items() if (space := _free(path)) is not None}
    if not free:
        return Check("disk", "warning", "free space cannot be read")
    found = ", ".join(f"{space / 1e9:.1f} GB free ({name}: {places[name]})" for name, space in free.items())
    least = min(free, key=lambda name: free[name])
    if free[least] >= _LITTLE_DISK:
        return Check("disk", "ok", found)
    mend = "docker system prune" if facts else f"du -sh {folder}"
    return Check("disk", "failed" if free[least] < _NO_DISK else "warning", found, mend)


def _free(path: Path) -> int | None:
    """Free bytes at the nearest folder above `path` that exists."""
    for place in [path, *path.parents]:
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return None
