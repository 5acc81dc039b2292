"""The steps of `workbench setup`: each tells whether it is done, and does it, undoing nothing that was there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.sandbox.base_image import build_base, find_base, registry_trouble
from workbench.sandbox.base_recipe import Way
from workbench.sandbox.daemon import DaemonError, DaemonFacts, config_file, connect, start_daemon
from workbench.sandbox.daemon_config import RuntimeEntry, read_text_or_none, registered_runtime
from workbench.sandbox.leftovers import remove_leftovers
from workbench.sandbox.runtime_registration import register
from workbench.sandbox.runtimes import (
    OUR_RUNTIME,
    PLATFORMS,
    Runtime,
    gvisor_runtimes,
    known_trouble,
    prove,
    runsc_version,
)
from workbench.sandbox.sandbox import Proof, SandboxError
from workbench.sandbox.setup_machine import (
    ByHandError,
    Machine,
    NewGroupError,
    Step,
    can_unshare,
    need_apt,
    need_root,
    open_daemon,
    our_command,
)
from workbench.sandbox.shell import find_program
from workbench.sandbox.vendor import vendor_steps

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True, slots=True)
class InstallRunsc:
    """gVisor's runsc, from the distribution's packages."""

    name: str = "gVisor"

    def done(self, machine: Machine) -> str | None:
        """A runsc that runs, or a daemon (on whatever machine) that has a runtime of it."""
        program = find_program("runsc")
        if program and (version := runsc_version(program)):
            return f"runsc {version} ({program})"
        with contextlib.suppress(SandboxError), open_daemon() as (_, facts):
            if names := [runtime.name for runtime in gvisor_runtimes(facts.runtimes)]:
                return f"the daemon's runtime {names[0]}"
        return None

    def do(self, machine: Machine) -> str:
        """Install the package; on Debian 12 from backports, as its own is from 2022."""
        need_apt(machine, vendor_steps(machine.host, "runsc"))
        machine.apt.refresh(machine.progress)
        release = machine.apt.backports_for_runsc(machine.progress)
        if not machine.apt.has("runsc"):
            raise ByHandError(f"{machine.host.name} has no package runsc.", vendor_steps(machine.host, "runsc"))
        machine.apt.install(["runsc"], machine.progress, release)
        return _still(self.done(machine), "apt-get installed runsc, but it does not run")


@dataclass(frozen=True, slots=True)
class RegisterRuntime:
    """The runtime `workbench-runsc` in Docker's configuration, unless the user has a `runsc` of their own."""

    name: str = "gVisor runtime"

    def done(self, machine: Machine) -> str | None:
        """A runtime of ours or of the user's that may be tried."""
        try:
            with open_daemon() as (_, facts):
                return _registered(facts)
        except DaemonError as error:
            if error.reason in {"not running", "permission"}:
                ours = registered_runtime(read_text_or_none(config_file()), OUR_RUNTIME)
                return f"{OUR_RUNTIME} in {config_file()}" if ours and find_program(ours.path) else None
            raise

    def do(self, machine: Machine) -> str:
        """Write it into daemon.json, beside everything that is there, and make a running daemon read it."""
        program = find_program("runsc")
        if program is None:
            raise SandboxError("There is no runsc to register.")
        return register(machine, RuntimeEntry(program, ("--network=none", f"--platform={PLATFORMS[0]}")))


def _registered(facts: DaemonFacts) -> str | None:
    for runtime in gvisor_runtimes(facts.runtimes):
        if runtime.name not in {OUR_RUNTIME, "runsc"}:
            continue
        if known_trouble(runtime, runsc_version(runtime.path), facts.kernel) is None:
            return f"{runtime.name} ({' '.join([runtime.path, *runtime.args])})"
    return None


@dataclass(frozen=True, slots=True)
class InstallDocker:
    """Docker Engine, unless there is one."""

    name: str = "Docker Engine"

    def done(self, machine: Machine) -> str | None:
        """A daemon that answers, even if not to us, or a program that can be one."""
        try:
            with open_daemon() as (_, facts):
                return f"Docker Engine {facts.version}"
        except DaemonError as error:
            if error.reason == "permission":
                return "a Docker daemon runs"
        program = find_program("dockerd")
        return f"{program}, not running" if program else None

    def do(self, machine: Machine) -> str:
        """Install the distribution's packages. Debian 13 on, the client is a package of its own."""
        need_apt(machine, vendor_steps(machine.host, "docker"))
        machine.apt.refresh(machine.progress)
        if not machine.apt.has("docker.io"):
            raise ByHandError(f"{machine.host.name} has no package docker.io.", vendor_steps(machine.host, "docker"))
        client = ["docker-cli"] if machine.apt.has("docker-cli") else []
        packages = ["docker.io", *client, "containerd", "runc", "iptables", "ca-certificates"]
        machine.apt.install(packages, machine.progress)
        return _still(self.done(machine), "apt-get installed docker.io, but there is no dockerd")


@dataclass(frozen=True, slots=True)
class StartDaemon:
    """The Docker daemon, running."""

    name: str = "Docker daemon"

    def done(self, machine: Machine) -> str | None:
        """It answers, even if not to us."""
        try:
            with open_daemon() as (_, facts):
                return f"version {facts.version}, data in {facts.root}"
        except DaemonError as error:
            if error.reason == "permission":
                return "running"
            if error.reason == "not running":
                return None
            raise

    def do(self, machine: Machine) -> str:
        """Start it by systemd, else as a process of its own that outlives this one."""
        if find_program("dockerd") is None:
            raise SandboxError("There is no dockerd to start.")
        if machine.host.systemd:
            by_hand = "sudo systemctl start docker"
        else:
            by_hand = "sudo sh -c 'setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &'"
        need_root(machine, [by_hand])
        start_daemon(machine.shell, machine.host, machine.progress)
        return _still(self.done(machine), "the Docker daemon started but does not answer")


