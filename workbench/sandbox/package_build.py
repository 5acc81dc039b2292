"""An image with more packages: fetched with network but without running them, installed in gVisor without network.

What a package runs while it is installed (Debian's maintainer scripts, npm's install scripts) is code from strangers.
So it runs in a gVisor container that has no network and sees neither the host nor its registry logins, and only the
files that it leaves there become a layer of the image.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from uuid import uuid4

from workbench.sandbox.base_image import image_details, work_folder
from workbench.sandbox.base_recipe import LABEL_KIND, LABEL_NOTE, LABEL_PARENT, LABEL_RECIPE, REPOSITORY
from workbench.sandbox.builder import build, clean_lines, only_one
from workbench.sandbox.daemon import DaemonFacts, connect, first_line
from workbench.sandbox.leftovers import remove_leftovers, temporary_labels
from workbench.sandbox.package_client_config import JOB_FOLDER, ClientConfig
from workbench.sandbox.package_specs import MANAGERS, Manager, PackageError, PackageList, culprits, packages_digest
from workbench.sandbox.runtimes import gvisor_runtimes, usable_runtime
from workbench.sandbox.shell import Progress

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_VOLUME_FOLDER: Final = "/agent-workbench-volume"
_PHASE_SECONDS: Final = 900.0
_NETWORK_TROUBLE: Final = (
    "temporary failure in name resolution", "temporary failure resolving", "network is unreachable",
    "failed to establish a new connection", "eai_again", "enotfound", "could not resolve", "enetunreach",
)  # fmt: skip
_NO_WHEEL: Final = "no matching distribution found"
_SCRIPTS: Final = "running the install scripts"


@dataclass(frozen=True, slots=True)
class PackageImage:
    """An image with packages: its name, its id, and how they were installed."""

    name: str
    id: str
    note: str


class _PhaseError(Exception):
    """A container's part of the work failed: at which manager, None if at none, and what was printed last."""

    def __init__(self, manager: Manager | None, tail: list[str]) -> None:
        self.manager: Manager | None = manager
        self.tail = tail
        super().__init__(manager)


def image_with_packages(
    parent: str, packages: PackageList, config: ClientConfig, facts: DaemonFacts, progress: Progress
) -> PackageImage:
    """The image `parent` (an image id) with the packages on top; built once, found again by what it is made from.

    A package without a version is the newest of the day on which the image is built.

    Raises:
        PackageError: a package could not be fetched or installed; the message names it.
        BuildError: Docker could not make the image of it.
        SandboxError: the daemon did not answer.
    """
    script = resources.files(__package__).joinpath("packages_inside.py").read_text(encoding="utf-8")
    digest = packages_digest(parent, packages, script)
    name = f"{REPOSITORY}/packages:{digest}"
    with contextlib.closing(connect(timeout=_PHASE_SECONDS)) as client:
        if found := _existing(client, name):
            return found
        with only_one(name):
            if found := _existing(client, name):
                return found
            gvisor = usable_runtime(gvisor_runtimes(facts.runtimes), facts.kernel)
            runtime = gvisor.name if gvisor else None
            how = (
                f"in gVisor ({runtime}), without network" if runtime else "under runc, without network: no gVisor here"
            )
            note = f"packages installed {how}"
            job = _Job(client, parent, packages, config, script, progress)
            labels = {LABEL_KIND: "packages", LABEL_RECIPE: digest, LABEL_PARENT: parent, LABEL_NOTE: note}
            return PackageImage(name, job.make(name, labels, runtime), note)


def _existing(client: DockerClient, name: str) -> PackageImage | None:
    details = image_details(client, name)
    if details is None:
        return None
    labels = details["Config"].get("Labels") or {}
    return PackageImage(name, str(details["Id"]), str(labels.get(LABEL_NOTE, "")))


