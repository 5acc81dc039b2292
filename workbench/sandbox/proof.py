"""The proof that a sandbox is inside gVisor and has no network: from what its guest sees, not from the configuration.

The guest is ours, but the python3 that runs it is the image's. What it reports is therefore held against what the
daemon reports of the host: the same kernel on both sides is no gVisor, whatever the image says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.sandbox.runtimes import judge
from workbench.sandbox.sandbox import Proof, SandboxError

PLAIN_RUNTIME: Final = "runc"
"""The one runtime without gVisor that a user may choose."""
_LOOPBACK: Final = "lo"


def proof_of(seen: Mapping[str, Any], recorded_runtime: str, host_kernel: str) -> Proof:
    """The proof from the guest's ready message, the runtime that the daemon recorded, and the host's kernel release."""
    lines = [str(seen.get(key) or "") for key in ("boot_message", "kernel", "kernel_version")]
    interfaces = seen.get("interfaces")
    names = [str(name) for name in interfaces] if isinstance(interfaces, list) else []
    return judge([*lines, *names], recorded_runtime, host_kernel)


def refuse_unproven(proof: Proof, asked_runtime: str, requested: str | None) -> None:
    """Let a sandbox pass that is gVisor without a network, or that the user explicitly chose to run without gVisor.

    `asked_runtime` is what the container was created with, `requested` what the user chose, None for gVisor.

    Raises:
        SandboxError: neither is the case; nothing may run in it.
    """
    if proof.runtime != asked_runtime:
        raise SandboxError(
            f"Docker used the runtime {proof.runtime or 'unknown'!r} though {asked_runtime!r} was asked for. "
            "No tool is run. Is this really Docker Engine, and not Podman's copy of its interface?"
        )
    outside = [name for name in proof.interfaces if name != _LOOPBACK]
    if outside:
        raise SandboxError(
            f"The sandbox has a network interface ({', '.join(outside)}) though it must have none. No tool is run. "
            f"Check the runtime {proof.runtime} with `workbench doctor`."
        )
    if proof.gvisor or requested == PLAIN_RUNTIME:
        return
    raise SandboxError(
        f"The runtime {proof.runtime} is not gVisor: inside is kernel {proof.kernel or 'unknown'} "
        f"({proof.boot_message or 'no boot message'!r}), the host has {proof.host_kernel}. No tool is run. "
        "Run `workbench doctor` to see what is wrong, or choose `--runtime runc` to run tools without gVisor."
    )
