"""The left pane: the agent's definition and its problems, its inputs, its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.trace.terminal import one_line
from workbench.tui.run_tree import Branch, branch_line
from workbench.tui.widgets.choices import Choices, FileList, InputList, RunChoices
from workbench.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from workbench.definition.problems import Problem

FREE_INPUT = "an input of your own …"


class AgentPane(Pane):
    """What can be opened, run and looked at. It changes nothing: it says what was chosen."""

    DEFAULT_CSS = """
    AgentPane {
        & .heading { color: $foreground 50%; height: 1; margin-top: 1; padding: 0 1; }
        & #facts { padding: 0 1; height: auto; display: none; }
        &.-known #facts { display: block; }
        & Choices { padding: 0 1; }
        & #runs { text-wrap: nowrap; text-overflow: ellipsis; }
        & #files { max-height: 40%; }
        & #inputs { max-height: 9; }
        & #runs { height: 1fr; min-height: 3; }
    }
    """

    class FileChosen(Message):
        """A file of the definition, at a line where a problem was chosen."""

        def __init__(self, path: Path, line: int | None = None) -> None:
            super().__init__()
            self.path, self.line = path, line

    class InputChosen(Message):
        """An input to run; None is one that is still to be typed."""

        def __init__(self, path: Path | None) -> None:
            super().__init__()
            self.path = path

    class RunChosen(Message):
        """A run to show."""

        def __init__(self, run_id: str) -> None:
            super().__init__()
            self.run_id = run_id

    def __init__(self) -> None:
        super().__init__("agent", "agent")
        self._files: list[tuple[Path, int | None]] = []
        self._inputs: list[Path] = []
        self._branches: Sequence[Branch] = ()
        self._names: Mapping[str, str] = {}
        self._shown: str | None = None
        self._run_lines: list[Content] = []
        self._marked: list[str] = []

    def compose(self) -> ComposeResult:
        """Facts and three lists."""
        yield Static(id="facts", markup=False)
        yield Static("files", classes="heading")
        yield FileList(id="files")
        yield Static("inputs", classes="heading")
        yield InputList(id="inputs")
        yield Static("runs", classes="heading", id="runs-heading")
        yield RunChoices(id="runs")

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show pairs of a word and what it is."""
        parts: list[tuple[str, str]] = []
        for word, text in facts:
            parts += [(f"{word:<7}", "$foreground 50%"), (f"{text}\n", "")]
        self.query_one("#facts", Static).update(Content.assemble(*parts).rstrip())
        self.add_class("-known")

    def show_files(
        self, files: Sequence[Path], folder: Path, problems: Sequence[Problem], changed: Mapping[Path, str]
    ) -> None:
        """Show the files of the definition, marked with what `changed` says of them, each problem below its file."""
        self._files, options = [], []
        for file in files:
            mine = [problem for problem in problems if problem.file.resolve() == file.resolve()]
            options.append(Option(_file_line(file, folder, mine, changed.get(file, ""))))
            self._files.append((file, None))
            for problem in mine:
                options.append(Option(_problem_line(problem, self.size.width - 3)))
                self._files.append((file, problem.line))
        _replace(self.query_one("#files", Choices), options)

    def show_inputs(self, inputs: Sequence[Path], last: Path | None) -> None:
        """Show the inputs that the folder offers; `last` is the one that ran last."""
        self._inputs = list(inputs)
        lines = [
            Content.assemble(("▸ " if path == last else "  ", "$accent"), one_line(path.name, 60)) for path in inputs
        ]
        lines.append(Content.assemble("  ", (FREE_INPUT, "italic $foreground 60%")))
        _replace(self.query_one("#inputs", Choices), [Option(shown) for shown in lines])

    def show_runs(self, branches: Sequence[Branch], names: Mapping[str, str], shown: str | None) -> None:
        """Show the tree of runs; `names` says what each answered, `shown` is the one on the screen."""
        if not (self._branches and branches):
            self.query_one("#runs-heading", Static).update("runs" if branches else "no runs yet: choose an input")
        self._branches, self._names, self._shown = branches, names, shown
        self._draw_runs()

    def on_resize(self) -> None:
        """The lines of runs are as wide as the pane."""
        self._draw_runs()

    def _draw_runs(self) -> None:
        now, width = datetime.now(UTC), self.size.width - 3
        lines = [
            branch_line(
                branch,
                self._names[run_id],
                now,
                width,
                shown=run_id == self._shown,
                marked=run_id in self._marked,
            )
            for branch in self._branches
            for run_id in (branch.run.run_id,)
        ]
        runs = self.query_one("#runs", Choices)
        if len(lines) != len(self._run_lines):
            _replace(runs, [Option(line) for line in lines])
        else:
            for at, (before, line) in enumerate(zip(self._run_lines, lines, strict=True)):
                if not line.is_same(before):
                    runs.replace_option_prompt_at_index(at, line)
        self._run_lines = lines

    @property
    def marked(self) -> Sequence[str]:
        """The runs that are marked, in the order in which they were."""
        there = {branch.run.run_id for branch in self._branches}
        return [run_id for run_id in self._marked if run_id in there]

    def unmark(self) -> None:
        """Forget the marks."""
        self._marked.clear()
        self._draw_runs()

    @on(RunChoices.Marked)
    def _run_marked(self, event: RunChoices.Marked) -> None:
        event.stop()
        run_id = self._branches[event.index].run.run_id
        if run_id in self._marked:
            self._marked.remove(run_id)
        else:
            self._marked.append(run_id)
        self._draw_runs()

    @property
    def highlighted_input(self) -> Path | None:
        """The input on which the cursor is, None for none or the free one."""
        at = self.query_one("#inputs", Choices).highlighted
        return self._inputs[at] if at is not None and at < len(self._inputs) else None

    @on(OptionList.OptionSelected, "#files")
    def _file_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        path, line = self._files[event.option_index]
        self.post_message(self.FileChosen(path, line))

    @on(OptionList.OptionSelected, "#inputs")
    def _input_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        at = event.option_index
        self.post_message(self.InputChosen(self._inputs[at] if at < len(self._inputs) else None))

    @on(OptionList.OptionSelected, "#runs")
    def _run_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.RunChosen(self._branches[event.option_index].run.run_id))


def _replace(choices: Choices, options: Sequence[Option]) -> None:
    """Put other options into a list and leave its cursor where it was."""
    at = choices.highlighted
    choices.set_options(options)
    if options:
        choices.highlighted = min(at or 0, len(options) - 1)


def _file_line(file: Path, folder: Path, problems: Sequence[Problem], changed: str) -> Content:
    errors = sum(problem.severity == "error" for problem in problems)
    mark, colour = ("✗ ", "$error") if errors else ("! ", "$warning") if problems else ("  ", "")
    name = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    return Content.assemble((mark, colour), one_line(name, 60), (f"  {changed}" if changed else "", "$accent"))


def _problem_line(problem: Problem, width: int) -> Content:
    """An error in full, a warning on one line: it keeps nobody from running."""
    colour = "$error" if problem.severity == "error" else "$warning"
    place = f"{problem.where}: " if problem.where else ""
    hint = f" (did you mean {problem.suggestion}?)" if problem.suggestion else ""
    at = f"  {problem.line}:{problem.column} "
    room = 400 if problem.severity == "error" else max(8, width - len(at))
    return Content.assemble((at, colour), (one_line(f"{place}{problem.message}{hint}", room), ""))
