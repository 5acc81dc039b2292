"""The table of variants as text: the same columns and cells for the terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.comparison import wording
from workbench.comparison.report import Report, VariantReport
from workbench.cost.amounts import usd, usd_and_cents

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text. `numeric` says which columns are aligned to the right."""

    head: Sequence[str]
    rows: Rows
    numeric: Sequence[bool]


def variant_table(report: Report) -> Table:
    """A row for each variant."""
    columns = [column for column in _COLUMNS if column.shown(report)]
    return Table(
        head=[column.head for column in columns],
        rows=[[column.text(row) for column in columns] for row in report.variants],
        numeric=[column.numeric for column in columns],
    )


def projection_table(report: Report) -> Table:
    """What a month would cost: a row for each variant that has a result."""
    head = ["variant", "model", "runtime", "total a month", "all as the cheapest", "all as the dearest"]
    rows = []
    for row in report.variants:
        found = row.projection
        if found is None:
            continue
        rows.append(
            [
                row.variant.name,
                usd_and_cents(found.model.mean if found.model else None),
                usd_and_cents(found.runtime.mean),
                usd_and_cents(found.total.mean if found.total else None),
                usd_and_cents(found.total.low if found.total else None),
                usd_and_cents(found.total.high if found.total else None),
            ]
        )
    return Table(head, rows, [False, True, True, True, True, True])


def self_hosted_table(report: Report) -> Table:
    """The runtime of the month, hosted and on machines of one's own: a row for each variant that has a result."""
    head = ["variant", "seconds a run", "hosted", "your machines", "machines", "yours cheaper from"]
    rows = [
        [
            row.variant.name,
            f"{found.seconds:,.1f}",
            usd_and_cents(found.hosted_usd),
            usd_and_cents(found.own_usd),
            f"{found.machines:,}",
            "never" if found.cheaper_from is None else f"{found.cheaper_from:,} runs a month",
        ]
        for row in report.variants
        if (found := row.self_hosted) is not None
    ]
    return Table(head, rows, [False, True, True, True, True, True])


def judging_table(report: Report) -> Table:
    """Each pair of variants as the judge saw them: a row for each."""
    head = ["variant", "against", "better", "worse", "tie", "changed with the order", "not told", "same answer", "p"]
    rows = []
    for found in report.judging.pairs if report.judging else ():
        counts = found.counts
        numbers = [counts[name] for name in ("second", "first", "tie", "changed", "not told", "same")]
        rows.append([found.second.name, found.first.name, *map(str, numbers), f"{float(found.p):.3f}"])
    return Table(head, rows, [False, False, *[True] * 7])


def contrast_table(report: Report) -> Table:
    """Each variant against each other, a row for each measure."""
    rows = [
        [
            found.measure.value,
            found.second.name,
            found.first.name,
            wording.difference(found),
            wording.verdict(found),
        ]
        for found in report.contrasts
    ]
    head = ["measure", "variant", "against", "difference", "larger than chance?"]
    return Table(head, rows, [False, False, False, False, False])


@dataclass(frozen=True, slots=True)
class _Column:
    head: str
    text: Callable[[VariantReport], str]
    numeric: bool = True
    shown: Callable[[Report], bool] = lambda report: True


def _any_failed(report: Report) -> bool:
    return any(row.failures for row in report.variants)


def _has_checks(report: Report) -> bool:
    return any(row.checks is not None for row in report.variants)


def _repeated(report: Report) -> bool:
    return any(row.agreement is not None for row in report.variants)


_COLUMNS: Sequence[_Column] = (
    _Column("variant", lambda row: row.variant.name, numeric=False),
    _Column("completed", lambda row: wording.completed(row.completed), numeric=False),
    _Column("checks passed", lambda row: wording.completed(row.checks), numeric=False, shown=_has_checks),
    _Column("failed", wording.failures, numeric=False, shown=_any_failed),
    _Column("steps", lambda row: wording.count_spread(row.steps)),
    _Column("tokens in", lambda row: wording.count_spread(row.input_tokens)),
    _Column("tokens out", lambda row: wording.count_spread(row.output_tokens)),
    _Column("cost a run", lambda row: wording.usd_spread(row.total_usd, row.measured)),
    _Column("time", lambda row: wording.seconds_spread(row.seconds)),
    _Column("answers", lambda row: wording.agreements(row.agreement), numeric=False, shown=_repeated),
    _Column("all runs", lambda row: usd(row.sum_usd)),
)
