"""Keeps a run as a case: its trace as the tape, and a file with checks that a person goes on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.cases.case import CaseError, case_file, checked_file, checked_name
from workbench.cases.case_text import CaseText, rewritten, text_of
from workbench.cases.facts import Facts, facts_of
from workbench.cases.kept_facts import KeptFacts, facts_file, facts_text
from workbench.cases.schema import CaseFile, CheckPart
from workbench.cases.snapshot_texts import file_text
from workbench.cases.tape_file import lines_digest
from workbench.cases.whole_files import write_whole
from workbench.definition.problems import DefinitionError
from workbench.definition.validation import validate
from workbench.definition.yamlfile import parse_yaml, read_yaml
from workbench.definition.yamltree import KeyPath
from workbench.jsontypes import JsonObject
from workbench.trace.codec import event_to_json, json_line
from workbench.trace.events import STOPPED_FAILURES, Event, RunStarted
from workbench.trace.tape import tape_of

_CUT_SHORT = STOPPED_FAILURES | {"divergence"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A case as it was kept: its files, and how many checks it has."""

    path: Path
    files: Sequence[Path]
    checks: int


def keep_run(
    folder: Path,
    events: Sequence[Event],
    name: str,
    *,
    checks: Sequence[JsonObject] = (),
    description: str = "",
    equals: bool = False,
    again: bool = False,
) -> Kept:
    """Keep the run that `events` tell as the case `name` of the agent in `folder`.

    Without `checks` the case has those of `default_checks`, otherwise these are added; with `equals` the output must
    stay what it is. With `again` the run takes the place of the one that the case has; what the case's file says
    otherwise stays as it is written.

    Raises:
        CaseError: the run cannot be a case, the name is taken, or the run answers another input than the case.
        DefinitionError: a check, or the case that is to be kept again, is not right.
        TapeError: the events are no whole trace.
        OSError: the files cannot be written.
    """
    path = case_file(folder, checked_name(name))
    facts = _facts(events)
    lines = [json_line(event_to_json(event)) for event in events]
    tape = path.with_name(f"{path.stem}.tape.jsonl")
    if again:
        text, file = _kept_again(path, events, lines, [*checks, *_reference_check(facts, equals)])
    else:
        if path.exists():
            raise CaseError(f"{path} exists: choose another name, or --again puts this run in the place of the other")
        all_checks = [*default_checks(facts), *_reference_check(facts, equals), *checks]
        said = CaseText(
            description, facts.run_id, tape.name, lines_digest(lines), _input(events), facts.output, all_checks
        )
        text = text_of(said, path)
        file = checked_file(parse_yaml(path, text.encode("utf-8")))
    path.parent.mkdir(exist_ok=True)
    write_whole(tape, "".join(f"{line}\n" for line in lines))
    _keep_files(folder, path, facts, file.checks)
    write_whole(path, text)
    written = [file for file in (path, tape, facts_file(path)) if file.exists()]
    return Kept(path, written, len(file.checks))


def default_checks(facts: Facts) -> Sequence[JsonObject]:
    """What should hold of a run again, whatever it is for: how it ended, and which tools it called."""
    tools = dict.fromkeys(call.tool for call in facts.calls)
    return [{"outcome": facts.error or "completed"}, *({"called": tool} for tool in tools)]


def check_of(text: str) -> JsonObject:
    """The check that `text` writes in YAML, as in a case's file: `output: {contains: Approve}`.

    Raises:
        DefinitionError: it is none; holds all problems.
    """
    yaml = parse_yaml(Path("--check"), text.encode("utf-8", "replace"))
    part, problems = validate(CheckPart, yaml)
    if part is None or not isinstance(yaml.value, dict):
        raise DefinitionError(problems)
    return yaml.value


def _facts(events: Sequence[Event]) -> Facts:
    tape = tape_of(events)
    if tape.end is None:
        raise CaseError(
            f"run {tape.run_id} has no end: it runs still, or was cut off. `workbench resume {tape.run_id}` ends it"
        )
    facts = facts_of(events)
    if facts.error in _CUT_SHORT:
        raise CaseError(f"run {tape.run_id} was stopped ({facts.error}): a case is a run that came to its own end")
    return facts


def _input(events: Sequence[Event]) -> str:
    started = events[0].data
    if not isinstance(started, RunStarted):
        raise TypeError("a trace begins with run_started")
    return started.input


def _reference_check(facts: Facts, equals: bool) -> Sequence[JsonObject]:
    if not equals:
        return ()
    if facts.output is None:
        raise CaseError(f"run {facts.run_id} has no output that could stay the same: it {facts.end}")
    return [{"output": {"equals": facts.output}}]


def _kept_again(
    path: Path, events: Sequence[Event], lines: Sequence[str], checks: Sequence[JsonObject]
) -> tuple[str, CaseFile]:
    yaml = read_yaml(path)
    file = checked_file(yaml)
    if checks:
        raise CaseError(f"the checks of a case that is kept again stay as they are: edit them in {path}")
    if file.input is not None and file.input != _input(events):
        raise CaseError(
            f"run {events[0].run_id} answers another input than {path} has: keep a run of that input "
            f"(`workbench test --live --case {path.stem}` makes one), or choose another name"
        )
    changes: Mapping[KeyPath, str] = {("run",): events[0].run_id, ("tape", "sha256"): lines_digest(lines)}
    text = rewritten(yaml, changes)
    return text, checked_file(parse_yaml(path, text.encode("utf-8")))


def _keep_files(folder: Path, path: Path, facts: Facts, checks: Sequence[CheckPart]) -> None:
    """Keep the texts of the files that checks name, where the trace alone does not tell them, and drop old verdicts."""
    named = {check.file.path for check in checks if check.file is not None}
    texts: dict[str, str] = {}
    for name in sorted(named):
        if facts.files.content(name) is None and facts.files.exists(name) is not False:
            text = file_text(folder, facts.files.snapshot, name)
            if text is not None:
                texts[name] = text
    if texts:
        write_whole(facts_file(path), facts_text(KeptFacts(texts)))
    else:
        facts_file(path).unlink(missing_ok=True)
