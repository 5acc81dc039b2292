"""What a person does by hand where `workbench setup` cannot: the vendors' own steps, per system."""

from __future__ import annotations

from typing import Final, Literal

from workbench.sandbox.distribution import Host

Part = Literal["docker", "runsc"]

_GVISOR_DOCS: Final = "https://gvisor.dev/docs/user_guide/install/"
_DOCKER_DOCS: Final = "https://docs.docker.com/engine/install/"
_GVISOR_APT: Final = (
    "curl -fsSL https://gvisor.dev/archive.key | sudo gpg --dearmor -o /usr/share/keyrings/gvisor-archive-keyring.gpg",
    'echo "deb [arch=$(dpkg --print-architecture) signed-by=/usr/share/keyrings/gvisor-archive-keyring.gpg] '
    'https://storage.googleapis.com/gvisor/releases release main" | sudo tee /etc/apt/sources.list.d/gvisor.list',
    "sudo apt-get update && sudo apt-get install -y runsc",
)
_LINUX_MACHINE: Final = {
    "Darwin": (
        "# gVisor needs Linux, and Docker Desktop's machine has none: use the workbench in a Linux machine of its own.",
        "brew install lima && limactl start --name=workbench template://debian-12",
        "limactl shell workbench",
    ),
    "Windows": (
        "# gVisor needs Linux: use the workbench inside WSL 2.",
        "wsl --install -d Debian",
        "wsl -d Debian",
    ),
}


def vendor_steps(host: Host, part: Part) -> tuple[str, ...]:
    """Commands that bring `part` on this system; lines that begin with # are remarks."""
    if host.system in _LINUX_MACHINE:
        return (*_LINUX_MACHINE[host.system], "# there: install the workbench and run `workbench setup`")
    if not host.runs_gvisor:
        return (f"# gVisor runs on x86_64 and arm64 only, not on {host.machine}: use another machine.",)
    return _docker_steps(host) if part == "docker" else _runsc_steps(host)


def _docker_steps(host: Host) -> tuple[str, ...]:
    start = "sudo systemctl enable --now docker"
    if host.family:
        return ("sudo apt-get update && sudo apt-get install -y docker.io iptables",)
    if {"fedora", "rhel", "centos"} & set(host.ids):
        return ("sudo dnf install -y moby-engine", start, f"# or Docker's own packages: {_DOCKER_DOCS}")
    if "arch" in host.ids:
        return ("sudo pacman -S --needed docker", start)
    if "alpine" in host.ids:
        return ("sudo apk add docker", "sudo rc-update add docker && sudo service docker start")
    if {"suse", "opensuse"} & set(host.ids):
        return ("sudo zypper install -y docker", start)
    return (f"# install Docker Engine as {_DOCKER_DOCS} says for {host.name}", start)


def _runsc_steps(host: Host) -> tuple[str, ...]:
    if host.family:
        return (f"# gVisor's own packages, as {_GVISOR_DOCS} says:", *_GVISOR_APT)
    return (f"# install runsc into /usr/local/bin as {_GVISOR_DOCS} says, for all users to read and execute",)
