"""The Docker Engine as the sandbox uses it: each call with a time limit, each error in a person's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from workbench.sandbox.daemon import DaemonError, connect, first_line
from workbench.sandbox.hijack import AttachedStream, ContainerEvents, Endpoint, attach
from workbench.sandbox.threads import in_thread

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

_CALL_SECONDS: Final = 30.0
_START_SECONDS: Final = 60.0
_REMOVE_PAUSES: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the daemon says of itself: `id` and `version` tell it from others, `runtimes` are as in `docker info`."""

    id: str
    version: str
    kernel: str
    runtimes: Mapping[str, Mapping[str, Any]]


class DockerEngine:
    """A connection to the daemon that every sandbox of this process shares."""

    def __init__(self, client: DockerClient, facts: EngineFacts, endpoint: Endpoint) -> None:
        self.client = client
        self.facts = facts
        self.endpoint = endpoint

    @classmethod
    async def connect(cls) -> DockerEngine:
        """Connect to the daemon that the `docker` command would talk to.

        Raises:
            DaemonError: there is none, it may not be used, or it cannot share folders with a sandbox.
        """

        def ask() -> DockerEngine:
            client = connect(timeout=_START_SECONDS)
            info = client.info()
            return cls(client, _facts(info), Endpoint.of(client))

        return await _bounded(ask, _CALL_SECONDS, "ask the Docker daemon about itself")

    async def create(self, body: Mapping[str, Any]) -> str:
        """Create a container and give its id. Its image must be there.

        Raises:
            DaemonError: the daemon refused, for example because it has no such runtime.
        """
        api: Any = self.client.api
        made: Mapping[str, Any] = await _bounded(
            lambda: api.create_container_from_config(dict(body), None), _CALL_SECONDS, "create the sandbox's container"
        )
        return str(made["Id"])

    async def start(self, container: str) -> None:
        """Start a container.

        Raises:
            DaemonError: its runtime could not start it, or did not within a minute.
        """
        await _bounded(lambda: self.client.api.start(container), _START_SECONDS, "start the sandbox's container")

    async def inspect(self, container: str) -> Mapping[str, Any]:
        """What the daemon recorded of a container.

        Raises:
            DaemonError: there is no such container, or the daemon did not answer.
        """
        found: Mapping[str, Any] = await _bounded(
            lambda: self.client.api.inspect_container(container), _CALL_SECONDS, "look at the sandbox's container"
        )
        return found

    async def list(self, labels: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """The containers with all these labels, in whatever state.

        Raises:
            DaemonError: the daemon did not answer.
        """
        found: Sequence[Mapping[str, Any]] = await _bounded(
            lambda: self.client.api.containers(all=True, filters={"label": list(labels)}),
            _CALL_SECONDS,
            "list containers",
        )
        return found

    async def attach(self, container: str) -> AttachedStream:
        """The standard streams of a container, which need not run yet.

        Raises:
            DaemonError: the daemon refused or broke the connection off.
        """
        return await _answered(attach(self.endpoint, container))

    async def events(self, container: str) -> ContainerEvents:
        """What the daemon reports of a container from now on.

        Raises:
            DaemonError: the daemon refused or broke the connection off.
        """
        return await _answered(ContainerEvents.of(self.endpoint, container))

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; done if there is none.

        The daemon may answer 409 or 500 while a container is dying, so it is asked several times.

        Raises:
            DaemonError: it is still there after several attempts.
        """
        failure: DaemonError | None = None
        for pause in _REMOVE_PAUSES:
            await asyncio.sleep(pause)
            try:
                await _bounded(
                    lambda: self.client.api.remove_container(container, force=True, v=True),
                    _CALL_SECONDS,
                    "remove a container",
                )
                return
            except DaemonError as error:
                if _is_not_found(error):
                    return
                failure = error
        text = f"The container {container[:12]} could not be removed: {failure}"
        raise DaemonError(text, mend=f"docker rm --force {container[:12]}")

    def close(self) -> None:
        """Close the connections that wait for their next use."""
        self.client.close()


def _facts(info: Mapping[str, Any]) -> EngineFacts:
    options = [str(option) for option in info.get("SecurityOptions") or []]
    for name, kind in (("rootless", "runs rootless"), ("userns", "maps user ids (userns-remap)")):
        if any(f"name={name}" in option for option in options):
            raise DaemonError(
                f"This Docker daemon {kind}: tools in a sandbox could not write their own /workspace. "
                "Use the system's Docker daemon without that setting."
            )
    return EngineFacts(
        id=str(info.get("ID", "")),
        version=str(info.get("ServerVersion", "")),
        kernel=str(info.get("KernelVersion", "")),
        runtimes=info.get("Runtimes") or {},
    )


def _is_not_found(error: DaemonError) -> bool:
    return getattr(error.__cause__, "status_code", None) == 404


async def _answered(opening: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            return await opening
    except TimeoutError as error:
        raise DaemonError(f"The Docker daemon did not answer within {_CALL_SECONDS:g} s.") from error


async def _bounded(call: Callable[[], T], seconds: float, aim: str) -> T:
    def with_clear_errors() -> T:
        from docker.errors import DockerException  # it takes 150 ms to import

        try:
            return call()
        except DaemonError:
            raise
        except (DockerException, OSError) as error:
            raise DaemonError(f"Docker could not {aim}: {first_line(error)}") from error

    try:
        return await in_thread(with_clear_errors, seconds, f"docker: {aim}")
    except TimeoutError as error:
        raise DaemonError(f"Docker could not {aim} within {seconds:g} s; it hangs or is overloaded.") from error
