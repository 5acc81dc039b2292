"""What is kept with a case beside its tape, in `cases/NAME.facts.json`: texts of files, and verdicts of judges.

A trace does not hold the content of files, and no judge can be asked without a key: what checks need of either is kept
here, so that the case can be tested anywhere. The file is there only if there is something in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.definition.problems import DefinitionError, Problem
from workbench.trace.digest import digest

MAX_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge found: whether the rubric holds of an output, and why."""

    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class KeptFacts:
    """`files` maps paths in the workspace to texts, `verdicts` the digest of rubric, judge and output to a verdict."""

    files: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


class _VerdictPart(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    holds: bool
    reason: str


class _FactsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    files: dict[str, str] = {}
    verdicts: dict[str, _VerdictPart] = {}


def facts_file(case: Path) -> Path:
    """The file beside the case's file."""
    return case.with_name(f"{case.stem}.facts.json")


def verdict_key(rubric: str, judge: str, output: str) -> str:
    """The digest under which a verdict is kept: what was judged, by what, by whom."""
    return digest({"rubric": rubric, "judge": judge, "output": output})


def read_kept_facts(case: Path) -> KeptFacts:
    """What is kept beside a case's file; nothing if there is no such file.

    Raises:
        DefinitionError: the file is there and cannot be used.
    """
    path = facts_file(case)
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        file = _FactsFile.model_validate_json(content)
    except FileNotFoundError:
        return KeptFacts()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _problem(path, f"{place}: {first['msg']}" if place else first["msg"]) from None
    except (OSError, ValueError) as error:
        raise _problem(path, str(error)) from None
    verdicts = {key: Verdict(one.holds, one.reason) for key, one in file.verdicts.items()}
    return KeptFacts(file.files, verdicts)


def facts_text(facts: KeptFacts) -> str:
    """The content of the file: JSON with sorted keys, so that a change of one fact is a change of one line."""
    verdicts = {key: {"holds": one.holds, "reason": one.reason} for key, one in facts.verdicts.items()}
    return json.dumps({"files": dict(facts.files), "verdicts": verdicts}, indent=1, sort_keys=True) + "\n"


def _problem(path: Path, message: str) -> DefinitionError:
    expected = "what `workbench keep` wrote: restore the file, or delete it and keep the run again"
    return DefinitionError([Problem(path, 1, 1, "", "", expected, None, f"what is kept cannot be read: {message}")])
