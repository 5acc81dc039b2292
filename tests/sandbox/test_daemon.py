from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from workbench.sandbox import daemon
from workbench.sandbox.daemon import DaemonError, ask_daemon, config_file, connect, first_line


def test_no_daemon_is_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(DaemonError) as failed:
        connect(timeout=2)
    assert failed.value.reason == "not running"
    assert failed.value.mend == "workbench setup"


def _raising(cause: BaseException) -> Callable[..., None]:
    def from_env(**_: object) -> None:
        try:
            raise OSError("Connection aborted.", cause)
        except OSError as inner:
            raise DockerException(f"Error while fetching server API version: {inner}") from inner

    return from_env


@pytest.mark.parametrize(
    ("cause", "reason", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "permission", "may not use it"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "not running", "No Docker daemon answers"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "not running", "No Docker daemon answers"),
        (TimeoutError("timed out"), "failed", "does not answer"),
    ],
)
def test_why_the_daemon_cannot_be_reached(
    cause: BaseException, reason: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "from_env", _raising(cause))
    with pytest.raises(DaemonError, match=said) as failed:
        connect()
    assert failed.value.reason == reason
    if reason == "permission":
        assert "usermod -aG docker" in failed.value.mend


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (b"", "/etc/docker/daemon.json"),
        (b"dockerd\0--debug\0", "/etc/docker/daemon.json"),
        (b"dockerd\0--config-file\0/srv/d.json\0", "/srv/d.json"),
        (b"/usr/bin/dockerd\0--config-file=/srv/e.json\0", "/srv/e.json"),
    ],
)
def test_the_configuration_file_is_the_one_that_the_daemon_reads(command: bytes, file: str) -> None:
    assert config_file(command) == Path(file)


def test_runtimes_on_the_command_line_exclude_the_file() -> None:
    with pytest.raises(DaemonError, match="--add-runtime"):
        config_file(b"dockerd\0--add-runtime=runsc=/usr/bin/runsc\0")


class _Client:
    """What is asked of a client."""

    def __init__(self, info: dict[str, object], version: dict[str, object], base_url: str) -> None:
        self.info = lambda: info
        self.version = lambda: version
        self.api = type("Api", (), {"base_url": base_url})


@pytest.mark.parametrize(
    ("info", "version", "base_url", "kind"),
    [
        ({}, {"Version": "28"}, "http+docker://localhost", "engine"),
        ({"SecurityOptions": ["name=rootless"]}, {}, "http+docker://localhost", "rootless"),
        ({"OperatingSystem": "Docker Desktop"}, {}, "http+docker://localhost", "desktop"),
        ({}, {"Components": [{"Name": "Podman Engine"}]}, "http+docker://localhost", "podman"),
        ({}, {}, "https://10.0.0.1:2376", "remote"),
    ],
)
def test_what_is_behind_the_socket(
    info: dict[str, object], version: dict[str, object], base_url: str, kind: str
) -> None:
    assert ask_daemon(_Client(info, version, base_url)).kind == kind  # type: ignore[arg-type]


def test_the_first_line_of_an_error_is_short() -> None:
    assert first_line(ValueError("a" * 1000 + "\nb")) == "a" * 300
    assert first_line(ValueError()) == "ValueError"


@pytest.mark.docker
def test_a_real_daemon_answers_and_has_a_process() -> None:
    client = connect()
    facts = ask_daemon(client)
    client.close()
    assert facts.version and facts.kernel and "runc" in facts.runtimes
    assert facts.kind != "engine" or daemon.daemon_pid() is not None
