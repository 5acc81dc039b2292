"""Which of the daemon's runtimes a sandbox gets: what the user chose, else one that was seen to be gVisor."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.sandbox.builder import cache_folder
from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.docker_engine import EngineFacts
from workbench.sandbox.runtimes import (
    OUR_RUNTIME,
    Runtime,
    gvisor_runtimes,
    known_trouble,
    prove,
    runsc_version,
)
from workbench.sandbox.sandbox import Proof, SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_FAILURE_HOLDS: Final = 3600.0
"""Seconds until a runtime that failed is tried again."""
_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found: `trouble` is None for a runtime that is gVisor. `at` is in seconds since the epoch."""

    trouble: str | None
    at: float


class VerdictFile:
    """Verdicts of earlier probes, so that a start need not probe again. Losing the file costs a probe, no more."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or cache_folder() / "runtimes.json"

    def find(self, key: str, now: float) -> Verdict | None:
        """The verdict under `key`, unless it was a failure and an hour has passed."""
        verdict = self._read().get(key)
        if verdict is None or verdict.trouble is None or 0 <= now - verdict.at < _FAILURE_HOLDS:
            return verdict
        return None

    def keep(self, key: str, verdict: Verdict) -> None:
        """Remember a verdict; quietly not, where the folder cannot be written."""
        newest = sorted({**self._read(), key: verdict}.items(), key=lambda item: item[1].at)[-_KEPT:]
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False, encoding="utf-8") as file:
                json.dump({name: asdict(kept) for name, kept in newest}, file)
            Path(file.name).replace(self._path)

    def _read(self) -> dict[str, Verdict]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        found = content.items() if isinstance(content, dict) else ()
        return {key: verdict for key, entry in found if (verdict := _verdict(entry)) is not None}


def _verdict(entry: object) -> Verdict | None:
    match entry:
        case {"trouble": str() | None as trouble, "at": int() | float() as at}:
            return Verdict(trouble, at)
    return None


def verdict_key(facts: EngineFacts, runtime: Runtime) -> str:
    """Names a runtime as it is now: another boot, daemon, binary or argument makes it another one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        boot = ""
    try:
        binary = Path(runtime.path).stat()
        stamp = [binary.st_size, binary.st_mtime_ns]
    except OSError:
        stamp = []
    parts = [facts.id, facts.version, facts.kernel, boot, runtime.name, runtime.path, list(runtime.args), stamp]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


Probe = Callable[[Runtime], Proof]


def choose_runtime(
    facts: EngineFacts, requested: str | None, probe: Probe, verdicts: VerdictFile, now: Callable[[], float] = time.time
) -> str:
    """The name of the runtime to use: `requested`, else the first that proves to be gVisor. Blocks while it probes.

    The order is `runsc`, then the one that `workbench setup` registers, then others whose binary is runsc, by name.

    Raises:
        SandboxError: the daemon has no such runtime, or none is gVisor; or the image cannot be looked into.
    """
    if requested is not None:
        if requested not in facts.runtimes:
            known = ", ".join(sorted(facts.runtimes))
            raise SandboxError(f"Docker has no runtime {requested!r}. It has: {known}.")
        return requested
    troubles: list[str] = []
    for runtime in _by_preference(facts.runtimes):
        trouble = _trouble(facts, runtime, probe, verdicts, now)
        if trouble is None:
            return runtime.name
        troubles.append(f"{runtime.name}: {trouble}")
    found = "; ".join(troubles) if troubles else "no runtime of this Docker daemon is runsc"
    raise SandboxError(
        f"No tool is run, because gVisor cannot be proven ({found}). Run `workbench setup` to install and register it. "
        "`--runtime runc` runs tools without gVisor, on this machine's own kernel."
    )


def _by_preference(runtimes: Mapping[str, Mapping[str, Any]]) -> Sequence[Runtime]:
    order = {"runsc": 0, OUR_RUNTIME: 1}
    return sorted(gvisor_runtimes(runtimes), key=lambda runtime: (order.get(runtime.name, 2), runtime.name))


def _trouble(
    facts: EngineFacts, runtime: Runtime, probe: Probe, verdicts: VerdictFile, now: Callable[[], float]
) -> str | None:
    """Why this runtime cannot be used, None if it can; from an earlier probe if there was one."""
    key = verdict_key(facts, runtime)
    known = verdicts.find(key, now())
    if known is not None:
        return known.trouble
    trouble = known_trouble(runtime, runsc_version(runtime.path), facts.kernel)
    if trouble is None:
        try:
            proof = probe(runtime)
            trouble = None if proof.gvisor else f"inside is {proof.kernel or 'an unknown kernel'}, which is not gVisor"
        except DaemonError as error:
            if not _is_the_runtimes_fault(error):
                return str(error)
            trouble = str(error)
    verdicts.keep(key, Verdict(trouble, now()))
    return trouble


def _is_the_runtimes_fault(error: DaemonError) -> bool:
    """Whether Docker said so itself: no time-out, no broken connection, no missing image (404)."""
    status = getattr(error.__cause__, "status_code", None)
    return status is not None and status != 404


def container_probe(client: DockerClient, image: str, host_kernel: str) -> Probe:
    """A probe that looks around in a short-lived container of `image`."""
    return lambda runtime: prove(client, runtime.name, image, host_kernel)
