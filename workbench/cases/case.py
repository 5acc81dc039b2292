"""The cases of an agent: `cases/NAME.yaml` with the tape beside it, or everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.cases.kept_facts import KeptFacts, read_kept_facts
from workbench.cases.schema import CaseFile, CheckPart
from workbench.cases.tape_file import KeptTape, read_tape
from workbench.definition.problems import DefinitionError, Problem, in_order, nearest
from workbench.definition.validation import validate
from workbench.definition.yamlfile import YamlFile, read_yaml

FOLDER = "cases"
"""The folder of an agent that holds its cases, to be committed with the agent."""

MAX_BYTES = 8 << 20
"""The largest case file, in bytes."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class CaseError(Exception):
    """A case cannot be kept or found. `str` tells a person why, and what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a case, and the line of the case's file at which it stands."""

    part: CheckPart
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it was read: `input` is what the agent is to answer, `path` the file that says all this."""

    name: str
    path: Path
    description: str
    input: str
    checks: Sequence[Check]
    kept: KeptTape
    facts: KeptFacts


def checked_name(name: str) -> str:
    """The name of a case, if it can be one.

    Raises:
        CaseError: it cannot.
    """
    if not _NAME.fullmatch(name) or name.endswith((".yaml", ".jsonl", ".json")):
        raise CaseError(
            f"{name!r} cannot be the name of a case: letters, digits, '.', '_' and '-', at most 80, without an ending"
        )
    return name


def case_file(folder: Path, name: str) -> Path:
    """The file of a case of the agent in `folder`, whether it exists or not."""
    return folder / FOLDER / f"{name}.yaml"


def load_cases(folder: Path, names: Sequence[str] = ()) -> Sequence[Case]:
    """The cases of the agent in `folder` by name, all or those that are named.

    Raises:
        CaseError: there is none, or not the one that is named.
        DefinitionError: something is wrong with them; holds the problems of all.
    """
    found = sorted(path for path in (folder / FOLDER).glob("*.yaml") if not path.name.startswith("."))
    if not found:
        raise CaseError(f"{folder} has no cases: `workbench keep RUN --as NAME` keeps a run as one")
    known = {path.stem: path for path in found}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near}?" if near else ""
            raise CaseError(f"there is no case {name!r} in {folder / FOLDER}{hint}")
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in [known[name] for name in dict.fromkeys(names)] or found:
        try:
            cases.append(load_case(path))
        except DefinitionError as error:
            problems += error.problems
    if problems:
        raise DefinitionError(in_order(problems))
    return cases


def load_case(path: Path) -> Case:
    """The case that a file describes, with its tape.

    Raises:
        DefinitionError: something is wrong with the file, or with its tape; holds all problems.
    """
    yaml = read_yaml(path, MAX_BYTES)
    file = checked_file(yaml)
    kept = read_tape(path.parent / file.tape.file, file.tape.sha256)
    if kept.tape.run_id != file.run:
        message = f"the tape is that of run {kept.tape.run_id}"
        raise DefinitionError([yaml.problem(("run",), message, expected="the run that the tape is of")])
    return Case(
        name=path.stem,
        path=path,
        description=file.description,
        input=kept.tape.started.input if file.input is None else file.input,
        checks=[Check(part, yaml.position(("checks", at)).line) for at, part in enumerate(file.checks)],
        kept=kept,
        facts=read_kept_facts(path),
    )


def checked_file(yaml: YamlFile) -> CaseFile:
    """The case file that a YAML file holds.

    Raises:
        DefinitionError: it does not fit; holds all problems.
    """
    file, problems = validate(CaseFile, yaml)
    if file is not None and Path(file.tape.file).name != file.tape.file:
        problems.append(
            yaml.problem(("tape", "file"), "the tape stands beside the case", expected="the name of a file")
        )
    if file is None or problems:
        raise DefinitionError(problems)
    return file
