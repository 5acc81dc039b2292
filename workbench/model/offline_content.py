"""The content blocks of a scripted reply, as the Messages API writes them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.definition.problems import nearest
from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.offline_choice import Found, ScriptFaultError
from workbench.model.offline_paths import MissingValueError
from workbench.model.offline_schema import BlockPart, CallPart, ReplyPart, SearchPart
from workbench.model.offline_scope import Scope
from workbench.model.offline_templates import render, render_text
from workbench.model.reading import as_object
from workbench.trace.digest import digest

_SIGNED_BY = "offline-script:"


@dataclass(frozen=True, slots=True)
class Piece:
    """A content block, and the text of its arguments where the script gives it as it is to be streamed."""

    block: JsonObject
    raw_arguments: str | None = None


def compose(reply: ReplyPart, found: Found, seed: str) -> Sequence[Piece]:
    """The content of a reply; `seed` makes the ids of its calls, the same for the same request.

    Raises:
        ScriptFaultError: a template names a value that there is not, or a tool is called that the agent does not have.
    """
    try:
        return list(_Composer(found.scope, seed).pieces(reply))
    except MissingValueError as error:
        raise ScriptFaultError(f"{found.rule.title}: {error}") from None
    except _CallFaultError as error:
        raise ScriptFaultError(f"{found.rule.title}: {error}") from None


def signature(thinking: str) -> str:
    """What the script signs thinking with, so that a change to it is noticed when it comes back."""
    return base64.b64encode(hashlib.sha256(f"{_SIGNED_BY}{thinking}".encode("utf-8", "replace")).digest()).decode()


class _CallFaultError(Exception):
    """A call that cannot be made."""


class _Composer:
    def __init__(self, scope: Scope, seed: str) -> None:
        self._scope = scope
        self._seed = seed
        self._named = 0

    def pieces(self, reply: ReplyPart) -> Iterator[Piece]:
        for part in reply.blocks or _in_usual_order(reply):
            yield from self._piece(part)

    def _piece(self, part: BlockPart) -> Iterator[Piece]:
        if part.thinking is not None:
            text = self._text(part.thinking)
            yield Piece({"type": "thinking", "thinking": text, "signature": signature(text)})
        elif part.redacted_thinking is not None:
            yield Piece({"type": "redacted_thinking", "data": part.redacted_thinking})
        elif part.text is not None:
            yield Piece({"type": "text", "text": self._text(part.text)})
        elif part.call is not None:
            yield from self._calls(part.call)
        elif part.search is not None:
            yield from self._search(part.search)
        else:
            yield Piece(as_object(render(part.raw, self._scope.lookup)))

    def _calls(self, call: CallPart) -> Iterator[Piece]:
        self._check_tool(call)
        for scope in self._scopes(call):
            block: dict[str, JsonValue] = {
                "type": "tool_use",
                "id": self._id("toolu"),
                "name": call.tool,
                "input": render(call.arguments, scope.lookup),
            }
            raw = call.raw_arguments
            yield Piece(block, None if raw is None else render_text(raw, scope.lookup))

    def _scopes(self, call: CallPart) -> Iterator[Scope]:
        """One scope for each call that is to be made."""
        if call.for_each is None:
            yield self._scope
            return
        items = render(call.for_each, self._scope.lookup)
        if not isinstance(items, list | tuple):
            raise _CallFaultError(f"for_each gives no list; write it as one template, such as {call.for_each!r}")
        for index, item in enumerate(items[: call.limit]):
            yield self._scope.with_extra(item=item, index=index)

    def _check_tool(self, call: CallPart) -> None:
        have = self._scope.facts.tools
        if call.tool in have or call.even_if_missing:
            return
        near = nearest(call.tool, list(have))
        meant = f" Did you mean {near}?" if near else ""
        raise _CallFaultError(
            f"it calls the tool {call.tool}, which the agent does not have; it has {', '.join(have) or 'none'}.{meant}"
        )

    def _search(self, search: SearchPart) -> Iterator[Piece]:
        name = self._id("srvtoolu")
        query = self._text(search.query)
        yield Piece({"type": "server_tool_use", "id": name, "name": "web_search", "input": {"query": query}})
        content: JsonValue
        if search.error is not None:
            content = {"type": "web_search_tool_result_error", "error_code": search.error}
        else:
            content = [
                {
                    "type": "web_search_result",
                    "title": self._text(found.title),
                    "url": self._text(found.url),
                    "encrypted_content": base64.b64encode(self._text(found.text).encode()).decode(),
                    "page_age": found.page_age,
                }
                for found in search.results
            ]
        yield Piece({"type": "web_search_tool_result", "tool_use_id": name, "content": content})

    def _text(self, template: str) -> str:
        return render_text(template, self._scope.lookup)

    def _id(self, kind: str) -> str:
        self._named += 1
        return f"{kind}_{digest([self._seed, self._named])[:24]}"


def _in_usual_order(reply: ReplyPart) -> Iterator[BlockPart]:
    """The blocks of a reply that is written by kind: thinking, searches, text, calls."""
    if reply.thinking is not None:
        yield BlockPart(thinking=reply.thinking)
    for search in reply.search:
        yield BlockPart(search=search)
    if reply.text is not None:
        yield BlockPart(text=reply.text)
    for call in reply.calls:
        yield BlockPart(call=call)
