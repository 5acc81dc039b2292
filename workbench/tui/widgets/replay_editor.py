"""The replay editor: the selected run as a script that can be edited, and what replaying it so would do and cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static

from workbench.engine.replay_plan import ReplayPlan
from workbench.engine.replay_request import ForkPoint, ReplayRequest
from workbench.trace.events import Event, ToolCall, ToolResult
from workbench.trace.tape import Tape
from workbench.tui.replay_draft import ReplayDraft, after
from workbench.tui.replay_lineage import parent_line
from workbench.tui.replay_script import Entry, Form, Place
from workbench.tui.replay_summary import Plan, summary
from workbench.tui.replay_texts import EntryError
from workbench.tui.widgets.entry_area import EntryArea, fits_in_place
from workbench.tui.widgets.replay_keys import EDITOR_KEYS
from workbench.tui.widgets.replay_script_view import ReplayScript

_SUFFIXES: dict[Form, str] = {"markdown": ".md", "json": ".json", "text": ".txt", "settings": ".conf"}
_KEPT_DRAFTS = 50


class ReplayEditor(Vertical):
    """One run's draft at a time. It sends nothing itself: it asks its app for the plan, and to replay."""

    DEFAULT_CSS = """
    ReplayEditor > ReplayScript { height: 1fr; min-height: 3; }
    ReplayEditor.-editing > ReplayScript { height: 30%; }
    ReplayEditor.-editing.-low > ReplayScript { display: none; }
    ReplayEditor > .replay-editor--summary { height: auto; max-height: 6; padding: 0 1; background: $panel; }
    ReplayEditor > .replay-editor--empty { height: 1fr; padding: 1 2; color: $text-muted; display: none; }
    ReplayEditor.-empty > .replay-editor--empty { display: block; }
    ReplayEditor > .replay-editor--lineage {
        height: 1; padding: 0 1; color: $foreground 60%; display: none; text-wrap: nowrap; text-overflow: ellipsis;
    }
    ReplayEditor.-replayed > .replay-editor--lineage { display: block; }
    ReplayEditor.-low > .replay-editor--lineage { display: none; }
    ReplayEditor.-empty > ReplayScript, ReplayEditor.-empty > .replay-editor--summary { display: none; }
    """
    HELP_NAME = "replay editor"
    HELP = (
        "A run as a script: what it was told, what the model replied, what tools gave. Edit any of it, and replay: "
        "everything above the fork line comes from the tape and costs nothing, everything below is answered as the "
        "two switches say: live; from the tape while the question is the very same; or from the tape only, where "
        "the replay stops if it is not. The fork lies at the earliest point that the edits can affect, until you "
        "move it. The original run is never changed: a replay is a run of its own. "
        "▣ from tape, ● asked live, ◐ from tape while unchanged, ✎ edited; `2+` means two for certain, and more while "
        "unchanged."
    )
    BINDINGS: ClassVar[list[BindingType]] = [*EDITOR_KEYS]

    confirm_costs: var[bool] = var(False)
    """Whether a replay that costs more than nothing is sent only after a second key."""

    class PlanNeeded(Message):
        """The draft changed: answer with `show_plan`."""

        def __init__(self, editor: ReplayEditor, draft: ReplayDraft) -> None:
            super().__init__()
            self.editor, self.draft = editor, draft

        def can_replace(self, message: Message) -> bool:
            """Only the latest draft needs a plan."""
            return isinstance(message, ReplayEditor.PlanNeeded) and message.editor is self.editor

    class ReplayRequested(Message):
        """The user wants this replay; its plan was on the screen."""

        def __init__(self, request: ReplayRequest) -> None:
            super().__init__()
            self.request = request

    class EditExternally(Message):
        """The user wants an entry in their own editor: answer with `take_text(entry, text)`."""

        def __init__(self, text: str, suffix: str, entry: Place) -> None:
            super().__init__()
            self.text, self.suffix, self.entry = text, suffix, entry

    class CopyRequested(Message):
        """The user wants `text` on their clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self.script = ReplayScript()
        self._area = EntryArea()
        self._summary = Static(classes="replay-editor--summary", markup=False)
        self._lineage = Static(classes="replay-editor--lineage", markup=False)
        self._draft: ReplayDraft | None = None
        self._drafts: dict[str, ReplayDraft] = {}
        self._plan: Plan = None
        self._editing: Place | None = None
        self._sending = False
        self._confirming = False

    def compose(self) -> ComposeResult:
        """The script, the text that is edited, and what the replay will do."""
        yield Static("Run an input, or open a run: here it can be edited and replayed.", classes="replay-editor--empty")
        yield self._lineage
        yield self.script
        yield self._area
        yield self._summary

    def on_mount(self) -> None:
        """Nothing to show yet."""
        self._show()

    # What the app calls

    def show_tape(self, tape: Tape | None) -> None:
        """Show a run, or none. What was edited of another run stays with it, and is there again when it is shown."""
        if self._draft is not None and tape is not None and tape is self._draft.tape:
            return
        self._put_away()
        if tape is None:
            self._take(None)
            return
        kept = self._drafts.pop(tape.run_id, None)
        self._take(ReplayDraft.of(tape) if kept is None else kept.on_tape(tape))

    @property
    def draft(self) -> ReplayDraft | None:
        """The draft as it stands; None while no run is shown."""
        return self._draft

    @property
    def entry(self) -> Entry | None:
        """The selected entry."""
        return self.script.selected

    def show_plan(self, plan: ReplayPlan | str, draft: ReplayDraft | None = None) -> None:
        """Show the plan of the draft, or why there is none. One that was made for an earlier `draft` is ignored."""
        if draft is not None and draft is not self._draft:
            return
        self._plan = plan
        self._draw_summary()
        if self._sending:
            self._sending = False
            self.action_replay()

    def go_to(self, step: int, call: int = 0, *, result: bool = True) -> bool:
        """Select what happened at a step: its reply, or with `call` the result of that call, or the call itself.

        False if the run has no such entry.
        """
        if step == 0:
            return self.script.select(Place("input"))
        if call:
            return self.script.select(Place("result" if result else "call", step, call))
        entries = self._draft.entries() if self._draft is not None else []
        first = next((entry.place for entry in entries if entry.place.step == step), None)
        return first is not None and self.script.select(first)

    def go_to_event(self, event: Event) -> bool:
        """Select the entry that an event of the shown run made; False if it made none."""
        data = event.data
        if isinstance(data, ToolCall | ToolResult) and self._draft is not None:
            turn = self._draft.tape.turn(event.step)
            calls = turn.calls if turn is not None else ()
            ids = [taped.call.call_id for taped in calls]
            if data.call_id in ids:
                return self.go_to(event.step, ids.index(data.call_id) + 1, result=isinstance(data, ToolResult))
        return self.go_to(event.step)

    def take_text(self, entry: Place, text: str) -> None:
        """What the user's own editor made of an entry."""
        draft = self._draft
        if draft is None:
            return
        try:
            self._take(draft.with_text(entry, text))
        except EntryError as error:
            if fits_in_place(text):
                self._open(entry, text, draft.text(entry))
                self._area.tell(str(error))
            else:
                self.notify(str(error), title="Not kept", severity="error", markup=False)
            return
        self._leave_area()

    # Keys

    def action_edit(self) -> None:
        """Edit the selected entry."""
        entry = self.script.selected
        if entry is None or self._draft is None:
            return
        if entry.fixed:
            self._refuse(f"{entry.name}: {entry.fixed}")
            return
        self._open_where_it_fits(entry.place, self._draft.text(entry.place))

    def action_edit_reply(self) -> None:
        """Edit all blocks of the step's reply at once: calls can be added and removed."""
        entry = self.script.selected
        if entry is None or self._draft is None:
            return
        step = entry.place.step
        turn = self._draft.tape.turn(step)
        if turn is None or turn.reply is None or not turn.reply.content:
            self._refuse("there is no reply here: select a step")
            return
        place = Place("reply", step)
        self._open_where_it_fits(place, self._draft.text(place))

    def action_say(self) -> None:
        """Add a message of the user's after the step, or edit the one that is there."""
        entry = self.script.selected
        if entry is not None and self._draft is not None:
            place = Place("said", entry.place.step)
            self._open_where_it_fits(place, self._draft.text(place))

    def action_external(self) -> None:
        """Edit the selected entry elsewhere."""
        entry = self.script.selected
        if entry is None or self._draft is None:
            return
        if entry.fixed:
            self._refuse(f"{entry.name}: {entry.fixed}")
            return
        self._edit_externally(entry.place, self._draft.text(entry.place))

    def action_copy(self) -> None:
        """Ask for the text of the selected entry to be copied."""
        entry = self.script.selected
        if entry is not None and self._draft is not None:
            self.post_message(self.CopyRequested(self._draft.text(entry.place)))

    def action_mark_error(self) -> None:
        """Give the selected result to the model as an error, or as none."""
        entry = self.script.selected
        if entry is None or entry.place.part != "result" or entry.fixed:
            self._refuse("only a result can be marked as an error")
            return
        self._change(lambda draft: draft.with_error_mark(entry.place, not entry.is_error))

    def action_undo(self) -> None:
        """Undo the last change."""
        self._change(ReplayDraft.undo)

    def action_redo(self) -> None:
        """Do it again."""
        self._change(ReplayDraft.redo)

    def action_revert(self) -> None:
        """The selected entry as the run had it."""
        entry = self.script.selected
        if entry is not None:
            self._change(lambda draft: draft.reverted(entry.place))

    def action_revert_all(self) -> None:
        """No edits."""
        self._change(ReplayDraft.all_reverted)

    def action_switch_model(self) -> None:
        """The next answer to who answers as the model."""
        self._change(lambda draft: draft.with_model(after(draft.asked.model)))

    def action_switch_tools(self) -> None:
        """The next answer to where results come from."""
        self._change(lambda draft: draft.with_tools(after(draft.asked.tools)))

    def action_fork_here(self) -> None:
        """Fork at the selected entry: it is the first that is not the tape's."""
        entry = self.script.selected
        if entry is None or self._draft is None:
            return
        said_after = entry.place.step + 1 if entry.place.part == "said" else 1
        point = entry.point or ForkPoint(said_after)
        self._change(lambda draft: draft.with_fork(point))

    def action_fork_auto(self) -> None:
        """Fork where the edits ask for it."""
        self._change(lambda draft: draft.with_fork(None))

    def action_move_fork(self, points: int) -> None:
        """Fork earlier or later."""
        self._change(lambda draft: draft.fork_moved(points))

    def action_replay(self) -> None:
        """Ask the app for the replay, once its plan is on the screen."""
        if self._draft is None:
            return
        if self._plan is None:
            self._sending = True
            self._need_plan()
            return
        if isinstance(self._plan, str):
            self._refuse(self._plan)
            return
        if self.confirm_costs and self._plan.live_model and not self._confirming:
            self._confirming = True
            self._draw_summary()
            return
        self._confirming = False
        self._draw_summary()
        self.post_message(self.ReplayRequested(self._draft.request()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of the script works while a text is edited."""
        if self._editing is not None and hasattr(self, f"action_{action}"):
            return False if action in _OWN_ACTIONS else super().check_action(action, parameters)
        return super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """Any other key than that of sending takes back the first half of a confirmation."""
        if self._confirming and event.key != "ctrl+r":
            self._confirming = False
            self._draw_summary()

    # Editing in place

    def on_entry_area_kept(self, event: EntryArea.Kept) -> None:
        """Take the text."""
        event.stop()
        if self._editing is not None:
            self.take_text(self._editing, event.text)

    def on_entry_area_dropped(self, event: EntryArea.Dropped) -> None:
        """Leave the entry as it was."""
        event.stop()
        self._leave_area()

    def on_entry_area_taken(self, event: EntryArea.Taken) -> None:
        """Hand the text on to the user's own editor."""
        event.stop()
        if self._editing is not None:
            place = self._editing
            self._leave_area()
            self._edit_externally(place, event.text)

    def on_replay_script_opened(self, event: ReplayScript.Opened) -> None:
        """A double click edits."""
        event.stop()
        self.action_edit()

    def on_resize(self, event: events.Resize) -> None:
        """In a low pane the script makes room for the text that is edited."""
        self.set_class(event.size.height < 24, "-low")
        self._draw_summary()

    def _open_where_it_fits(self, place: Place, text: str) -> None:
        if fits_in_place(text):
            self._open(place, text)
        else:
            self._edit_externally(place, text)

    def _open(self, place: Place, text: str, before: str | None = None) -> None:
        self._editing = place
        self.add_class("-editing")
        title = _title(place, self.script.selected)
        self._area.open(title, text, self._form(place), lambda new: self._wrong(place, new), before)
        self.refresh_bindings()

    def _edit_externally(self, place: Place, text: str) -> None:
        self.post_message(self.EditExternally(text, _SUFFIXES[self._form(place)], place))

    def _form(self, place: Place) -> Form:
        entries = self._draft.entries() if self._draft is not None else []
        listed = next((entry.form for entry in entries if entry.place == place), None)
        return listed or ("json" if place.part == "reply" else "markdown")

    def _wrong(self, place: Place, text: str) -> str:
        """What keeps `text` from standing there, "" if nothing does."""
        try:
            if self._draft is not None:
                self._draft.with_text(place, text)
        except EntryError as error:
            return str(error)
        return ""

    def _leave_area(self) -> None:
        if self._editing is None:
            return
        place, self._editing = self._editing, None
        self._area.close()
        self.remove_class("-editing")
        self.script.select(place)
        self.script.focus()
        self.refresh_bindings()

    # Within

    def _change(self, change: Callable[[ReplayDraft], ReplayDraft]) -> None:
        if self._draft is None:
            return
        changed = change(self._draft)
        if changed is self._draft:
            self.app.bell()
        else:
            self._take(changed)

    def _take(self, draft: ReplayDraft | None) -> None:
        if draft is not self._draft:
            self._draft = draft
            self._plan, self._sending, self._confirming = None, False, False
        self._show()

    def _put_away(self) -> None:
        self._leave_area()
        draft = self._draft
        if draft is not None and (draft.can_undo or draft.can_redo):
            self._drafts[draft.tape.run_id] = draft
            while len(self._drafts) > _KEPT_DRAFTS:
                del self._drafts[next(iter(self._drafts))]

    def _show(self) -> None:
        draft = self._draft
        self.set_class(draft is None, "-empty")
        born = parent_line(draft.tape.started) if draft is not None else ""
        self.set_class(bool(born), "-replayed")
        self._lineage.update(born)
        problem = draft.problem() if draft is not None else None
        if problem is not None:
            self._plan = problem.text
        elif draft is not None and self._plan is None:
            self._need_plan()
        told = (problem.place, problem.text) if problem is not None else None
        self.script.show(draft, draft.entries() if draft is not None else [], told)
        self._draw_summary()

    def _need_plan(self) -> None:
        if self._draft is not None:
            self.post_message(self.PlanNeeded(self, self._draft))

    def _draw_summary(self) -> None:
        if self._draft is not None and self.is_mounted:
            width = max(20, self.size.width - 2)
            self._summary.update(summary(self._draft, self._plan, width, confirming=self._confirming))

    def _refuse(self, why: str) -> None:
        self.app.bell()
        self.notify(why, severity="warning", markup=False)


_OWN_ACTIONS = frozenset(binding.action.partition("(")[0] for binding in EDITOR_KEYS)


def _title(place: Place, entry: Entry | None) -> str:
    """What is being edited."""
    where = f"{place.step}.{place.index} " if place.part in ("call", "result") else f"step {place.step} "
    match place.part:
        case "said":
            return f"you say after step {place.step}" if place.step else "you say beside the input"
        case "reply":
            return f"reply of step {place.step}: its content blocks"
        case "call":
            return f"{where}{entry.name if entry else 'call'}: arguments"
        case "result":
            return f"{where}{entry.name if entry else ''}: result"
        case "block":
            return f"{where}reply"
        case _:
            return place.part.replace("_", " ")
