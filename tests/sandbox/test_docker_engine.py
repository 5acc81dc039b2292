from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

import pytest
import requests
from docker import DockerClient
from docker.errors import APIError, NotFound

from workbench.sandbox import docker_engine
from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.docker_engine import DockerEngine, EngineFacts, _facts
from workbench.sandbox.hijack import Endpoint


def refusal(status: int, explanation: str) -> APIError:
    response = requests.Response()
    response.status_code = status
    kind = NotFound if status == 404 else APIError
    return kind(explanation, response=response, explanation=explanation)


class FakeApi:
    """Answers removals and creations from a list: an exception is raised, anything else returned."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls = 0

    def _next(self) -> Any:
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def remove_container(self, _: str, *, force: bool, v: bool) -> None:
        assert force
        assert v
        self._next()

    def create_container_from_config(self, _: Mapping[str, Any], __: None) -> Any:
        return self._next()

    def start(self, _: str) -> None:
        threading.Event().wait(30)


class FakeClient:
    def __init__(self, api: FakeApi) -> None:
        self.api = api


def engine(*answers: Any) -> tuple[DockerEngine, FakeApi]:
    api = FakeApi(*answers)
    return DockerEngine(cast(DockerClient, FakeClient(api)), EngineFacts("", "", "", {}), Endpoint("1.41")), api


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "_REMOVE_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(docker_engine, "_START_SECONDS", 0.01)


async def test_what_the_daemon_says_is_passed_on() -> None:
    docker, _ = engine(refusal(400, "Unknown runtime specified nope"))
    with pytest.raises(DaemonError, match="Unknown runtime specified nope"):
        await docker.create({})


async def test_a_created_container_is_known_by_its_id() -> None:
    docker, _ = engine({"Id": "c1"})
    assert await docker.create({}) == "c1"


async def test_a_start_that_hangs_is_an_error() -> None:
    docker, _ = engine()
    with pytest.raises(DaemonError, match="hangs or is overloaded"):
        await docker.start("c1")


async def test_removing_is_tried_again_while_the_container_is_dying() -> None:
    docker, api = engine(refusal(409, "already in progress"), refusal(500, "PID is zombie"), None)
    await docker.remove("c1")
    assert api.calls == 3


async def test_what_is_gone_need_not_be_removed() -> None:
    docker, api = engine(refusal(404, "No such container"))
    await docker.remove("c1")
    assert api.calls == 1


async def test_what_cannot_be_removed_is_told_with_the_command_to_try() -> None:
    docker, _ = engine(*[refusal(500, "device is busy")] * 3)
    with pytest.raises(DaemonError, match="device is busy") as caught:
        await docker.remove("c1")
    assert caught.value.mend == "docker rm --force c1"


@pytest.mark.parametrize("option", ["name=rootless", "name=userns"])
def test_a_daemon_whose_user_ids_are_others_is_refused(option: str) -> None:
    with pytest.raises(DaemonError, match="/workspace"):
        _facts({"SecurityOptions": ["name=seccomp,profile=default", option]})


def test_the_facts_are_the_daemons() -> None:
    info = {"ID": "i", "ServerVersion": "20", "KernelVersion": "6.18", "Runtimes": {"runc": {"path": "runc"}}}
    assert _facts(info) == EngineFacts("i", "20", "6.18", {"runc": {"path": "runc"}})
    assert _facts({}) == EngineFacts("", "", "", {})


def test_a_daemon_elsewhere_is_refused() -> None:
    class Elsewhere:
        base_url = "http+docker://ssh"
        api_version = "1.41"

        def get_adapter(self, _: str) -> object:
            return object()

    client = cast(DockerClient, FakeClient(cast(FakeApi, Elsewhere())))
    with pytest.raises(DaemonError, match="another machine"):
        Endpoint.of(client)
