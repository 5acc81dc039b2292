"""The `workbench` command: parses the command line and calls one function of `workbench.commands`.

Nothing heavy is imported before the command is known, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path

from workbench import __version__
from workbench.commands.examples import EXAMPLES

_DESCRIPTION = "Run, trace, price and replay Claude agents on your own machine, their tools in gVisor."
_EPILOG = """\
without a command: `workbench` opens the screen on the agent in this folder, `workbench AGENT` on that in another

exit codes: 0 done · 1 the run failed or a check did not hold · 2 wrong usage, agent or machine ·
3 a limit ended the run (budget, fuse, timeout, max_iterations) · 130 stopped by you
"""

OPEN = "open"
"""The command that opens the screen."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    _open_closed_streams()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read our output has gone and has enough
        _drop_output()
        return 1
    except OSError as error:
        # a command tells those that it expects; what is left is an output that takes no more, on a full disk
        _drop_output()
        sys.stderr.write(f"workbench: {error.strerror or error}; the output is not complete\n")
        return 2
    return code


def _run(arguments: Sequence[str]) -> int:
    parser, commands = build_parser()
    options = parser.parse_args(with_command(arguments, commands))
    # what libraries log would end up between our lines, and may hold URLs with secrets
    logging.getLogger().addHandler(logging.NullHandler())
    code: int = import_module(f"workbench.commands.{options.module}").run(options)
    return code


def _open_closed_streams() -> None:
    """A standard stream that the caller closed is None; give output somewhere to go, as if to /dev/null."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - open to the end


def _drop_output() -> None:
    """Let what is still to be written to standard output go nowhere, or Python would fail at it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def with_command(arguments: Sequence[str], commands: Collection[str]) -> Sequence[str]:
    """The arguments with the command that is meant: without one the screen is opened, on a folder if one is named."""
    if not arguments:
        return [OPEN]
    first = arguments[0]
    if first in ("-h", "--help", "--version"):
        return arguments
    names_a_folder = first not in commands and ("/" in first or Path(first).exists())
    return [OPEN, *arguments] if first.startswith("-") or names_a_folder else arguments


