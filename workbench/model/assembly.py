"""A streaming reply, put together from its events: content, usage and why it stopped.

It works on the events' plain JSON, so that blocks go back to the model exactly as they came. Compatible servers leave
things out (usage, ids, indexes, the start of a block, the final event): what is missing is done without, and only a
stream that ends before the reply does, or that makes no sense, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.model.block_assembly import BlockAssembly, BrokenStreamError
from workbench.model.conversation import Delta
from workbench.model.reading import as_object, as_objects, as_text
from workbench.model.usage_reading import merged_usage, read_usage

_CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})
_IMPLIED: dict[str, JsonObject] = {
    "text_delta": {"type": "text", "text": ""},
    "citations_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": ""},
    "signature_delta": {"type": "thinking", "thinking": ""},
}


@dataclass(frozen=True, slots=True)
class Assembled:
    """A whole reply. `first_content` is the clock's reading at the first content; durations in seconds."""

    model: str
    message_id: str | None
    content: Sequence[JsonObject]
    stop_reason: str | None
    stop_details: JsonObject | None
    usage: Usage
    first_content: float | None
    thinking_duration: float | None


class Assembly:
    """Takes a stream's events one by one.

    Args:
        clock: Seconds of a clock that never goes back.
        on_delta: Told of each piece as it comes.
    """

    def __init__(self, clock: Callable[[], float], on_delta: Callable[[Delta], None]) -> None:
        self.stopped = False
        self._clock = clock
        self._on_delta = on_delta
        self._message: JsonObject = {}
        self._end: JsonObject = {}
        self._usage: JsonObject = {}
        self._blocks: list[BlockAssembly] = []
        self._by_index: dict[int, BlockAssembly] = {}
        self._events = 0

    def take(self, event: object) -> None:
        """Take the next event, as parsed JSON. Unknown events are passed over, as the API asks of clients.

        Raises:
            BrokenStreamError: the event makes no sense where it stands.
        """
        if not isinstance(event, dict):
            raise BrokenStreamError("an event is not a JSON object")
        self._events += 1
        match event.get("type"):
            case "message_start":
                self._start(as_object(event.get("message")))
            case "content_block_start":
                self._open(event.get("index"), as_object(event.get("content_block")))
            case "content_block_delta":
                self._add(event.get("index"), as_object(event.get("delta")))
            case "content_block_stop":
                self._close(event.get("index"))
            case "message_delta":
                self._end = {**self._end, **as_object(event.get("delta"))}
                self._usage = merged_usage(self._usage, as_object(event.get("usage")))
            case "message_stop":
                self.stopped = True

    def finish(self, missing_id: Callable[[int], str]) -> Assembled:
        """The whole reply; `missing_id` names the tool call at an index to which the server gave no name of its own.

        Raises:
            BrokenStreamError: the stream ended before the reply did, or the reply makes no sense.
        """
        if not self._events:
            raise BrokenStreamError("it held no events of the Messages API")
        stop_reason = as_text(self._end.get("stop_reason")) or None
        if not self.stopped and stop_reason is None:
            raise BrokenStreamError("it ended before the reply did")
        cut_off = stop_reason in _CUT_OFF
        blocks = [block.finished(cut_off=cut_off) for block in self._blocks]
        return Assembled(
            model=as_text(self._message.get("model")),
            message_id=as_text(self._message.get("id")) or None,
            content=_with_ids([block for block in blocks if block is not None], missing_id),
            stop_reason=stop_reason,
            stop_details=as_object(self._end.get("stop_details")) or None,
            usage=read_usage(self._usage),
            first_content=self._blocks[0].began if self._blocks else None,
            thinking_duration=self._thinking_duration(),
        )

    def _start(self, message: JsonObject) -> None:
        self._message = message
        self._usage = merged_usage(self._usage, as_object(message.get("usage")))
        for block in as_objects(message.get("content")):
            self._open(None, block)

    def _open(self, index: object, start: JsonObject) -> BlockAssembly:
        if not as_text(start.get("type")):
            raise BrokenStreamError("a content block has no type")
        if start.get("type") in ("tool_use", "server_tool_use") and not as_text(start.get("name")):
            raise BrokenStreamError("a tool call does not name its tool")
        block = BlockAssembly(start, self._clock())
        self._blocks.append(block)
        self._by_index[index if isinstance(index, int) else len(self._blocks) - 1] = block
        self._show(block.opening())
        return block

    def _add(self, index: object, delta: JsonObject) -> None:
        block = self._find(index)
        if block is None:
            implied = _IMPLIED.get(as_text(delta.get("type")))
            if implied is None:
                raise BrokenStreamError("a piece of a content block came before its start")
            block = self._open(index, implied)
        self._show(block.add(delta))

    def _close(self, index: object) -> None:
        block = self._find(index)
        if block is not None:
            block.ended = self._clock()

    def _find(self, index: object) -> BlockAssembly | None:
        if isinstance(index, int):
            return self._by_index.get(index)
        return self._blocks[-1] if self._blocks else None

    def _show(self, delta: Delta | None) -> None:
        if delta is not None:
            self._on_delta(delta)

    def _thinking_duration(self) -> float | None:
        now = self._clock()
        times = [
            (now if block.ended is None else block.ended) - block.began
            for block in self._blocks
            if block.type in ("thinking", "redacted_thinking")
        ]
        return sum(times) if times else None


def _with_ids(blocks: Sequence[JsonObject], missing_id: Callable[[int], str]) -> Sequence[JsonObject]:
    """The blocks, each tool call with an id that no other call of the reply has."""
    seen: set[str] = set()
    named: list[JsonObject] = []
    for at, block in enumerate(blocks):
        if block.get("type") == "tool_use":
            name = as_text(block.get("id"))
            if not name or name in seen:
                block = {**block, "id": missing_id(at)}  # noqa: PLW2901 - the block as it goes into the reply
            seen.add(as_text(block["id"]))
        named.append(block)
    return named
