"""What all tests share: where Docker tests can run, and that no test leaves this machine."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.browser import NEEDS_BROWSER, why_no_browser

NEEDS_GVISOR = "needs Docker with gVisor"
LOCAL_NAMES = (None, "", "localhost", b"localhost")


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse sockets to elsewhere: a test that needs the network is no test of this program."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    else:
        return
    if host not in LOCAL_NAMES and not _is_harmless(str(host), resolving=event == "socket.getaddrinfo"):
        raise PermissionError(f"a test may not reach {host!r}: only this machine is allowed")


def _is_harmless(host: str, *, resolving: bool) -> bool:
    """An address of this machine; to resolve, any address, because nothing is sent for it."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback or resolving
    except ValueError:
        return False


sys.addaudithook(_stay_on_this_machine)


@cache
def why_no_gvisor() -> str | None:
    """Why tests that need Docker with gVisor cannot run here, None if they can."""
    try:
        import docker

        with_docker = docker.from_env(timeout=10)
        runtimes = with_docker.info()["Runtimes"]
        with_docker.close()
    except Exception as error:
        return f"no Docker daemon answers ({type(error).__name__})"
    if any("runsc" in f"{name} {entry.get('path', '')}" for name, entry in runtimes.items()):
        return None
    return "the Docker daemon has no gVisor runtime: run `workbench setup`"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="keep how the screens look now")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, needed in (("docker", why_no_gvisor), ("browser", why_no_browser)):
        reason = needed() if item.get_closest_marker(marker) is not None else None
        if reason is None:
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{marker} tests must run here: {reason}", pytrace=False)
        needs = NEEDS_GVISOR if marker == "docker" else NEEDS_BROWSER
        pytest.skip(f"{needs}: {reason}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for needs, untested, why in (
        (NEEDS_GVISOR, "THE SANDBOX WAS", why_no_gvisor),
        (NEEDS_BROWSER, "THE HTML PAGES WERE", why_no_browser),
    ):
        skipped = [reason for reason in reasons if needs in reason]
        if skipped:
            terminalreporter.section(f"{untested} NOT TESTED", sep="!", red=True, bold=True)
            terminalreporter.line(f"{len(skipped)} tests were skipped, because {why()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium. While it is open an event loop is running, so asynchronous tests are in other modules."""
    from tests.browser import opened_browser

    with opened_browser() as opened:
        yield opened
