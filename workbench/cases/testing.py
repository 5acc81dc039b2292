"""Tests an agent's cases: plays each from its tape, or runs it, and holds its checks against what came of it.

From the tape the agent as it is now answers, as long as the tape still can answer for it: nothing is sent and no
container is started. Where the prompt, the model, the servers or the input are no longer what the tape was recorded
with, it cannot, and the case is *stale*: neither passed nor failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Literal

from workbench.cases.case import Case, Check
from workbench.cases.checking import faults_of
from workbench.cases.facts import Facts, as_recorded, facts_of
from workbench.cases.faults import Fault
from workbench.cases.judging import Judged, judged
from workbench.cases.kept_facts import KeptFacts, Verdict, facts_file, facts_text, verdict_key
from workbench.cases.snapshot_texts import is_there, with_texts
from workbench.cases.staleness import changed_since
from workbench.cases.whole_files import write_whole
from workbench.engine.replay_request import ForkPoint, ReplayRequest
from workbench.engine.run import Run
from workbench.engine.stops import RunStoppedError
from workbench.model.conversation import ModelError
from workbench.sitting.sitting import Sitting
from workbench.trace.events import LIMIT_FAILURES, Event, Trigger

From = Literal["tape", "recorded", "live"]
"""What answers: the tape for the agent as it is, the tape for the agent as it was recorded, or the agent live."""

State = Literal["passed", "failed", "stale", "not_judged"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check that was held against a run. `reason` is a judge's; `faults` are none where the check holds."""

    check: Check
    state: Literal["passed", "failed", "not_judged"]
    faults: Sequence[Fault] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case came out.

    `run_id` is the run that was made for it, None where none was. `changed` says why the tape is stale. `cost_usd`
    is what this testing cost, the judges included; None where a price is unknown. `limit` names the limit that ended
    the run, if one did.
    """

    case: Case
    state: State
    run_id: str | None = None
    checks: Sequence[CheckResult] = ()
    changed: Sequence[str] = ()
    limit: str | None = None
    cost_usd: Decimal | None = Decimal(0)
    seconds: float = 0.0
    live: bool = False


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """How cases are tested. `judge`: where no verdict is kept for a tape's output, a model is asked, and it is kept."""

    answers: From = "tape"
    jobs: int = 2
    judge: bool = False


async def results_of(
    sitting: Sitting,
    cases: Sequence[Case],
    testing: CaseSettings,
    *,
    tell: Callable[[CaseResult], None] = lambda result: None,
) -> Sequence[CaseResult]:
    """Test cases of the sitting's agent, `testing.jobs` at a time; `tell` is told of each as it comes out.

    The results are in the order of the cases. If the task is cancelled, the runs under way are cancelled too.
    """
    slots = asyncio.Semaphore(max(1, testing.jobs))

    async def one(case: Case) -> CaseResult:
        async with slots:
            result = await _tested(sitting, case, testing)
        tell(result)
        return result

    tasks = [asyncio.create_task(one(case)) for case in cases]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _tested(sitting: Sitting, case: Case, testing: CaseSettings) -> CaseResult:
    if testing.answers == "tape":
        changed = changed_since(case.kept.tape, sitting.definition.document, case.input)
        if changed:
            return CaseResult(case, "stale", changed=changed)
    events: list[Event] = []
    await _run(sitting, case, testing, events.append).execute()
    ran = facts_of(events)
    if testing.answers != "live" and ran.error == "divergence":
        return CaseResult(case, "stale", ran.run_id, changed=[ran.message])
    facts = _with_texts(sitting, case, ran, testing)
    results, cost = await _checked(sitting, case, facts, testing)
    return CaseResult(
        case,
        _state(results),
        run_id=ran.run_id,
        checks=results,
        limit=ran.error if ran.error in LIMIT_FAILURES else None,
        cost_usd=None if ran.cost_usd is None or cost is None else ran.cost_usd + cost,
        seconds=ran.seconds,
        live=testing.answers == "live",
    )


def _run(sitting: Sitting, case: Case, testing: CaseSettings, show: Callable[[Event], None]) -> Run:
    trigger = Trigger("test", case.name)
    if testing.answers == "live":
        return _live_run(sitting, case, show, trigger)
    tape = case.kept.tape
    request = ReplayRequest(tape.run_id, ForkPoint(1), model="tape", tools="tape")
    definition = sitting.definition if testing.answers == "tape" else None
    return sitting.new_replay(request, show=show, trigger=trigger, definition=definition, tape=tape)


