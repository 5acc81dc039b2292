"""The shape of offline.yaml: every key, what it takes and what it means where it is left out.

These are plain frozen data: patterns, paths and templates stay the text that the user wrote. `offline_format.md` is
the reference for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from workbench.definition.validation import fault
from workbench.model.offline_fields import (
    STRING,
    Count,
    Json,
    Names,
    OrShort,
    Part,
    Path,
    Pattern,
    Route,
    Seconds,
    Status,
    one_or_many,
    path_parameters,
    to_text,
)


class TextPart(Part):
    """What a text must be. All keys that are given must hold."""

    contains: Names = Field(default=[], description="Texts that must all occur; case and line breaks do not count.")
    any_of: Names = Field(default=[], description="Texts of which one must occur; case and line breaks do not count.")
    matches: Pattern | None = Field(default=None, description="A Python regular expression that must be found in it.")
    negated: Text | None = Field(default=None, alias="not", description="What the text must not be.")


Text = Annotated[TextPart, BeforeValidator(to_text), OrShort(STRING, {"type": "array", "items": STRING})]


class ResultPart(TextPart):
    """What an earlier result of a tool must be."""

    tool: str = Field(min_length=1, description="The tool's name.")
    which: Literal["last", "first", "any", "all"] | Annotated[int, Field(ge=1)] = Field(
        default="last", description="Which of its results: last, first, any, all, or a number counted from 1."
    )
    is_error: bool | None = Field(default=None, description="Whether it must be an error or must not.")
    json_equals: dict[Path, Json] = Field(default={}, alias="json", description="Values at paths of its JSON.")
    arguments: dict[Path, Text] = Field(default={}, description="What the call's arguments must be.")


if TYPE_CHECKING:
    Results = list[ResultPart]
else:
    Results = one_or_many(ResultPart)


class WhenPart(Part):
    """When a rule answers. All keys that are given must hold."""

    step: Count | None = Field(default=None, description='The model turn, from 1: a number, "2+" or "2-4".')
    paused: bool | None = Field(default=None, description="Whether a paused reply is to be continued.")
    model: Names = Field(default=[], description="Model ids of which one must fit; * stands for anything.")
    system: Text | None = Field(default=None, description="What the system prompt must be.")
    input: Text | None = Field(default=None, description="What the run's input must be.")
    said: Text | None = Field(default=None, description="What the model's last text must be.")
    tools: Names = Field(default=[], description="Tools that the agent must have.")
    no_tools: Names = Field(default=[], description="Tools that the agent must not have.")
    called: dict[str, Count] = Field(default={}, description="How many results there must be of which tool.")
    results: Results = Field(default=[], description="What earlier tool results must be.")
    equals: dict[Path, Json] = Field(default={}, description="Values, named as in templates, and what they must be.")
    any: list[WhenPart] = Field(default=[], description="Conditions of which one must hold.")
    negated: WhenPart | None = Field(default=None, alias="not", description="A condition that must not hold.")


class CallPart(Part):
    """A call of a tool."""

    tool: str = Field(min_length=1, description="The tool's name.")
    arguments: dict[str, Json] = Field(default={}, description="The arguments; texts in them are templates.")
    for_each: str | None = Field(
        default=None, description="A template that gives a list: one call for each item, which is {{ item }}."
    )
    limit: int = Field(default=32, ge=1, le=1000, description="The most calls that for_each makes.")
    raw_arguments: str | None = Field(
        default=None, description="The arguments as the text that is streamed, to send broken JSON."
    )
    even_if_missing: bool = Field(default=False, description="Call it even if the agent does not have the tool.")


if TYPE_CHECKING:
    Calls = list[CallPart]
else:
    Calls = one_or_many(CallPart)


class FoundPart(Part):
    """A result of a web search."""

    title: str = Field(description="The page's title.")
    url: str = Field(description="The page's address.")
    text: str = Field(default="", description="What the page says; it reaches the model only.")
    page_age: str | None = Field(default=None, description="How old the page is, such as 3 days ago.")


class SearchPart(Part):
    """A web search, run by the vendor."""

    query: str = Field(description="What is searched for.")
    results: list[FoundPart] = Field(default=[], description="What is found.")
    error: (
        Literal[
            "invalid_tool_input",
            "unavailable",
            "max_uses_exceeded",
            "too_many_requests",
            "query_too_long",
            "request_too_large",
        ]
        | None
    ) = Field(default=None, description="Why the search failed.")


if TYPE_CHECKING:
    Searches = list[SearchPart]
else:
    Searches = one_or_many(SearchPart)


class BlockPart(Part):
    """One content block; exactly one of its keys is given."""

    thinking: str | None = Field(default=None, description="Thinking.")
    redacted_thinking: str | None = Field(default=None, description="Thinking that the vendor keeps back, as data.")
    text: str | None = Field(default=None, description="Text.")
    call: CallPart | None = Field(default=None, description="A call of a tool.")
    search: SearchPart | None = Field(default=None, description="A web search, run by the vendor.")
    raw: dict[str, Json] | None = Field(default=None, description="A block as the API writes it.")

    @model_validator(mode="after")
    def _one_key(self) -> BlockPart:
        if len(self.model_fields_set) != 1:
            names = ", ".join(type(self).model_fields)
            raise fault("a block has exactly one key", expected=f"one of {names}")
        return self


class RefusalPart(Part):
    """Why the model refuses."""

    category: Literal["cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"] | None = None
    explanation: str | None = None
    recommended_model: str | None = None


class UsagePart(Part):
    """Token counts to report instead of the estimate; what is left out is estimated."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    thinking_tokens: int | None = Field(default=None, ge=0)


