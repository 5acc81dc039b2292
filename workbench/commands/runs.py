"""`workbench runs`: the runs of an agent, or of all agents below a folder, newest first."""

from __future__ import annotations

import argparse
import json
import sys

from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.money import seconds, short_usd
from workbench.commands.problems import print_error
from workbench.commands.style import Style
from workbench.trace.errors import StoreError
from workbench.trace.places import find_stores
from workbench.trace.runs import RunSummary, to_json
from workbench.trace.store import Store
from workbench.trace.terminal import printable

_STATUS_COLOURS = {"completed": "green", "failed": "red", "running": "blue", "interrupted": "yellow"}


def run(options: argparse.Namespace) -> int:
    """Print a line for each run. A store that cannot be read is told, and the runs of the others are listed."""
    summaries: list[RunSummary] = []
    code = DONE
    for folder in find_stores(options.agent):
        try:
            with Store.open(folder, read_only=True) as store:
                summaries.extend(store.runs(options.limit))
        except StoreError as error:
            print_error(error)
            code = USAGE
    summaries.sort(key=lambda summary: (summary.started_at, summary.run_id), reverse=True)
    summaries = summaries[: options.limit]
    if options.json:
        for summary in summaries:
            print(json.dumps(to_json(summary)))
    elif not summaries and code == DONE:
        print(f"no runs in {printable(str(options.agent.absolute()))} or below yet; `workbench run AGENT` makes one")
    elif summaries:
        _print_table(summaries)
    return code


def _print_table(summaries: list[RunSummary]) -> None:
    style = Style.of(sys.stdout)
    agent_width = max(5, *(len(summary.agent) for summary in summaries))
    model_width = max(5, *(len(summary.model) for summary in summaries))
    print(
        f"{'run':<18} {'agent':<{agent_width}} {'model':<{model_width}} {'status':<12} {'steps':>5} {'tools':>5} "
        f"{'tokens':>9} {'cost':>10} {'time':>9}  input"
    )
    for summary in summaries:
        status = printable(summary.error or summary.status)
        status = style(f"{status:<12}", _STATUS_COLOURS[summary.status])
        total = summary.costs.total if summary.costs else summary.model_usd
        tokens = summary.usage.total_input_tokens + summary.usage.output_tokens
        offline = "*" if summary.model_source == "offline" else " "
        print(
            f"{summary.run_id:<18} {printable(summary.agent):<{agent_width}} "
            f"{printable(summary.model):<{model_width}} {status} "
            f"{summary.steps:>5} {summary.tool_calls:>5} {tokens:>9,} {short_usd(total):>9}{offline} "
            f"{seconds(summary.duration):>9}  {_lineage(summary)}{printable(summary.input_gist[:60])}"
        )
    if any(summary.model_source == "offline" for summary in summaries):
        print("* offline script: list prices of tokens that were not bought")


def _lineage(summary: RunSummary) -> str:
    """Of a replay, which run it is made from and where it left it."""
    if summary.parent_run_id is None:
        return ""
    return f"↳ {summary.parent_run_id[-4:]} at step {summary.fork_step} · "
