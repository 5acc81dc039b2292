"""The shape of a case's file, `cases/NAME.yaml`: every key, what it takes and what it means where it is left out.

A check is a mapping with one key that says what is checked; these are plain frozen data, evaluated by `checking`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from workbench.cases.jsonpaths import JsonPathError, compiled
from workbench.cases.workspace_files import relative
from workbench.definition.formats import ModelId, Usd
from workbench.definition.problems import nearest
from workbench.definition.schema import Part
from workbench.definition.validation import fault
from workbench.jsontypes import JsonObject
from workbench.model.offline_fields import STRING, OrShort
from workbench.trace.events import FAILURES

VERSION = 1
"""The version of the file's format."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise fault(f"this is no regular expression: {error}", expected="a Python regular expression") from None
    return text


def _json_path(text: str) -> str:
    try:
        compiled(text)
    except JsonPathError as error:
        raise fault(f"this is no JSONPath: {error}", expected="a path such as $.findings[0].line") from None
    return text


def _outcome(text: str) -> str:
    if text not in OUTCOMES:
        expected = f"one of {', '.join(OUTCOMES)}"
        raise fault(f"'{text}' is no outcome", expected=expected, suggestion=nearest(text, OUTCOMES))
    return text


def _workspace_path(text: str) -> str:
    path = relative(text)
    if path.startswith("/") or ".." in path.split("/"):
        raise fault(f"'{text}' is no file of the workspace", expected="a path below /workspace, such as review.md")
    return path


def _to_argument(value: Any) -> Any:
    """What stands for itself is compared; a mapping of conditions is a condition."""
    if isinstance(value, dict) and value and set(value) <= set(ArgumentPart.model_fields):
        return value
    return {"equals": value}


def _to_call(value: Any) -> Any:
    return {"tool": value} if isinstance(value, str) else value


OUTCOMES = ("completed", "failed", *FAILURES)
"""How a run can end: with an answer, without one, or without one for this reason."""

Texts = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_listed), OrShort(STRING)]
Pattern = Annotated[str, AfterValidator(_pattern)]
JsonPath = Annotated[str, AfterValidator(_json_path)]
WorkspacePath = Annotated[str, Field(min_length=1), AfterValidator(_workspace_path)]
Outcome = Annotated[str, AfterValidator(_outcome)]


class JsonPart(Part):
    """What stands at a path in JSON. All keys that are given must hold."""

    path: JsonPath = Field(description="A JSONPath (RFC 9535). Where it finds several values, one must do.")
    exists: bool | None = Field(default=None, description="Whether it must find anything. Left out: it must.")
    equals: Any = Field(default=None, description="The JSON value that must stand there.")
    contains: Texts = Field(default=[], description="Texts that must occur in the text that stands there.")
    matches: Pattern | None = Field(default=None, description="A regular expression that must be found in it.")


class ContentPart(Part):
    """What a text must be. All keys that are given must hold."""

    contains: Texts = Field(default=[], description="Texts that must all occur, exactly as they are.")
    not_contains: Texts = Field(default=[], description="Texts of which none may occur.")
    matches: Pattern | None = Field(default=None, description="A Python regular expression that must be found in it.")
    equals: str | None = Field(default=None, description="The whole text; white space at its end does not count.")
    json_at: JsonPart | None = Field(default=None, alias="json", description="What stands at a path of its JSON.")


class FilePart(ContentPart):
    """What a file of the workspace must be when the run has ended."""

    path: WorkspacePath = Field(description="The file, below /workspace.", examples=["review.md"])
    exists: bool | None = Field(default=None, description="Whether it must be there.")
    changed: bool | None = Field(default=None, description="Whether the run must have added or modified it.")
    deleted: bool | None = Field(default=None, description="Whether the run must have deleted it.")


class ArgumentPart(Part):
    """What an argument of a call must be."""

    equals: Any = Field(default=None, description="The value; of a mapping the keys that are given.")
    contains: Texts = Field(default=[], description="Texts that must all occur in it.")
    matches: Pattern | None = Field(default=None, description="A regular expression that must be found in it.")


Argument = Annotated[ArgumentPart, BeforeValidator(_to_argument), OrShort({})]


class CallPart(Part):
    """Calls of a tool."""

    tool: str = Field(min_length=1, description="The tool's name.", examples=["bash"])
    arguments: dict[str, Argument] = Field(
        default={}, description="What the arguments must be; those that are not named may be anything."
    )


class CalledPart(CallPart):
    """How often a tool must be called so."""

    at_least: int = Field(default=1, ge=0, description="The least number of such calls.")
    at_most: int | None = Field(default=None, ge=0, description="The greatest number of such calls.")


class CheckPart(Part):
    """One check: exactly one of these keys, and `judge` beside `rubric`."""

    outcome: Outcome | None = Field(default=None, description="How the run must end.", examples=["completed"])
    output: ContentPart | None = Field(default=None, description="What the final output must be.")
    called: Annotated[CalledPart, BeforeValidator(_to_call), OrShort(STRING)] | None = Field(
        default=None, description="A tool that must be called, and how."
    )
    never_called: Annotated[CallPart, BeforeValidator(_to_call), OrShort(STRING)] | None = Field(
        default=None, description="A tool that must not be called, or not so."
    )
    file: FilePart | None = Field(default=None, description="What a file of the workspace must be at the end.")
    max_steps: int | None = Field(default=None, ge=1, description="The most steps.")
    max_usd: Usd | None = Field(default=None, description="The most that the run may cost, in US dollars.")
    max_seconds: float | None = Field(default=None, gt=0, description="The longest that the run may take, in seconds.")
    rubric: str | None = Field(default=None, min_length=1, description="What a model must find true of the output.")
    judge: ModelId | None = Field(default=None, description="The model that judges; left out, the agent's own.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in self.model_fields_set if name != "judge" and getattr(self, name) is not None]
        names = [name for name in CheckPart.model_fields if name != "judge"]
        if len(given) != 1:
            raise fault(f"a check says one thing, this one says {len(given)}", expected=f"one of {', '.join(names)}")
        if self.judge is not None and self.rubric is None:
            raise fault("'judge' judges a rubric, and there is none", expected="rubric: what must be true")
        return self

    @property
    def kind(self) -> str:
        """The key that says what is checked."""
        given = self.model_fields_set - {"judge"}
        return next(name for name in CheckPart.model_fields if name in given and getattr(self, name) is not None)


class TapePart(Part):
    """Where the tape is."""

    file: str = Field(min_length=1, description="The tape's file, beside this one.")
    sha256: str = Field(min_length=64, max_length=64, description="The SHA-256 of its lines, to notice damage.")


class CaseFile(Part):
    """A case of an agent."""

    version: Literal[1] = Field(description="The version of this format.")
    description: str = Field(default="", description="What the case is for.")
    run: str = Field(min_length=1, description="The run that was kept.")
    tape: TapePart = Field(description="The run's trace.")
    input: str | None = Field(default=None, description="The input; left out, that of the tape.")
    reference: str | None = Field(default=None, description="What the kept run answered, for people to read.")
    checks: list[CheckPart] = Field(min_length=1, description="What must hold of a run.")


def case_schema() -> JsonObject:
    """The JSON Schema of a case's file, for editors."""
    schema: JsonObject = CaseFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "cases/NAME.yaml"}
