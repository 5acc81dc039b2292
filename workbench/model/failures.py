"""What can go wrong between us and a model, told to a person: what happened, and what to do.

Nothing that is told holds a secret: the credentials in use, whatever looks like one, and what a URL carries in front
of its host are replaced before a text leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.definition.model_names import meant_model
from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.conversation import ModelError
from workbench.model.reading import as_text
from workbench.trace.events import ModelSource

if TYPE_CHECKING:
    from anthropic import APIConnectionError, APIStatusError

SCRIPT_FAULT = "offline_script"
"""The error code with which the offline script says that it, and not a scripted error, is the fault."""

_LOOKS_SECRET = re.compile(r"sk-[A-Za-z0-9_-]{8,}|(?<=Bearer )[^\s\"']+|(?<=://)[^\s/@\"']+(?=@)")
_HIDDEN = "[hidden]"
_LONGEST = 2_000
_TOO_LONG = ("prompt is too long", "exceed context limit", "maximum context length", "context window")

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_WORDS = {
    401: "{who} refused the credentials (401): {said} {advice}",
    402: "{who} wants payment first (402): {said} Check the plan and credit of the account.",
    403: "{who} does not permit this (403): {said} The key may lack access to {model}.",
    413: "The request is too large (413): {said} Make tools return less, or start with a shorter input.",
    429: "The rate limit was reached{tried} (429): {said} {wait}, or run fewer agents at once.",
    529: "{who} is overloaded and refused{tried} (529): {said} Try again in a minute.",
}
_FAILED = "{who} failed{tried} ({status}): {said} Try again in a minute."
_REFUSED = "{who} refused the request ({status}): {said}"

CALLER_AT_FAULT = frozenset(
    {
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
    }
)
"""Kinds of error that the same request would meet again."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Who was asked: for the words of an error. `origin` is the variable or file that the credential came from."""

    source: ModelSource
    endpoint: str | None = None
    origin: str | None = None
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """Who was asked, as the subject of a sentence."""
        return f"The endpoint {self.endpoint}" if self.endpoint else "The API"

    def scrubbed(self, text: str) -> str:
        """The text without secrets, and not longer than a screen."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) > 3:
                text = text.replace(secret, _HIDDEN)
        text = _LOOKS_SECRET.sub(_HIDDEN, text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def scrubbed_json(self, value: JsonValue) -> JsonValue:
        """The value with every text in it scrubbed."""
        if isinstance(value, str):
            return self.scrubbed(value)
        if isinstance(value, Mapping):
            return {self.scrubbed(name): self.scrubbed_json(item) for name, item in value.items()}
        return [self.scrubbed_json(item) for item in value] if isinstance(value, list | tuple) else value


def status_failure(error: APIStatusError, to: Destination, model: str, tries: int) -> ModelError:
    """An HTTP error that stands after all retries. `tries` is how often the request was sent."""
    kind = error.type or _KINDS.get(error.status_code) or ("api_error" if error.status_code >= 500 else "error")
    said = to.scrubbed(_said(error))
    if error.error_code == SCRIPT_FAULT:
        message = said
    elif _is_too_long(error.status_code, said):
        kind = "context_window_exceeded"
        message = f"The conversation no longer fits into the context window of {model}: {said}"
    else:
        message = to.scrubbed(_sentence(error, to, model, said, tries))
    details: dict[str, JsonValue] = {"type": error.type, "message": said, "tries": tries}
    if retry_after := error.response.headers.get("retry-after"):
        details["retry_after"] = to.scrubbed(retry_after)
    return ModelError(message, kind=kind, status=error.status_code, request_id=error.request_id, details=details)


def connection_failure(error: APIConnectionError, to: Destination, tries: int) -> ModelError:
    """No answer came: no connection, or none in time."""
    import anthropic
    import httpx2

    cause = _leaf(error.__cause__)
    reason = type(cause).__name__ + (f": {cause}" if str(cause) else "") if cause else "no details"
    where = to.endpoint or "api.anthropic.com"
    after = f" after {tries} tries" if tries > 1 else ""
    waited = isinstance(error, anthropic.APITimeoutError) and not isinstance(cause, httpx2.ConnectTimeout)
    if waited:
        message = f"{where} did not answer in time{after} ({reason}). Try again, or ask for less in one turn."
    elif to.endpoint:
        message = (
            f"{where} could not be reached{after} ({reason}). Is the server running, and is ANTHROPIC_BASE_URL right?"
        )
    else:
        message = (
            f"{where} could not be reached{after} ({reason}). Check the network and HTTPS_PROXY, or run with --offline."
        )
    return ModelError(to.scrubbed(message), kind="timeout" if waited else "connection", details={"tries": tries})


def stream_failure(reason: str, to: Destination, request_id: str | None, details: JsonValue = None) -> ModelError:
    """A reply broke off, and its only repetition did so too."""
    message = f"{to.name} broke off its reply twice: {reason}. Try again in a while."
    return ModelError(to.scrubbed(message), kind="stream", request_id=request_id, details=to.scrubbed_json(details))


def event_failure(error: JsonObject, to: Destination, request_id: str | None) -> ModelError:
    """An error inside a stream that the same request would meet again."""
    message = f"{to.name} ended its reply with an error: {as_text(error.get('message')) or 'no details'}"
    return ModelError(
        to.scrubbed(message),
        kind=as_text(error.get("type")) or "api_error",
        request_id=request_id,
        details=to.scrubbed_json(error),
    )


def no_credentials() -> ModelError:
    """There is nothing to ask a model with."""
    return ModelError(
        "There is no key to ask a model with. Set ANTHROPIC_API_KEY, set ANTHROPIC_BASE_URL for a compatible endpoint, "
        "or run with --offline to have the agent's offline.yaml answer.",
        kind="authentication",
    )


def bad_credentials(reason: str, to: Destination) -> ModelError:
    """The credentials cannot be used as they are."""
    return ModelError(
        to.scrubbed(f"The credentials from {to.origin or 'the profile'} cannot be used: {reason}"),
        kind="authentication",
    )


def bad_endpoint(url: str) -> ModelError:
    """The endpoint's address is none."""
    return ModelError(
        f"ANTHROPIC_BASE_URL is {url}, which is no address of a server: it must begin with http:// or https://, "
        "such as http://localhost:11434.",
        kind="connection",
    )


