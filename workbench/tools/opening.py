"""The door to the tools of a run. Light to import: what the tools need is loaded when a toolbox is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from workbench.definition.agent import AgentDefinition
from workbench.tools.toolbox import NoticeSink, SandboxTools, Toolbox

if TYPE_CHECKING:
    import httpx2

_NO_TRANSPORTS: Mapping[str, httpx2.AsyncBaseTransport] = MappingProxyType({})


def preload() -> None:
    """Load the libraries that a toolbox needs, which takes about a second; best in a thread, while a sandbox starts."""
    import workbench.tools.assembly  # noqa: F401  # for its effect


@asynccontextmanager
async def open_toolbox(
    definition: AgentDefinition,
    sandbox: SandboxTools | None,
    environment: Mapping[str, str],
    notices: NoticeSink,
    *,
    http_transports: Mapping[str, httpx2.AsyncBaseTransport] = _NO_TRANSPORTS,
) -> AsyncIterator[Toolbox]:
    """Start and connect all servers that `definition` declares, and stop them at the end.

    `sandbox` may be None if no declared server runs in one. `environment` resolves the references in URLs and headers.
    `http_transports` replace the network for the `http` and URL servers that they name.

    Raises:
        ToolboxError: a server could not be started or reached; those that were are stopped.
    """
    await asyncio.to_thread(preload)
    from workbench.tools.assembly import assemble

    async with assemble(definition, sandbox, environment, notices, http_transports) as toolbox:
        yield toolbox
