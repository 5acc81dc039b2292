"""One content block of a streaming reply: from its start and its deltas to the block as it must be sent back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.conversation import Delta
from workbench.model.reading import as_list, as_text

_SHOWN: dict[str, tuple[Literal["text", "reasoning", "tool_input"], str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("reasoning", "thinking"),
    "input_json_delta": ("tool_input", "partial_json"),
}
"""Deltas that are shown: as what, and under which name they carry their piece."""


class BrokenStreamError(Exception):
    """A stream that cannot become a reply. `str` says what is wrong with it; `details` is what the server said."""

    def __init__(self, message: str, details: JsonValue = None) -> None:
        super().__init__(message)
        self.details = details


@dataclass(slots=True)
class BlockAssembly:
    """A block in the making. `began` and `ended` are the clock's readings at its start and stop, in seconds."""

    start: JsonObject
    began: float
    ended: float | None = None
    _text: list[str] = field(default_factory=list)
    _thinking: list[str] = field(default_factory=list)
    _json: list[str] = field(default_factory=list)
    _citations: list[JsonValue] = field(default_factory=list)
    _signature: str | None = None

    @property
    def type(self) -> str:
        """The type of the block, such as text or tool_use."""
        return as_text(self.start.get("type"))

    @property
    def name(self) -> str:
        """The tool that the block calls, empty for other blocks."""
        return as_text(self.start.get("name"))

    def opening(self) -> Delta | None:
        """What the start of the block shows already: most servers begin with an empty text."""
        if self.name:
            return Delta("tool_input", "", self.name)
        if text := as_text(self.start.get("text")):
            return Delta("text", well_formed(text))
        thinking = as_text(self.start.get("thinking"))
        return Delta("reasoning", well_formed(thinking)) if thinking else None

    def add(self, delta: JsonObject) -> Delta | None:
        """Add a delta; gives what there is to show of it. Unknown kinds are left out, as the API asks of clients."""
        kind = as_text(delta.get("type"))
        if kind == "citations_delta":
            self._citations.append(delta.get("citation"))
        elif kind == "signature_delta":
            self._signature = as_text(delta.get("signature"))
        elif kind in _SHOWN:
            shown_as, name, pieces = *_SHOWN[kind], self._pieces(kind)
            piece = as_text(delta.get(name))
            pieces.append(piece)
            return Delta(shown_as, well_formed(piece), self.name or None) if piece else None
        return None

    def _pieces(self, kind: str) -> list[str]:
        return self._text if kind == "text_delta" else self._thinking if kind == "thinking_delta" else self._json

    def finished(self, *, cut_off: bool) -> JsonObject | None:
        """The block as the next request must send it, None if the API would not take it back.

        Absent values are left out, because requests do not allow them where replies have them. Everything else,
        thinking and its signature above all, stays to the byte. `cut_off` says that the reply reached a limit, so that
        the arguments of its last call may be incomplete.

        Raises:
            BrokenStreamError: the arguments of a tool call are no JSON object.
        """
        block = {name: value for name, value in self.start.items() if value is not None}
        if self.type == "text":
            block["text"] = well_formed(as_text(block.get("text")) + "".join(self._text))
            citations = [*as_list(block.pop("citations", None)), *self._citations]
            block |= {"citations": citations} if citations else {}
            return block if as_text(block["text"]).strip() else None
        if self.type == "thinking":
            block["thinking"] = well_formed(as_text(block.get("thinking")) + "".join(self._thinking))
            if self._signature is not None:
                block["signature"] = self._signature
        if self.name:
            block["input"] = self._input(block.get("input"), cut_off=cut_off)
        return block

    def _input(self, started_with: JsonValue, *, cut_off: bool) -> JsonObject:
        text = "".join(self._json)
        if not text.strip():
            return started_with if isinstance(started_with, Mapping) else {}
        try:
            value = _strict_json(text)
        except (ValueError, RecursionError):
            if not cut_off:
                raise BrokenStreamError(f"the arguments of the call to {self.name} are not JSON") from None
            value = _readable_part(text)
        if not isinstance(value, Mapping):
            raise BrokenStreamError(f"the arguments of the call to {self.name} are not a JSON object")
        return value


def well_formed(text: str) -> str:
    """The text with halves of characters joined, and replaced where the other half is missing.

    Servers that escape what they send may cut a character beyond U+FFFF in two.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _strict_json(text: str) -> JsonValue:
    value: JsonValue = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    return _well_formed_json(value)


def _readable_part(text: str) -> JsonValue:
    """What an incomplete JSON text holds so far."""
    from jiter import from_json

    try:
        value: JsonValue = from_json(text.encode(), partial_mode=True, allow_inf_nan=False)
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _well_formed_json(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, Mapping):
        return {well_formed(name): _well_formed_json(item) for name, item in value.items()}
    return [_well_formed_json(item) for item in value] if isinstance(value, list) else value


def _refuse_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