def _live_run(sitting: Sitting, case: Case, show: Callable[[Event], None], trigger: Trigger) -> Run:
    """A run of the agent as it is. A persistent workspace is left alone.

    It begins with the files that the kept run found, where they are on this machine, else empty.
    """
    agent = sitting.definition
    if not agent.persistent:
        return sitting.new_run(case.input, show=show, trigger=trigger)
    first = case.kept.tape.first_snapshot
    snapshot = first if is_there(sitting.folder, first) else None
    definition = replace(agent, persistent=False)
    return sitting.new_run(case.input, show=show, trigger=trigger, definition=definition, snapshot=snapshot)


def _with_texts(sitting: Sitting, case: Case, ran: Facts, testing: CaseSettings) -> Facts:
    """The facts with the texts of files that checks name and the trace does not tell; of a tape with its cost."""
    parts = [check.part for check in case.checks]
    if testing.answers == "live":
        return with_texts(ran, parts, sitting.folder)
    recorded = as_recorded(ran, case.kept.events, sitting.prices.cost)
    return with_texts(recorded, parts, sitting.folder, case.facts.files)


async def _checked(
    sitting: Sitting, case: Case, facts: Facts, testing: CaseSettings
) -> tuple[Sequence[CheckResult], Decimal | None]:
    results: list[CheckResult] = []
    fresh: dict[str, Verdict] = {}
    cost: Decimal | None = Decimal(0)
    for check in case.checks:
        if check.part.rubric is None:
            faults = faults_of(check.part, facts)
            results.append(CheckResult(check, "failed" if faults else "passed", faults))
            continue
        result, key, asked = await _judged(sitting, case, check, facts, testing)
        results.append(result)
        if asked is not None:
            cost = None if cost is None or asked.cost_usd is None else cost + asked.cost_usd
            if asked.verdict is not None:
                fresh[key] = asked.verdict
    if fresh and testing.answers != "live":
        kept = KeptFacts(case.facts.files, {**case.facts.verdicts, **fresh})
        write_whole(facts_file(case.path), facts_text(kept))
    return results, cost


async def _judged(
    sitting: Sitting, case: Case, check: Check, facts: Facts, testing: CaseSettings
) -> tuple[CheckResult, str, Judged | None]:
    """The result of a judged check, the key of its verdict, and what was asked for it now."""
    rubric = check.part.rubric or ""
    if facts.output is None:
        fault = Fault("an output to be judged", f"none: the run {facts.end}")
        return CheckResult(check, "failed", [fault]), "", None
    judge = check.part.judge or sitting.definition.model.id
    key = verdict_key(rubric, judge, facts.output)
    kept = case.facts.verdicts.get(key)
    if kept is not None:
        return _by_verdict(check, kept), key, None
    if testing.answers != "live" and not testing.judge:
        return CheckResult(check, "not_judged", reason=_NOBODY_ASKED), key, None
    try:
        ask = partial(sitting.ask_model, purpose=f"judge of {case.name}")
        asked = await judged(ask, rubric, judge, case.input, facts.output)
    except (ModelError, RunStoppedError) as error:
        return CheckResult(check, "not_judged", reason=f"the judge could not be asked: {error}"), key, None
    if asked.verdict is None:
        reason = f"{judge} gave no verdict: {asked.said[:200]}"
        return CheckResult(check, "not_judged", reason=reason), key, asked
    return _by_verdict(check, asked.verdict), key, asked


_NOBODY_ASKED = "no verdict is kept for this output: `workbench test --judge` asks the judge and keeps what it says"


def _by_verdict(check: Check, verdict: Verdict) -> CheckResult:
    if verdict.holds:
        return CheckResult(check, "passed", reason=verdict.reason)
    return CheckResult(check, "failed", [Fault(f"holds: {check.part.rubric}", verdict.reason)], verdict.reason)


def _state(results: Sequence[CheckResult]) -> State:
    states = {result.state for result in results}
    return "failed" if "failed" in states else "not_judged" if "not_judged" in states else "passed"
