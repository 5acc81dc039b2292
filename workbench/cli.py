"""The `workbench` command: parses the command line and calls one function of `workbench.commands`.

Nothing heavy is imported before the command is known, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from workbench import __version__

_DESCRIPTION = "Run, trace, price and replay Claude agents on your own machine, their tools in gVisor."
_EPILOG = """\
exit codes: 0 done · 1 the run failed or a check did not hold · 2 wrong usage, agent or machine ·
3 a limit ended the run (budget, fuse, timeout, max_iterations) · 130 stopped by you
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    # what libraries log would end up between our lines, and may hold URLs with secrets
    logging.getLogger().addHandler(logging.NullHandler())
    command = import_module(f"workbench.commands.{options.module}")
    try:
        code: int = command.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read our output has gone; what is left must not be flushed into nothing
        sys.stderr.close()
        return 1
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="workbench",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = _Commands(parser)
    _add_run(commands)
    _add_replay(commands)
    _add_definition(commands)
    _add_trace(commands)
    _add_cost(commands)
    _add_machine(commands)
    return parser


class _Commands:
    """The commands of the parser, each bound to the module of `workbench.commands` that carries it out."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(self, name: str, module: str, summary: str) -> argparse.ArgumentParser:
        """Add a command; `summary` is its line in the help."""
        parser = self._parsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        parser.set_defaults(module=module)
        return parser


def _add_run(commands: _Commands) -> None:
    parser = commands.add("run", "run", "run an agent once and print its timeline")
    _agent_argument(parser)
    parser.add_argument("--input", "-i", help="the input: text, @FILE, - for standard input, or a name under inputs/")
    parser.add_argument("--offline", action="store_true", help="let the agent's offline.yaml answer as the model")
    parser.add_argument("--json", action="store_true", help="print one JSON event a line")
    parser.add_argument("--model", help="another model than the agent's")
    parser.add_argument("--budget", metavar="USD", help="another budget than the agent's")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="another timeout than the agent's")
    _sitting_arguments(parser)


_SOURCES = ("live", "tape-while-unchanged", "tape")
_REPEATED = (
    ("--set", "KEY=VALUE", "another setting of agent.yaml, such as max_iterations=30"),
    ("--reply", "STEP=TEXT|@FILE", "another reply of the model"),
    ("--result", "STEP.CALL=TEXT|@FILE", "another tool result"),
    ("--error", "STEP.CALL=TEXT|@FILE", "a tool error in place of the result"),
    ("--say", "STEP=TEXT|@FILE", "what the user says after a step"),
)


def _add_replay(commands: _Commands) -> None:
    parser = commands.add("replay", "replay", "run a stored run again: its tape up to a step, edited, live from there")
    _run_argument(parser)
    parser.add_argument("--from", dest="start", metavar="STEP", help="the fork point: a step (3) or a call of it (3.2)")
    parser.add_argument("--prompt", metavar="FILE", help="another system prompt")
    parser.add_argument("--input", "-i", help="another input: text, @FILE, - or a name under inputs/")
    parser.add_argument("--model", help="another model")
    for option, metavar, said in _REPEATED:
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=said)
    parser.add_argument("--model-from", choices=_SOURCES, help="who answers as the model from the fork point on")
    parser.add_argument("--tools", choices=_SOURCES, help="what tools give from the fork point on")
    _replay_arguments(parser)
    parser = commands.add("resume", "resume", "go on with a run that was cut off, from its last complete step")
    _run_argument(parser)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another limit: budget.usd=2")
    _replay_arguments(parser)


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what comes from the tape, and what that costs")
    parser.add_argument("--offline", action="store_true", help="let the agent's offline.yaml answer as the model")
    parser.add_argument("--json", action="store_true", help="print one JSON event a line")
    _sitting_arguments(parser)


def _sitting_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="grant every call that agent.yaml wants to be asked about")
    parser.add_argument("--fuse", metavar="USD", help="the spending limit of this sitting (default: 5)")
    parser.add_argument(
        "--runtime",
        metavar="NAME",
        help="another Docker runtime than the proven gVisor one; `runc` gives up gVisor, and every output says so",
    )


def _add_definition(commands: _Commands) -> None:
    parser = commands.add("check", "check", "check an agent's files and print every problem")
    _agent_argument(parser)
    parser = commands.add("schema", "schema", "print the JSON Schema of agent.yaml, for editors")
    parser.add_argument("--offline", action="store_true", help="the schema of offline.yaml instead")


def _add_trace(commands: _Commands) -> None:
    parser = commands.add("runs", "runs", "list the runs of an agent, or of all agents below a folder")
    _agent_argument(parser)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many, newest first (default: 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser = commands.add("show", "show", "show a run: its end, its cost, its timeline")
    _run_argument(parser)
    parser.add_argument("--events", action="store_true", help="all events with all that they hold")
    parser.add_argument("--step", type=int, metavar="N", help="only this step")
    parser = commands.add("export", "export", "write a run's whole trace to standard output")
    _run_argument(parser)
    parser.add_argument("--format", choices=["jsonl"], default="jsonl", help="jsonl: one event a line")
    parser = commands.add(
        "diff", "diff", "show two runs step by step and where they part; exit code 1 when they differ"
    )
    parser.add_argument("runs", nargs=2, metavar="RUN", help="a run: its id, the beginning or end of it, or `last`")
    parser.add_argument("--agent", type=Path, default=Path(), help="the agent's folder (default: this one)")
    parser.add_argument("--all", action="store_true", help="also the steps that are the same, and long texts whole")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_cost(commands: _Commands) -> None:
    parser = commands.add("fuse", "fuse", "show or reset the spending limit of this sitting")
    _agent_argument(parser)
    parser.add_argument("--reset", action="store_true", help="begin a new sitting: what was spent no longer counts")
    commands.add("prices", "prices", "print the price list and where it can be changed")


def _add_machine(commands: _Commands) -> None:
    commands.add("doctor", "doctor", "say what this machine has and what is missing")
    parser = commands.add("setup", "setup", "install and start what is missing: Docker Engine, gVisor, the base image")
    parser.add_argument("--rebuild", action="store_true", help="build the base image anew, with today's packages")


def _agent_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", nargs="?", type=Path, default=Path(), help="the agent's folder (default: this one)")


def _run_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="the run: its id, the beginning or end of it, or `last`")
    parser.add_argument("--agent", type=Path, default=Path(), help="the agent's folder (default: this one)")


if __name__ == "__main__":
    sys.exit(main())
