"""The strip that a save opens: what changed, or what is wrong with it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from workbench.trace.terminal import one_line, printable

if TYPE_CHECKING:
    from workbench.definition.problems import Problem
    from workbench.tui.saves import Saved


class SaveStrip(Static):
    """Hidden until something is saved; as high as it needs, up to a limit."""

    DEFAULT_CSS = """
    SaveStrip {
        display: none; height: auto; max-height: 12; padding: 0 1; background: $surface;
        border-left: thick $accent;
        &.-broken { border-left: thick $error; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="save", markup=False)
        self.saved: Saved | None = None

    def show(self, saved: Saved, follows: str, lines: int) -> None:
        """Show a save, and in a few words what follows from it, in at most `lines` lines."""
        self.saved = saved
        self.set_class(bool(saved.errors or saved.trouble), "-broken")
        self.update(strip_content(saved, follows, lines))
        self.display = True

    def hide(self) -> bool:
        """Hide it; False if it was hidden."""
        was, self.display = self.display, False
        return was


def strip_content(saved: Saved, follows: str, limit: int) -> Content:
    """The save in at most `limit` lines: a headline, then the problems, then the difference."""
    broken = bool(saved.errors or saved.trouble)
    head: list[tuple[str, str]] = [(f"{saved.at:%H:%M:%S}  ", "$foreground 60%")]
    for diff in saved.diffs:
        head += [(f"{one_line(diff.name, 60)} ", "bold"), (f"+{diff.added} -{diff.removed}  ", "$foreground 70%")]
    if saved.others:
        more = f" and {len(saved.others) - 3} more" if len(saved.others) > 3 else ""
        head.append((f"{one_line(', '.join(saved.others[:3]), 120)}{more}  ", "bold"))
    head.append((follows, "bold $text-error" if broken else "$accent"))
    lines = [Content.styled(f"  {_problem(problem)}", "$text-error") for problem in saved.errors]
    if saved.trouble:
        lines.append(Content.styled(f"  {one_line(saved.trouble, 400)}", "$text-error"))
    lines += [line.content for diff in saved.diffs for line in diff.lines]
    room = max(1, limit - 1)
    if len(lines) > room:
        left = len(lines) - room + 1
        lines = [*lines[: room - 1], Content.styled(f"  … {left} more lines: d shows all", "$foreground 60%")]
    return Content("\n").join([Content.assemble(*head), *lines])


def _problem(problem: Problem) -> str:
    place = f"{problem.where}: " if problem.where else ""
    hint = f"; did you mean {printable(problem.suggestion)}?" if problem.suggestion else ""
    return one_line(f"{problem.file.name}:{problem.line}:{problem.column}  {place}{problem.message}{hint}", 400)