class PacePart(Part):
    """How fast the model answers."""

    first_token: Seconds = Field(default=0.1, description="Seconds until the reply begins.")
    tokens_per_second: float = Field(default=500, ge=0, description="Tokens per second after that; 0 for all at once.")


StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
]


class ReplyPart(Part):
    """What the model answers: thinking, searches, text and calls, in this order, or `blocks` in an order of its own."""

    thinking: str | None = Field(default=None, description="Thinking.")
    search: Searches = Field(default=[], description="Web searches.")
    text: str | None = Field(default=None, description="Text.")
    calls: Calls = Field(default=[], description="Calls of tools; several are made at once.")
    blocks: list[BlockPart] = Field(default=[], description="The content, block by block.")
    stop_reason: StopReason | None = Field(
        default=None, description="Why the reply ends; left out, tool_use if there are calls, else end_turn."
    )
    stop_sequence: str | None = Field(default=None, description="The stop sequence that was met.")
    refusal: RefusalPart | None = Field(default=None, description="Why the model refuses; sets the stop reason.")
    usage: UsagePart | None = Field(default=None, description="Token counts to report instead of the estimate.")
    pace: PacePart | None = Field(default=None, description="How fast this reply comes.")

    @model_validator(mode="after")
    def _one_way(self) -> ReplyPart:
        if self.blocks and {"thinking", "search", "text", "calls"} & self.model_fields_set:
            raise fault(
                "blocks stand beside thinking, search, text or calls", expected="the one or the other, not both"
            )
        return self


class ErrorPart(Part):
    """Something that goes wrong; exactly one of status, stream, cut, hang and unreachable is given."""

    status: Status | None = Field(default=None, description="An HTTP error.")
    stream: str | None = Field(default=None, description="The type of an error event, such as overloaded_error.")
    cut: Literal[True] | None = Field(default=None, description="The connection is lost.")
    hang: Literal[True] | None = Field(default=None, description="Nothing comes any more.")
    unreachable: Literal[True] | None = Field(default=None, description="No connection can be made.")
    after: int | None = Field(
        default=None, ge=0, description="Characters of the reply that come before (stream, cut, hang)."
    )
    message: str | None = Field(default=None, description="What the error says.")
    type: str | None = Field(default=None, description="The error's type, where it is not that of the status.")
    retry_after: float | None = Field(default=None, ge=0, description="Seconds to wait that the error asks for.")
    times: int | None = Field(default=None, ge=1, description="How many attempts it meets; left out, all.")

    @model_validator(mode="after")
    def _one_kind(self) -> ErrorPart:
        kinds = {"status", "stream", "cut", "hang", "unreachable"} & self.model_fields_set
        if len(kinds) != 1:
            raise fault("an error is of exactly one kind", expected="one of status, stream, cut, hang and unreachable")
        if self.after is not None and not kinds & {"stream", "cut", "hang"}:
            raise fault("'after' is for what happens while the reply comes", expected="stream, cut or hang with it")
        if self.status is None and {"type", "retry_after"} & self.model_fields_set:
            raise fault("'type' and 'retry_after' are for HTTP errors", expected="status with it")
        return self