@dataclass(frozen=True, slots=True)
class JoinGroup:
    """This user's permission to use the daemon. Whoever has it can become root on this machine."""

    name: str = "permission to use Docker"

    def done(self, machine: Machine) -> str | None:
        """The daemon answers us."""
        try:
            connect().close()
        except DaemonError as error:
            if error.reason == "permission":
                return None
            raise
        return f"user {machine.host.user}"

    def do(self, machine: Machine) -> str:
        """Put the user into the group `docker`."""
        command = ["usermod", "-aG", "docker", machine.host.user]
        need_root(machine, [f"sudo {' '.join(command)}", "# then log in anew"])
        machine.shell.run(command, as_root=True, progress=machine.progress)
        raise NewGroupError(
            f"{machine.host.user} is in the group `docker` now, from the next login on. "
            "Run `sg docker -c 'workbench setup'`, or log in anew and run `workbench setup`."
        )


@dataclass(frozen=True, slots=True)
class BuildBaseImage:
    """The sandbox's base image."""

    name: str = "base image"

    def done(self, machine: Machine) -> str | None:
        """One that this version's recipe made."""
        if machine.rebuild:
            return None
        with open_daemon() as (client, _):
            base = find_base(client, machine.host)
        if base is None or (machine.way and base.way != machine.way):
            return None
        return f"{base.name}: {base.note}"

    def do(self, machine: Machine) -> str:
        """Build it, after installing what building it without a registry takes."""
        with open_daemon(timeout=60) as (client, _):
            way: Way | None = machine.way
            if way == "distribution" or (way is None and registry_trouble(client)):
                self._install_mmdebstrap(machine)
            base = build_base(client, machine.host, machine.shell, machine.progress, way=way)
        return f"{base.name}: {base.note}"

    def _install_mmdebstrap(self, machine: Machine) -> None:
        if machine.host.family is None:
            return
        if not can_unshare(machine.host.user):
            need_root(machine, [f"sudo {our_command()} setup"])
        if find_program("mmdebstrap") is None:
            need_root(machine, ["sudo apt-get install -y mmdebstrap", f"{our_command()} setup"])
            machine.apt.install(["mmdebstrap"], machine.progress)


@dataclass(frozen=True, slots=True)
class ProveGvisor:
    """The proof, from inside a container, that it runs in gVisor."""

    name: str = "gVisor proven"

    def done(self, machine: Machine) -> str | None:
        """A container was started and looked around: there is nothing cheaper that proves it."""
        with open_daemon(timeout=60) as (client, facts):
            remove_leftovers(client)
            image = self._image(client, machine)
            troubles = [trouble for _, trouble in _attempts(client, facts, image, gvisor_runtimes(facts.runtimes))]
            return next((text for text in troubles if text.startswith("inside ")), None)

    def do(self, machine: Machine) -> str:
        """Register our runtime with one platform after the other until one proves to be gVisor."""
        program = find_program("runsc")
        if program is None:
            raise SandboxError("No runtime of the daemon is gVisor, and there is no runsc on this machine to add.")
        told: list[str] = []
        for platform in PLATFORMS:
            entry = RuntimeEntry(program, ("--network=none", f"--platform={platform}"))
            register(machine, entry)
            with open_daemon(timeout=60) as (client, facts):
                ours = [runtime for runtime in gvisor_runtimes(facts.runtimes) if runtime.name == OUR_RUNTIME]
                for ok, text in _attempts(client, facts, self._image(client, machine), ours):
                    if ok:
                        return text
                    told.append(f"{platform}: {text}")
        raise SandboxError("\n  ".join(["No platform of gVisor works here:", *told]))

    def _image(self, client: DockerClient, machine: Machine) -> str:
        base = find_base(client, machine.host)
        if base is None:
            raise SandboxError("There is no base image to look around in.")
        return base.id


def _attempts(
    client: DockerClient, facts: DaemonFacts, image: str, runtimes: Sequence[Runtime]
) -> Iterator[tuple[bool, str]]:
    """Each runtime tried in turn: whether it is gVisor, and what was seen."""
    for runtime in runtimes:
        trouble = known_trouble(runtime, runsc_version(runtime.path), facts.kernel)
        if trouble:
            yield False, f"{runtime.name}: {trouble}"
            continue
        try:
            proof = prove(client, runtime.name, image, facts.kernel)
        except SandboxError as error:
            yield False, f"{runtime.name}: {error}"
            continue
        yield proof.gvisor, describe_proof(proof)


def describe_proof(proof: Proof) -> str:
    """What was seen inside, in a line."""
    if not proof.gvisor:
        return f"{proof.runtime} is not gVisor: inside is kernel {proof.kernel}, outside {proof.host_kernel}"
    return (
        f"inside {proof.runtime} the kernel is {proof.kernel} ({proof.boot_message.partition('] ')[2]}), "
        f"outside {proof.host_kernel}"
    )


STEPS: Final[tuple[Step, ...]] = (
    InstallRunsc(),
    RegisterRuntime(),
    InstallDocker(),
    StartDaemon(),
    JoinGroup(),
    BuildBaseImage(),
    ProveGvisor(),
)
"""In order. The runtime is registered before Docker is installed, so that its daemon starts once, with everything."""


def _still(found: str | None, otherwise: str) -> str:
    if found is None:
        raise SandboxError(otherwise + ".")
    return found