@dataclass(frozen=True, slots=True)
class _Job:
    """One image's making: two containers, which share a volume that is gone afterwards."""

    client: DockerClient
    parent: str
    packages: PackageList
    config: ClientConfig
    script: str
    progress: Progress

    def make(self, name: str, labels: Mapping[str, str], runtime: str | None) -> str:
        """Fetch, install and build; gives the image's id."""
        from docker.errors import DockerException

        try:
            remove_leftovers(self.client)
            volume = self.client.volumes.create(
                f"agent-workbench-{uuid4().hex[:12]}", labels=dict(temporary_labels("packages"))
            )
            try:
                self._fetch(volume.name)
                with work_folder() as folder, self._install(volume.name, runtime, folder) as context:
                    self.progress("building the image")
                    return build(self.client, context, tag=name, labels=labels, progress=self.progress)
            finally:
                volume.remove(force=True)
        except _PhaseError as error:
            raise self._explain(error) from error
        except (DockerException, OSError) as error:
            raise PackageError(f"container.packages: Docker could not install them: {first_line(error)}") from error

    def _fetch(self, volume: str) -> None:
        """Fetch in the network that containers get; where that reaches no registry, in the host's own.

        No code of a package runs here, so the host's network is not lent to a stranger.
        """
        self.progress(f"fetching packages: {', '.join(s for m in MANAGERS for s in self.packages.of(m))}")
        binds = {str(folder): {"bind": str(folder), "mode": "ro"} for folder in self.config.folders}
        settings: dict[str, Any] = {"cap_drop": ["ALL"], "cap_add": ["DAC_OVERRIDE", "CHOWN", "FOWNER"]}
        networks = ["host"] if self.config.local_proxy else ["bridge", "host"]
        for network in networks:
            try:
                with self._container("fetch", volume, binds=binds, network_mode=network, **settings) as container:
                    self._follow(container)
                return
            except _PhaseError as error:
                text = "\n".join(error.tail).lower()
                if network == "host" or not any(sign in text for sign in _NETWORK_TROUBLE):
                    raise
                self.progress(
                    "containers reach no registry through Docker's bridge; fetching through the host's network"
                )

    @contextlib.contextmanager
    def _install(self, volume: str, runtime: str | None, folder: Path) -> Iterator[IO[bytes]]:
        """Install without network; gives a build context that adds what changed to the parent image."""
        self.progress(f"installing packages {f'in gVisor ({runtime})' if runtime else 'under runc'}, without network")
        limits = {"mem_limit": "4g", "pids_limit": 4096, "runtime": runtime}
        with self._container("install", volume, binds={}, network_mode="none", **limits) as container:
            self._follow(container)
            gone = json.loads(_member(container, "deleted.json", folder).read_text())
            layer = _member(container, "layer.tar", folder)
        with (folder / "context.tar").open("w+b") as context:
            _write_context(context, self.parent, layer, gone)
            yield context

    @contextlib.contextmanager
    def _container(self, phase: str, volume: str, *, binds: Mapping[str, Any], **settings: Any) -> Iterator[Container]:
        container = self.client.containers.create(
            self.parent,
            ["python3", f"{JOB_FOLDER}/packages_inside.py", phase],
            entrypoint=[],
            user="0:0",
            working_dir="/",
            security_opt=["no-new-privileges"],
            volumes={volume: {"bind": _VOLUME_FOLDER, "mode": "rw"}, **binds},
            labels=dict(temporary_labels("packages")),
            **settings,
        )
        try:
            container.put_archive("/", self._job_files(with_config=phase == "fetch"))
            yield container
        finally:
            container.remove(force=True, v=True)

    def _job_files(self, with_config: bool) -> bytes:
        """The tar with the script and its orders; the host's configuration only for the container that fetches."""
        job = {
            "packages": {manager: list(self.packages.of(manager)) for manager in MANAGERS},
            "env": dict(self.config.env) if with_config else {},
            "apt_codename": self.config.apt_codename,
        }
        files = {"packages_inside.py": self.script.encode(), "job.json": json.dumps(job).encode()}
        if with_config:
            files |= self.config.files
        return _tar({f"{JOB_FOLDER.lstrip('/')}/{name}": data for name, data in files.items()})

    def _follow(self, container: Container) -> None:
        """Start the container and pass on what it prints, until it ends or its time is over."""
        from docker.errors import DockerException

        tail: deque[str] = deque(maxlen=40)
        expired = threading.Event()

        def give_up() -> None:
            expired.set()
            with contextlib.suppress(DockerException, OSError):
                container.kill()

        timer = threading.Timer(_PHASE_SECONDS, give_up)
        container.start()
        timer.start()
        try:
            for piece in container.logs(stream=True, follow=True):
                for line in clean_lines(self.config.mask(piece.decode(errors="replace"))):
                    tail.append(line)
                    self.progress(line)
            code = int(container.wait(timeout=30).get("StatusCode", -1))
        finally:
            timer.cancel()
        if expired.is_set():
            raise _PhaseError(None, [*tail, f"stopped after {_PHASE_SECONDS:g} s"])
        if code:
            position = code - 10
            manager = MANAGERS[position] if 0 <= position < len(MANAGERS) else None
            raise _PhaseError(manager, [*tail] or [f"ended with exit code {code} and no output"])

    def _explain(self, error: _PhaseError) -> PackageError:
        tail = _telling(error.tail)
        if error.manager is None:
            return PackageError("\n  ".join(["container.packages: the image could not be extended:", *tail]))
        named = culprits(self.packages.of(error.manager), error.tail)
        lines = [f"container.packages.{error.manager}: {', '.join(named)} could not be installed:", *tail]
        text = "\n".join(error.tail).lower()
        if error.manager == "pip" and _NO_WHEEL in text:
            lines.append("Only wheels are taken. If it exists as source only, use container.dockerfile.")
        if error.manager == "npm" and _SCRIPTS in text:
            lines.append(
                "Install scripts run without network. If one has to download something, use container.dockerfile."
            )
        return PackageError("\n  ".join(lines))


