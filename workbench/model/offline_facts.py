"""What a request tells the offline script: the prompt, the input, the step, and what tools gave so far."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.offline_paths import JsonPath, MissingValueError, walk
from workbench.model.reading import as_blocks, as_object, as_objects, as_text


@dataclass(frozen=True)
class TextFact:
    """A text, what patterns captured of it, and, as far as it is some, its JSON. `name` is how messages call it."""

    name: str
    text: str
    groups: Mapping[str, JsonValue] = field(default_factory=dict)

    def at(self, path: JsonPath) -> JsonValue:
        """The value at a path: `text`, `lines`, `json` and what is in it, or a captured group.

        Raises:
            MissingValueError: there is none.
        """
        if not path or path[0] == "text":
            return walk(self.text, path[1:], f"{self.name}.text")
        if path[0] == "lines":
            return walk(self.lines, path[1:], f"{self.name}.lines")
        if path[0] == "json":
            return walk(self.json(), path[1:], f"{self.name}.json")
        if path[0] not in self.groups:
            known = ", ".join(["text", "lines", "json", *self.groups])
            raise MissingValueError(f"{self.name} has no '{path[0]}' (it has {known})")
        return walk(self.groups[str(path[0])], path[1:], f"{self.name}.{path[0]}")

    @cached_property
    def lines(self) -> Sequence[str]:
        """The lines that are not blank."""
        return [line for line in self.text.splitlines() if line.strip()]

    def json(self) -> JsonValue:
        """The text as JSON.

        Raises:
            MissingValueError: it is none.
        """
        if isinstance(self._json, _NotJson):
            raise MissingValueError(f"{self.name}.text is not JSON")
        return self._json

    def capturing(self, groups: Mapping[str, JsonValue]) -> TextFact:
        """The same text with more groups."""
        return TextFact(self.name, self.text, {**self.groups, **groups})

    @cached_property
    def _json(self) -> JsonValue | _NotJson:
        try:
            value: JsonValue = json.loads(self.text)
        except (ValueError, RecursionError):
            return _NotJson()
        return value


class _NotJson:
    """Stands for the JSON of a text that is none."""


@dataclass(frozen=True, slots=True)
class ResultFact:
    """What a tool gave, and what it was asked."""

    tool: str
    content: TextFact
    arguments: JsonObject
    is_error: bool

    def at(self, path: JsonPath) -> JsonValue:
        """The value at a path: those of a text, and `arguments` and `is_error`.

        Raises:
            MissingValueError: there is none.
        """
        if path and path[0] == "arguments":
            return walk(self.arguments, path[1:], f"{self.content.name}.arguments")
        return self.is_error if path == ("is_error",) else self.content.at(path)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request as rules see it.

    `step` counts model turns from 1; a paused reply and its continuation are one. `said` is the model's last text.
    """

    model: str
    step: int
    paused: bool
    system: TextFact
    input: TextFact
    said: TextFact
    tools: Sequence[str]
    results: Sequence[ResultFact]

    def results_of(self, tool: str) -> Sequence[ResultFact]:
        """The results of a tool so far, in order."""
        return [result for result in self.results if result.tool == tool]


def facts_of(body: JsonObject) -> RequestFacts:
    """What the body of a request to the Messages API tells."""
    messages = as_objects(body.get("messages"))
    assistants = [at for at, message in enumerate(messages) if message.get("role") == "assistant"]
    paused = bool(messages) and messages[-1].get("role") == "assistant"
    return RequestFacts(
        model=as_text(body.get("model")),
        step=len(assistants) + (0 if paused else 1),
        paused=paused,
        system=TextFact("system", text_of(body.get("system"))),
        input=TextFact("input", text_of(messages[0].get("content")) if messages else ""),
        said=TextFact("said", text_of(messages[assistants[-1]].get("content")) if assistants else ""),
        tools=[as_text(tool.get("name")) for tool in as_objects(body.get("tools"))],
        results=_results(messages),
    )


def text_of(content: JsonValue) -> str:
    """The text blocks of a content, joined by line breaks."""
    texts = [as_text(block.get("text")) for block in as_blocks(content) if block.get("type") == "text"]
    return "\n".join(texts)


def _results(messages: Sequence[JsonObject]) -> Sequence[ResultFact]:
    calls: dict[str, JsonObject] = {}
    results: list[ResultFact] = []
    for message in messages:
        for block in as_blocks(message.get("content")):
            if block.get("type") == "tool_use":
                calls[as_text(block.get("id"))] = block
            elif block.get("type") == "tool_result":
                results.append(_result(block, calls.get(as_text(block.get("tool_use_id")), {})))
    return results


def _result(block: JsonObject, call: JsonObject) -> ResultFact:
    tool = as_text(call.get("name"))
    return ResultFact(
        tool=tool,
        content=TextFact(f"result.{tool}", text_of(block.get("content"))),
        arguments=as_object(call.get("input")),
        is_error=block.get("is_error") is True,
    )
