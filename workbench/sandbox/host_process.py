"""A container's main process as the host sees it, and its direct end where Docker's own way would hang."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path


def kill_directly(container: str, pid: int) -> bool:
    """Kill the container's main process without Docker, if we are root and it is a process of this machine.

    Docker's kill asks the sandbox's own kernel, and does not return while that one is hung or starved. `container` is
    the full id; `pid` is what Docker says, and is believed only if that process is in a cgroup of the container.
    """
    if sys.platform != "linux" or os.geteuid() != 0 or pid <= 1:
        return False
    with contextlib.suppress(OSError):
        process = os.pidfd_open(pid)  # from here on, the id cannot become another process's
        try:
            if container in Path(f"/proc/{pid}/cgroup").read_text():
                signal.pidfd_send_signal(process, signal.SIGKILL)
                return True
        finally:
            os.close(process)
    return False