if TYPE_CHECKING:
    Errors = list[ErrorPart]
else:
    Errors = one_or_many(ErrorPart)


class RulePart(Part):
    """A rule: when it answers and what; or a group of rules that share a condition."""

    name: str | None = Field(default=None, description="What the rule is called in messages.")
    when: WhenPart = Field(default=WhenPart(), description="When it answers; left out, always.")
    reply: ReplyPart | None = Field(default=None, description="What the model answers.")
    error: Errors = Field(default=[], description="What goes wrong first, one after the other.")
    rules: list[RulePart] = Field(default=[], description="Rules that are tried only if `when` holds.")

    @model_validator(mode="after")
    def _something(self) -> RulePart:
        if self.rules and (self.reply or self.error):
            raise fault("a group of rules answers nothing itself", expected="rules, or reply and error")
        if not (self.rules or self.reply or self.error):
            raise fault("the rule answers nothing", expected="reply, error or rules")
        if self.reply is None and any(item.after for item in self.error):
            raise fault("'after' counts characters of the reply, and there is none", expected="reply beside error")
        return self


class CasePart(Part):
    """A text condition and the value that it gives."""

    when: Text = Field(description="What the text must be.")
    value: Json = Field(description="The value; texts in it are templates.")


class ChoicePart(Part):
    """A value chosen by a text: the first case that fits gives it."""

    of: str = Field(default="{{ input.text }}", description="The text, as a template.")
    cases: list[CasePart] = Field(min_length=1, description="What is tried, in order.")
    otherwise: Json = Field(default=None, description="The value if no case fits.")


class RoutePart(Part):
    """A request to a REST API and its answer."""

    request: Route = Field(description="Method and path, such as GET /tickets/{id}.")
    query: dict[str, Text] = Field(default={}, description="What parameters of the query must be.")
    body: dict[Path, Json] = Field(default={}, description="Values at paths of the JSON body.")
    status: int = Field(default=200, ge=200, le=599, description="The status of the answer.")
    headers: dict[str, str] = Field(default={}, description="Headers of the answer.")
    json_body: Json = Field(default=None, alias="json", description="A JSON body; texts in it are templates.")
    text: str | None = Field(default=None, description="A text body, as a template.")
    file: str | None = Field(
        default=None, description="A file of the agent's folder; {name} stands for a parameter of the path."
    )
    remember: str | None = Field(
        default=None, description="The name under which the request's JSON body is remembered, such as ticket-{id}."
    )
    recall: str | None = Field(
        default=None, description="The name under which remembered bodies are merged into the answer's JSON."
    )

    @model_validator(mode="after")
    def _one_body(self) -> RoutePart:
        if len({"json_body", "text", "file"} & self.model_fields_set) > 1:
            raise fault("the answer has more than one body", expected="one of json, text and file")
        known = set(path_parameters(self.request))
        for value in (self.file, self.remember, self.recall):
            for name in path_parameters(value or ""):
                if name not in known:
                    raise fault(f"'{{{name}}}' is no parameter of the path", expected="a parameter of request")
        return self


class OfflineFile(Part):
    """A scripted model: who answers when there is no key and no endpoint."""

    version: Literal[1] = Field(description="The version of this format.")
    pace: PacePart = Field(default=PacePart(), description="How fast the model answers.")
    values: dict[str, Json] = Field(default={}, description="Values for templates, as {{ values.name }}.")
    choices: dict[str, ChoicePart] = Field(default={}, description="Tables, as {{ choice.name }}.")
    rules: list[RulePart] = Field(min_length=1, description="The rules, tried in order.")
    http: dict[str, list[RoutePart]] = Field(
        default={}, description="Answers of REST APIs, by the name of the agent's http server."
    )
