"""Which run a person means by a few characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from workbench.trace.errors import RunNotFoundError
from workbench.trace.terminal import one_line

LAST = "last"
"""The word for the newest run."""

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that may be meant."""

    run_id: str
    agent: str
    input_gist: str

    def __str__(self) -> str:
        return f"  {self.run_id}  {self.agent}  {one_line(self.input_gist, 60)}"


def choose_run(text: str, newest_first: Sequence[Candidate]) -> str:
    """The id of the run that `text` means: a whole id, the beginning or the end of one only, or `last`.

    Raises:
        RunNotFoundError: none or several are meant; the message lists the candidates.
    """
    wanted = text.strip().lower()
    if not newest_first:
        raise RunNotFoundError("there are no runs yet; `workbench run` makes one")
    if not wanted or wanted == LAST:
        return newest_first[0].run_id
    for run in newest_first:
        if run.run_id.lower() == wanted:
            return run.run_id
    for matches in (
        [run for run in newest_first if run.run_id.lower().startswith(wanted)],
        [run for run in newest_first if run.run_id.lower().endswith(wanted)],
    ):
        if len(matches) == 1:
            return matches[0].run_id
        if matches:
            raise RunNotFoundError(f"{len(matches)} runs are called {one_line(text)!r}:\n{_listed(matches)}")
    raise RunNotFoundError(f"no run is called {one_line(text)!r}. {_nearest(wanted, newest_first)}")


def _nearest(wanted: str, runs: Sequence[Candidate]) -> str:
    near = get_close_matches(wanted, [run.run_id.lower() for run in runs[:1000]], n=3, cutoff=0.7)
    candidates = [run for run in runs if run.run_id.lower() in near]
    if candidates:
        return f"Nearest are:\n{_listed(candidates)}"
    return f"The newest are:\n{_listed(runs[:3])}"


def _listed(runs: Sequence[Candidate]) -> str:
    more = [f"  … and {len(runs) - _SHOWN} more"] if len(runs) > _SHOWN else []
    return "\n".join([*map(str, runs[:_SHOWN]), *more])
