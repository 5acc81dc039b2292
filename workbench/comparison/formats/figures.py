"""The figures of a report as JSON: amounts are USD as texts with six decimals, times seconds, unknown is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from workbench.comparison import wording
from workbench.comparison.contrast import Contrast
from workbench.comparison.judgements import Judging
from workbench.comparison.report import Report, VariantReport
from workbench.comparison.results import Result
from workbench.comparison.statistics import Spread
from workbench.cost.amounts import microdollars
from workbench.cost.projection import Projection
from workbench.cost.projection import Spread as Month
from workbench.cost.selfhost import SelfHosted, SelfHostRates
from workbench.jsontypes import JsonObject, JsonValue

FORMAT_VERSION = 1


def report_figures(report: Report) -> JsonObject:
    """The whole report."""
    plan = report.plan
    return {
        "format": FORMAT_VERSION,
        "agent": plan.agent,
        "comparison": plan.name,
        "offline": plan.offline,
        "repeats": plan.repeats,
        "inputs": [item.name for item in plan.inputs],
        "complete": report.complete,
        "stopped": report.stopped,
        "runs_per_month": report.runs_per_month,
        "self_host_rates": _rates(report.rates),
        "variants": [variant_figures(row) for row in report.variants],
        "differences": [_contrast(found) for found in report.contrasts],
        "judging": _judging(report.judging),
        "runs": [run_figures(result) for result in report.results],
        "notes": list(wording.notes(report)),
    }


def variant_figures(row: VariantReport) -> Mapping[str, JsonValue]:
    """One variant."""
    done = row.completed
    return {
        "variant": row.variant.name,
        "model": row.variant.model,
        "prompt": row.variant.prompt,
        "definition_digest": row.variant.digest,
        "settings_left_out": ", ".join(row.variant.left_out),
        "planned": row.planned,
        "measured": row.measured,
        "completed": {
            "runs": done.hits if done else 0,
            "share": round(done.share, 4) if done else None,
            "low": round(done.low, 4) if done else None,
            "high": round(done.high, 4) if done else None,
        },
        "checks": {"passed": row.checks.hits if row.checks else None, "of": row.checks.of if row.checks else None},
        "failures": wording.counted(row.failures),
        "without_result": wording.counted(row.without_result),
        "steps": _spread(row.steps),
        "tool_calls": _spread(row.tool_calls),
        "input_tokens": _spread(row.input_tokens),
        "output_tokens": _spread(row.output_tokens),
        "cost_usd": _usd_spread(row.total_usd),
        "model_usd": _usd_spread(row.model_usd),
        "runtime_usd": _usd_spread(row.runtime_usd),
        "seconds": _spread(row.seconds),
        "sum_usd": _usd(row.sum_usd),
        "agreement": {
            "answers": row.agreement.answers if row.agreement else None,
            "same": row.agreement.same if row.agreement else None,
            "similarity": round(row.agreement.similarity, 4) if row.agreement else None,
        },
        "month": _projection(row.projection),
        "self_hosted": _self_hosted(row.self_hosted),
    }


def run_figures(result: Result) -> Mapping[str, JsonValue]:
    """One cell of the matrix."""
    run = result.measured
    return {
        "variant": result.cell.variant.name,
        "model": result.cell.variant.model,
        "prompt": result.cell.variant.prompt,
        "input": result.cell.input.name,
        "repeat": result.cell.repeat,
        "run": result.run_id,
        "outcome": result.outcome,
        "error": result.error if run is None else run.error,
        "checks_passed": run.checked.passed if run and run.checked else None,
        "checks_of": run.checked.of if run and run.checked else None,
        "checks_failed": "; ".join(run.checked.failed) if run and run.checked else None,
        "steps": run.steps if run else None,
        "tool_calls": run.tool_calls if run else None,
        "input_tokens": run.input_tokens if run else None,
        "output_tokens": run.output_tokens if run else None,
        "cost_usd": _usd(run.total_usd) if run else None,
        "model_usd": _usd(run.model_usd) if run else None,
        "runtime_usd": _usd(run.runtime_usd) if run else None,
        "seconds": _number(run.seconds) if run else None,
        "output": run.output if run else None,
    }


def _judging(found: Judging | None) -> JsonObject | None:
    if found is None:
        return None
    return {
        "model": found.model,
        "judgements": found.asked,
        "model_usd": _usd(found.usd),
        "preferred_shown_first": round(found.shown_first.share, 4) if found.shown_first else None,
        "pairs": [
            {
                "first": pair.first.name,
                "second": pair.second.name,
                **{name.replace(" ", "_"): number for name, number in pair.counts.items()},
                "p": round(float(pair.p), 6),
            }
            for pair in found.pairs
        ],
    }


def _contrast(found: Contrast) -> JsonObject:
    return {
        "measure": found.measure.value,
        "first": found.first.name,
        "second": found.second.name,
        "first_mean": format(microdollars(found.difference.first), "f"),
        "second_mean": format(microdollars(found.difference.second), "f"),
        "p": round(float(found.p), 6),
        "exact": found.difference.exact,
        "runs": list(found.difference.runs),
        "inputs": found.difference.inputs,
        "verdict": found.verdict,
        "difference": wording.difference(found),
        "larger_than_chance": wording.verdict(found),
    }


def _rates(rates: SelfHostRates | None) -> JsonObject | None:
    if rates is None:
        return None
    return {
        "machine_usd_per_month": format(rates.machine_usd, "f"),
        "runs_at_once": rates.runs_at_once,
        "busy_share": format(rates.busy_share, "f"),
        "fixed_usd_per_month": format(rates.fixed_usd, "f"),
        "example": rates.is_example,
    }


def _projection(found: Projection | None) -> Mapping[str, JsonValue]:
    return {
        "model_usd": _month(found.model if found else None),
        "runtime_usd": _month(found.runtime if found else None),
        "total_usd": _month(found.total if found else None),
    }


def _self_hosted(found: SelfHosted | None) -> Mapping[str, JsonValue]:
    return {
        "seconds": _number(found.seconds) if found else None,
        "hosted_usd": _usd(found.hosted_usd) if found else None,
        "own_usd": _usd(found.own_usd) if found else None,
        "machines": found.machines if found else None,
        "cheaper_from_runs": found.cheaper_from if found else None,
    }


def _month(found: Month | None) -> Mapping[str, JsonValue]:
    names: Sequence[str] = ("low", "median", "mean", "high")
    return {name: _usd(getattr(found, name)) if found else None for name in names}


def _spread(found: Spread | None) -> Mapping[str, JsonValue]:
    names: Sequence[str] = ("median", "mean", "low", "high")
    return {name: _number(getattr(found, name)) if found else None for name in names}


def _usd_spread(found: Spread | None) -> Mapping[str, JsonValue]:
    names: Sequence[str] = ("median", "mean", "low", "high")
    return {name: _usd(getattr(found, name)) if found else None for name in names}


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else format(microdollars(amount), "f")


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else round(float(value), 6)