def build_parser() -> tuple[argparse.ArgumentParser, Collection[str]]:
    """The whole command line, and the names of its commands."""
    parser = argparse.ArgumentParser(
        prog="workbench",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = _Commands(parser)
    _add_screen(commands)
    _add_run(commands)
    _add_replay(commands)
    _add_compare(commands)
    _add_definition(commands)
    _add_cases(commands)
    _add_trace(commands)
    _add_cost(commands)
    _add_machine(commands)
    return parser, commands.names


class _Commands:
    """The commands of the parser, each bound to the module of `workbench.commands` that carries it out."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="command", metavar="COMMAND")
        self.names: list[str] = []

    def add(self, name: str, module: str, summary: str) -> argparse.ArgumentParser:
        """Add a command; `summary` is its line in the help."""
        examples = EXAMPLES.get(name, ())
        parser = self._parsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog="\n  ".join(("examples:", *examples)) if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(module=module)
        self.names.append(name)
        return parser


def _add_screen(commands: _Commands) -> None:
    parser = commands.add(OPEN, "open", "open the screen (what `workbench AGENT` does too)")
    _agent_argument(parser)
    parser.add_argument("--offline", action="store_true", help="let the agent's offline.yaml answer as the model")
    _sitting_arguments(parser)
    parser = commands.add("new", "new", "make an agent from a template, or copy a sample")
    parser.add_argument("name", nargs="?", help="the agent's name, which is its folder's too")
    parser.add_argument("--sample", metavar="NAME", help="copy this sample agent; without a name it keeps its own")


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


_FROM = "the fork point: a step (3) or a call of it (3.2) (default: the earliest that the edits can affect)"
_MODEL_FROM = "who answers as the model from the fork point on (default: live, or the tape where nothing is changed)"
_TOOLS = "what answers calls then (default: tape-while-unchanged, or the tape where nothing is changed)"
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
    parser.add_argument("--from", dest="start", metavar="STEP", help=_FROM)
    parser.add_argument("--prompt", metavar="FILE", help="a file with another system prompt")
    parser.add_argument("--input", "-i", help="another input: text, @FILE, - or a name under inputs/")
    parser.add_argument("--model", help="another model")
    for option, metavar, said in _REPEATED:
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=said)
    parser.add_argument("--model-from", choices=_SOURCES, help=_MODEL_FROM)
    parser.add_argument("--tools", choices=_SOURCES, help=_TOOLS)
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


def _sitting_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument("--yes", action="store_true", help="grant every call that agent.yaml wants to be asked about")
    parser.add_argument("--fuse", metavar="USD", help="the spending limit of this sitting (default: 5)")
    parser.add_argument(
        "--runtime",
        metavar="NAME",
        help="another Docker runtime than the proven gVisor one; `runc` gives up gVisor, and every output says so",
    )


def _add_compare(commands: _Commands) -> None:
    parser = commands.add(
        "compare", "compare", "compare models, prompts and inputs over several runs, and project the bill"
    )
    _agent_argument(parser)
    what = parser.add_argument_group("what is compared")
    what.add_argument("--models", metavar="A,B,C", help="models (default: the agent's)")
    what.add_argument("--prompts", metavar="FILE,FILE", help="files with system prompts (default: the agent's)")
    what.add_argument(
        "--input", "-i", action="append", help="an input, as for `workbench run`; may be given several times"
    )
    what.add_argument("--inputs", type=Path, metavar="DIR", help="every file in this folder is an input")
    what.add_argument(
        "--cases",
        nargs="?",
        const="",
        metavar="A,B",
        help="the inputs of these cases of the agent, without names of all; their checks are made on every run",
    )
    what.add_argument(
        "--judge", metavar="MODEL", help="a model that judges the answers in pairs, blinded, in both orders"
    )
    what.add_argument("--repeat", type=int, default=1, metavar="N", help="runs of each (default: 1)")
    what.add_argument(
        "--name",
        help="the comparison's name; started again under it, only what has no result is run (default: by content)",
    )
    how = parser.add_argument_group("how it is run")
    how.add_argument("--offline", action="store_true", help="let the agent's offline.yaml answer as the model")
    how.add_argument("--concurrency", type=_count, metavar="N", help="runs at once (default: what this machine bears)")
    _sitting_arguments(how)
    how.add_argument("--fresh", action="store_true", help="run everything anew; earlier runs stay in the store")
    how.add_argument(
        "--no-run", action="store_true", help="only report what there is of the last comparison, or --name"
    )
    how.add_argument("--list", action="store_true", help="list the agent's comparisons")
    report = parser.add_argument_group("how it is told")
    report.add_argument(
        "--format",
        choices=["table", "markdown", "csv", "runs-csv", "json", "html"],
        default="table",
        help="default: table",
    )
    report.add_argument("--output", type=Path, metavar="FILE", help="write to a file instead of standard output")
    report.add_argument(
        "--runs-per-month", type=int, default=1_000, metavar="N", help="for the projection (default: 1000)"
    )


def _add_definition(commands: _Commands) -> None:
    parser = commands.add("check", "check", "check an agent's files and print every problem")
    _agent_argument(parser)
    parser = commands.add("schema", "schema", "print the JSON Schema of agent.yaml, for editors")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--offline", action="store_true", help="the schema of offline.yaml instead")
    which.add_argument("--case", action="store_true", help="the schema of cases/NAME.yaml instead")


def _add_cases(commands: _Commands) -> None:
    parser = commands.add("keep", "keep", "keep a run as a case of its agent, to be tested again")
    _run_argument(parser)
    parser.add_argument("--as", dest="name", required=True, metavar="NAME", help="the case's name: cases/NAME.yaml")
    parser.add_argument("--check", action="append", default=[], metavar="YAML", help="one more check, as in the file")
    parser.add_argument("--equals", action="store_true", help="check that the output stays exactly what it is")
    parser.add_argument("--description", default="", metavar="TEXT", help="what the case is for")
    parser.add_argument("--again", action="store_true", help="put this run in the place of the one that the case has")
    parser = commands.add("test", "test", "test an agent's cases, from their tapes or live")
    _agent_argument(parser)
    answers = parser.add_mutually_exclusive_group()
    for option, said in _ANSWERS.items():
        answers.add_argument(f"--{option}", dest="answers", action="store_const", const=option, help=said)
    parser.set_defaults(answers="tape")
    parser.add_argument("--case", action="append", default=[], metavar="NAME", help="only this case")
    parser.add_argument("--concurrency", type=_count, default=2, metavar="N", help="cases at once (default: 2)")
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object a case")
    parser.add_argument("--judge", action="store_true", help="ask the judging model about outputs of tapes, keep it")
    parser.add_argument("--allow-stale", action="store_true", help="cases whose tape no longer answers do not count")
    parser.add_argument("--offline", action="store_true", help="let the agent's offline.yaml answer as the model")
    _sitting_arguments(parser)


_ANSWERS = {
    "tape": "play the tapes for the agent as it is now: nothing is sent or started (default)",
    "recorded": "play the tapes for the agent as they recorded it",
    "live": "run the agent on the cases' inputs",
}


def _add_trace(commands: _Commands) -> None:
    parser = commands.add("runs", "runs", "list the runs of an agent, or of all agents below a folder")
    _agent_argument(parser)
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="how many, newest first (default: 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser = commands.add("show", "show", "show a run: its end, its cost, its timeline")
    _run_argument(parser)
    parser.add_argument("--events", action="store_true", help="all events with all that they hold")
    parser.add_argument("--step", type=int, metavar="N", help="only this step")
    parser = commands.add("export", "export", "write a run's whole trace, an HTML page of it, or OpenTelemetry spans")
    _run_argument(parser)
    parser.add_argument(
        "--format",
        choices=["jsonl", "html", "otlp"],
        default="jsonl",
        help="jsonl: one event a line; html: one page; otlp: spans as OTLP/JSON (default: jsonl)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file instead of standard output")
    parser.add_argument("--endpoint", metavar="URL", help="otlp: send the spans to this collector instead")
    parser.add_argument("--content", action="store_true", help="otlp: with prompts, messages, arguments and results")
    parser = commands.add(
        "diff", "diff", "show two runs step by step and where they part; exit code 1 when they differ"
    )
    parser.add_argument("runs", nargs=2, metavar="run", help="a run: its id, the beginning or end of it, or `last`")
    parser.add_argument("--agent", type=Path, default=Path(), help="the agent's folder (default: this one)")
    parser.add_argument("--all", action="store_true", help="also the steps that are the same, and long texts whole")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser = commands.add("delete", "delete", "delete a run, and the snapshots that only it needed")
    _run_argument(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_cost(commands: _Commands) -> None:
    parser = commands.add("fuse", "fuse", "show or reset the spending limit of this sitting")
    _agent_argument(parser)
    parser.add_argument("--reset", action="store_true", help="begin a new sitting: what was spent no longer counts")
    commands.add("prices", "prices", "print the price list and where it can be changed")


def _add_machine(commands: _Commands) -> None:
    commands.add("doctor", "doctor", "say what this machine has and what is missing")
    parser = commands.add("setup", "setup", "install and start what is missing: Docker Engine, gVisor, the base image")
    parser.add_argument("--rebuild", action="store_true", help="build the base image anew, with today's packages")


def _count(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number above 0 is needed, not {text!r}")
    return int(text)


def _agent_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", nargs="?", type=Path, default=Path(), help="the agent's folder (default: this one)")


def _run_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="the run: its id, the beginning or end of it, or `last`")
    parser.add_argument("--agent", type=Path, default=Path(), help="the agent's folder (default: this one)")


if __name__ == "__main__":
    sys.exit(main())
