from __future__ import annotations

from typing import Any

import pytest

from workbench.sandbox.proof import proof_of, refuse_unproven
from workbench.sandbox.sandbox import Proof, SandboxError

HOST = "6.18.44"
GVISOR: dict[str, Any] = {
    "boot_message": "[    0.000000] Starting gVisor...",
    "kernel": "4.4.0",
    "kernel_version": "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016",
    "interfaces": ["lo"],
}


def proof(**seen: object) -> Proof:
    return proof_of({**GVISOR, **seen}, "runsc", HOST)


def test_what_gvisor_looks_like_from_inside_is_proven() -> None:
    found = proof()
    assert found.gvisor
    assert (found.runtime, found.kernel, found.host_kernel) == ("runsc", "4.4.0", HOST)
    assert list(found.interfaces) == ["lo"]
    refuse_unproven(found, "runsc", None)


@pytest.mark.parametrize(
    "seen",
    [
        {"kernel": HOST},
        {"kernel": None},
        {"boot_message": None},
        {"boot_message": "[    0.000000] Linux version 6.18.44"},
        {"kernel_version": f"Linux version {HOST} (gcc)"},
    ],
)
def test_anything_that_fits_the_host_is_no_gvisor(seen: dict[str, object]) -> None:
    found = proof(**seen)
    assert not found.gvisor
    with pytest.raises(SandboxError, match="not gVisor"):
        refuse_unproven(found, "runsc", None)


def test_without_the_host_s_kernel_nothing_is_proven() -> None:
    assert not proof_of(GVISOR, "runsc", "").gvisor


def test_a_guest_that_says_nothing_proves_nothing() -> None:
    assert not proof_of({}, "runsc", HOST).gvisor
    assert not proof_of({"interfaces": "eth0", "kernel": 4}, "runsc", HOST).gvisor


def test_a_network_interface_is_refused_even_in_gvisor() -> None:
    with pytest.raises(SandboxError, match="eth0"):
        refuse_unproven(proof(interfaces=["lo", "eth0"]), "runsc", None)


def test_no_interface_at_all_is_fine() -> None:
    refuse_unproven(proof(interfaces=[]), "runsc", None)


def test_a_daemon_that_used_another_runtime_is_refused() -> None:
    with pytest.raises(SandboxError, match="'crun'"):
        refuse_unproven(proof_of(GVISOR, "crun", HOST), "runsc", None)


def test_runc_passes_only_when_it_was_chosen() -> None:
    plain = proof_of({**GVISOR, "kernel": HOST, "boot_message": None}, "runc", HOST)
    refuse_unproven(plain, "runc", "runc")
    with pytest.raises(SandboxError):
        refuse_unproven(plain, "runc", None)


def test_a_chosen_runsc_must_prove_itself_too() -> None:
    with pytest.raises(SandboxError):
        refuse_unproven(proof(kernel=HOST), "runsc", "runsc")
