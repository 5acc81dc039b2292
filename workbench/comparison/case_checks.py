"""The checks of the agent's cases on the runs of a comparison: a case's checks hold for every run on its input.

Rubrics are left to `workbench test`, since a model judges them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.cases.case import FOLDER, Case, CaseError, Check, load_cases
from workbench.cases.checking import faults_of
from workbench.cases.facts import facts_of
from workbench.cases.snapshot_texts import with_texts
from workbench.comparison.results import Checked, Result
from workbench.definition.problems import DefinitionError
from workbench.trace.store import Store


def cases_of(folder: Path) -> Sequence[Case] | None:
    """The cases of the agent in `folder`; None when something is wrong with them, which `workbench test` tells."""
    if not any((folder / FOLDER).glob("*.yaml")):
        return ()
    try:
        return load_cases(folder)
    except (CaseError, DefinitionError):
        return None


def with_checks(results: Sequence[Result], cases: Sequence[Case], folder: Path, store: Store) -> Sequence[Result]:
    """The results, each with what the checks of cases with its input found.

    Raises:
        StoreError: the store cannot be read.
    """
    checks: dict[str, list[Check]] = {}
    for case in cases:
        checks.setdefault(case.input, []).extend(check for check in case.checks if check.part.rubric is None)
    return [_checked(result, checks, folder, store) for result in results]


def _checked(result: Result, checks: Mapping[str, Sequence[Check]], folder: Path, store: Store) -> Result:
    wanted = checks.get(result.cell.input.text)
    run = result.measured
    if not wanted or run is None:
        return result
    facts = with_texts(facts_of(store.events(run.run_id)), [check.part for check in wanted], folder)
    faults = [(check, faults_of(check.part, facts)) for check in wanted]
    failed = tuple(
        f"{check.part.kind}: expected {found[0].expected}, found {found[0].found}" for check, found in faults if found
    )
    return replace(result, measured=replace(run, checked=Checked(len(wanted) - len(failed), len(wanted), failed)))
