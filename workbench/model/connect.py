"""Reaches the model that the environment offers. Importing this is cheap; connecting imports the SDK (1.6 s)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from workbench.model.access import Access, model_access
from workbench.model.conversation import Model
from workbench.model.failures import Destination, bad_credentials, bad_endpoint, no_credentials

if TYPE_CHECKING:
    import anthropic
    import httpx2

MAX_RETRIES = 2
"""How often the SDK repeats a request that failed before its reply began."""

_ARGUMENTS = {"ANTHROPIC_API_KEY": "api_key", "ANTHROPIC_AUTH_TOKEN": "auth_token", "ANTHROPIC_PROFILE": "profile"}
"""Variables with a credential, and how the SDK's client takes it."""

_NONE = "none"
"""Stands for the key of an endpoint that has none; its header is not sent."""

_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_IDENTITY_TOKEN")


def connect(
    environment: Mapping[str, str],
    *,
    max_retries: int = MAX_RETRIES,
    timeout: float | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Model:
    """A model at the vendor's API, or at the endpoint that `ANTHROPIC_BASE_URL` names.

    The credential is found in the SDK's order: key, token, named profile, federation, active profile. Key, token and
    profile's name are taken from `environment`; the files and variables of the last two are read by the SDK itself.
    An endpoint is asked without credentials where there are none.

    Args:
        environment: The variables to go by.
        max_retries: How often the SDK repeats a request that failed before its reply began.
        timeout: The longest silence of the server, in seconds; None for the SDK's 600.
        transport: Carries the requests instead of the network.

    Raises:
        ModelError: of kind `authentication`, there is nothing to ask a model with; of kind `connection`, the endpoint
            is no URL.
    """
    access = model_access(environment)
    if not access.possible:
        raise no_credentials()
    destination = _destination(access, environment)
    _check(access, environment, destination)
    from workbench.model.anthropic_model import AnthropicModel

    options = {"max_retries": max_retries, **_options(access, environment, timeout, transport)}
    client = _client(options, destination)
    return AnthropicModel(client, destination, send_credentials=access.credential is not None)


def _options(
    access: Access,
    environment: Mapping[str, str],
    timeout: float | None,
    transport: httpx2.AsyncBaseTransport | None,
) -> dict[str, Any]:
    """What the SDK's client is made with."""
    import anthropic
    import httpx2

    options: dict[str, Any] = {
        "base_url": environment.get("ANTHROPIC_BASE_URL", "").strip() or None,
        **_credential(access, environment),
    }
    if timeout is not None:
        options["timeout"] = anthropic.Timeout(timeout, connect=5.0)
    if transport is not None:
        options["http_client"] = httpx2.AsyncClient(transport=transport, trust_env=False)
    return options


def _client(options: dict[str, Any], destination: Destination) -> anthropic.AsyncAnthropic:
    """The SDK's client. Its refusal is told outside of its exception, which may hold more than it should."""
    import anthropic

    try:
        return anthropic.AsyncAnthropic(**options)
    except anthropic.AnthropicError as error:
        refused = bad_credentials(str(error), destination)
    raise refused


def _check(access: Access, environment: Mapping[str, str], destination: Destination) -> None:
    """Refuse what the HTTP client would stumble over with the secret in its words."""
    if access.endpoint and not access.endpoint.startswith(("http://", "https://")):
        raise bad_endpoint(access.endpoint)
    value = environment.get(access.origin or "", "").strip()
    if access.origin in _ARGUMENTS and not (value.isascii() and value.isprintable() and " " not in value):
        raise bad_credentials("its value holds a space, a line break or a letter that no key has.", destination)


def _credential(access: Access, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The credential as the SDK's client takes it; none where the SDK finds it by itself."""
    if access.origin in _ARGUMENTS:
        return {_ARGUMENTS[access.origin]: environment[access.origin].strip()}
    return {} if access.credential else {"api_key": _NONE}


def _destination(access: Access, environment: Mapping[str, str]) -> Destination:
    parts = _url_secrets(environment.get("ANTHROPIC_BASE_URL", ""))
    headers = environment.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines()
    secrets = [
        *(environment.get(name, "") for name in _SECRETS),
        *parts,
        *(value.strip() for line in headers if (value := line.partition(":")[2])),
    ]
    return Destination(
        source="endpoint" if access.endpoint else "api",
        endpoint=access.endpoint,
        origin=access.origin,
        secrets=tuple(form for secret in secrets for form in {secret, secret.strip()} if form),
    )


def _url_secrets(url: str) -> Sequence[str]:
    """What a URL may hold besides scheme, host and path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]
    values = [value for _, value in parse_qsl(parts.query)]
    return [part for part in (parts.username, parts.password, parts.query, parts.fragment, *values) if part]
