"""`workbench export`: a run for others: its whole trace, an HTML page, or OpenTelemetry spans."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator

from workbench.commands.exit_codes import DONE, FAILED, USAGE
from workbench.commands.found_runs import store_with
from workbench.commands.problems import print_error
from workbench.trace.errors import StoreError
from workbench.trace.export import export_jsonl
from workbench.trace.store import Store


def run(options: argparse.Namespace) -> int:
    """Write the run to standard output or a file, or send its spans to a collector."""
    try:
        with store_with(options.run, options.agent) as (store, run_id):
            if options.endpoint is not None:
                return _send(store, run_id, options)
            pieces = _pieces(store, run_id, options)
            if options.output is None:
                sys.stdout.writelines(pieces)
                sys.stdout.flush()
            else:
                with options.output.open("w", encoding="utf-8") as file:
                    file.writelines(pieces)
    except (StoreError, OSError) as error:
        print_error(error)
        return USAGE
    return DONE


def _pieces(store: Store, run_id: str, options: argparse.Namespace) -> Iterator[str]:
    if options.format == "html":
        from workbench.export.run_page import run_page

        yield run_page(list(store.events(run_id)))
    elif options.format == "otlp":
        from workbench.export.otlp import traces_of

        yield json.dumps(traces_of(store.events(run_id), content=options.content)) + "\n"
    else:
        for line in export_jsonl(store, run_id):
            yield line.rstrip("\n") + "\n"


def _send(store: Store, run_id: str, options: argparse.Namespace) -> int:
    from workbench.export.otlp import traces_of
    from workbench.export.otlp_http import DeliveryError, deliver, headers_of

    if options.format != "otlp":
        print("workbench: --endpoint goes with --format otlp", file=sys.stderr)
        return USAGE
    try:
        sent = deliver(
            traces_of(store.events(run_id), content=options.content), options.endpoint, headers_of(os.environ)
        )
    except DeliveryError as error:
        print_error(error)
        return FAILED
    print(f"run {run_id}: {sent.spans} spans accepted by {sent.url}", file=sys.stderr)
    return DONE