def _leaf(cause: BaseException | None) -> BaseException | None:
    """What happened, out of the group of a task that happened to notice it."""
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause


def _said(error: APIStatusError) -> str:
    """The server's own words: the message of an API error, the text of anything else."""
    if error.api_message and isinstance(error.api_message, str):
        return error.api_message
    body = error.body
    if isinstance(body, Mapping):
        inner = body.get("error")
        words = body.get("message") or body.get("detail") or (inner if isinstance(inner, str) else None)
        return str(words or body)
    return " ".join(re.sub(r"<[^>]*>", " ", str(body)).split())[:300] if body else "no details"


def _is_too_long(status: int, said: str) -> bool:
    return status in (400, 413) and any(words in said.lower() for words in _TOO_LONG)


def _sentence(error: APIStatusError, to: Destination, model: str, said: str, tries: int) -> str:
    status = error.status_code
    if status == 404:
        return _not_found(to, model, said)
    retry_after = error.response.headers.get("retry-after")
    words = _WORDS.get(status) or (_FAILED if status >= 500 or status == 408 else _REFUSED)
    return words.format(
        who=to.name,
        status=status,
        said=said,
        model=model,
        tried=f" {tries} times" if tries > 1 else "",
        wait=f"Wait {retry_after} s" if retry_after else "Wait a minute",
        advice=_credential_advice(to),
    )


def _credential_advice(to: Destination) -> str:
    if to.origin is None:
        return "It wants a key: set ANTHROPIC_API_KEY."
    if to.origin in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        return f"Check the value of {to.origin}."
    return f"They came from {to.origin}; log in again, or set ANTHROPIC_API_KEY."


def _not_found(to: Destination, model: str, said: str) -> str:
    near = meant_model(model)
    meant = f" Did you mean {near}?" if near else ""
    if to.endpoint:
        return (
            f"{to.name} answered 404: {said} Either it does not have the model {model}, or it has no Messages API at "
            f"/v1/messages.{meant}"
        )
    return f"There is no model {model}, or the key has no access to it (404): {said}{meant} Change model in agent.yaml."
