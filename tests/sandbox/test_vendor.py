from __future__ import annotations

import pytest

from workbench.sandbox.distribution import Host
from workbench.sandbox.vendor import vendor_steps


@pytest.mark.parametrize(
    ("ids", "command"),
    [
        (("debian",), "apt-get install -y docker.io"),
        (("fedora",), "dnf install -y moby-engine"),
        (("arch",), "pacman -S"),
        (("alpine",), "apk add docker"),
        (("opensuse-leap", "suse", "opensuse"), "zypper install -y docker"),
        (("gentoo",), "docs.docker.com"),
    ],
)
def test_docker_on_each_linux(ids: tuple[str, ...], command: str) -> None:
    assert command in "\n".join(vendor_steps(Host("Linux", "x86_64", "6.1", "x", ids), "docker"))


def test_gvisor_has_packages_for_apt_and_a_page_for_others() -> None:
    assert "apt-get install -y runsc" in vendor_steps(Host("Linux", "x86_64", "6", "x", ("ubuntu",)), "runsc")[-1]
    assert "gvisor.dev" in vendor_steps(Host("Linux", "x86_64", "6", "x", ("fedora",)), "runsc")[0]


@pytest.mark.parametrize(("system", "word"), [("Darwin", "limactl"), ("Windows", "wsl")])
def test_elsewhere_a_linux_machine_is_needed(system: str, word: str) -> None:
    for part in ("docker", "runsc"):
        assert word in "\n".join(vendor_steps(Host(system, "arm64", "25", system), part))


def test_a_processor_that_gvisor_does_not_know() -> None:
    assert "riscv64" in vendor_steps(Host("Linux", "riscv64", "6", "x", ("debian",)), "runsc")[0]
