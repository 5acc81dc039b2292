"""Who answers in a sitting as the model and for `http` servers: the offline script, or what the environment offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

    from workbench.model.conversation import Model
    from workbench.model.offline_script import OfflineScript


def connected(script: OfflineScript | None, environment: Mapping[str, str]) -> Model:
    """The model of the script, or else of the environment. Loads what runs need besides; takes long the first time."""
    from workbench.tools.opening import preload

    if script is not None:
        from workbench.model.offline import open_offline

        model = open_offline(script)
    else:
        from workbench.model.connect import connect

        model = connect(environment)
    preload()
    return model


def http_transports(script: OfflineScript | None) -> dict[str, httpx2.AsyncBaseTransport]:
    """What answers for `http` servers instead of the network, by the server's name, for one run."""
    if script is None:
        return {}
    from workbench.model.offline_http import answered_servers, offline_http_transport

    answering = {name: offline_http_transport(script, name) for name in answered_servers(script)}
    return {name: transport for name, transport in answering.items() if transport is not None}