def _telling(tail: Sequence[str]) -> list[str]:
    """The lines that a package manager marks as errors, else the last ones; none longer than 300 characters."""
    marked = [
        line for line in tail if re.match(r"(?i)(e:|err|npm err|fatal|dpkg: error|\s*\[?(cause\]?: )?\w*error:)", line)
    ]
    return [line[:300] for line in (marked or list(tail))[-12:]]


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def _member(container: Container, name: str, folder: Path) -> Path:
    """Fetch one file from the volume; only that file, whatever else the container put there."""
    packed, target = folder / f"{name}.packed", folder / name
    chunks: Iterable[bytes] = container.get_archive(f"{_VOLUME_FOLDER}/{name}")[0]
    with packed.open("wb") as file:
        file.writelines(chunks)
    with tarfile.open(packed) as tar:
        member = next((entry for entry in tar if entry.isreg()), None)
        source = tar.extractfile(member) if member else None
        if source is None:
            raise PackageError(f"container.packages: the installation left no {name}.")
        with target.open("wb") as file:
            while chunk := source.read(1 << 20):
                file.write(chunk)
    packed.unlink()
    return target


def _write_context(context: IO[bytes], parent: str, layer: Path, gone: list[str]) -> None:
    """A build context whose Dockerfile removes what is gone and adds the layer. Nothing of a package runs in it."""
    lines = [f"FROM {parent}"]
    lines += [
        f"RUN {json.dumps(['rm', '-rf', '--', *part])}" for part in _parts([path for path in gone if path[:1] == "/"])
    ]
    lines += ["ADD layer.tar /"]
    text = "\n".join(lines).encode() + b"\n"
    with tarfile.open(fileobj=context, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
        tar.add(layer, "layer.tar")
    context.seek(0)


def _parts(paths: list[str], size: int = 500) -> Iterator[list[str]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]
