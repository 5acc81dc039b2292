"""Prove that each defence is needed: remove one at a time in a copy of the tree, and see its case fail.

    python tests/hostile/mutate.py [WORD ...]     only the defences whose name or case holds one of the words

Ends with 1 if a case still holds without its defence, or does not hold with all of them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.hostile.mutations import MUTATIONS, NOT_MISSED_HERE, Edit, Mutation  # noqa: E402

COPIED = ("workbench", "tests", "sample_agents", "pyproject.toml")
SECONDS = 240


def main(words: Sequence[str]) -> int:
    """Run the mutations that are asked for, and print each defence with the case that fails without it."""
    wanted = [one for one in MUTATIONS if not words or any(word in f"{one.defence} {one.case}" for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = Path(folder)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, tree / name)
        for path in (tree, *tree.rglob("*")):  # sandboxes read the guest's files there
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        cases = sorted({one.case for one in wanted})
        print(f"{len(wanted)} defences, {len(cases)} cases; first the cases with all defences in place", flush=True)
        ended, said = run(tree, cases, SECONDS * 3)
        if ended != 0:
            print(said)
            return 1
        missed = [one for one in wanted if not is_missed(tree, one)]
    for defence, reason in NOT_MISSED_HERE.items():
        print(f"not missed here: {defence}: {reason}")
    print(f"{len(wanted) - len(missed)} of {len(wanted)} defences are missed by a case when they are gone")
    return 1 if missed else 0


def is_missed(tree: Path, mutation: Mutation) -> bool:
    """Whether the case fails without the defence; prints what was seen."""
    began = time.monotonic()
    kept = {edit.file: (tree / edit.file).read_text(encoding="utf-8") for edit in mutation.edits}
    try:
        for edit in mutation.edits:
            make(tree, edit)
        ended, said = run(tree, [mutation.case], SECONDS)
    finally:
        for file, text in kept.items():
            (tree / file).write_text(text, encoding="utf-8")
    failed = ended is None or (ended == 1 and "= FAILURES =" in said)
    verdict = "missed by" if failed else "NOT MISSED by"
    behind = f" (removed with what stands behind it: {mutation.behind})" if mutation.behind else ""
    case = mutation.case.removeprefix("tests/hostile/")
    print(f"{mutation.defence}{behind} -> {verdict} {case} ({time.monotonic() - began:.0f} s)", flush=True)
    if not failed:
        print(said[-1500:])
    return failed


def make(tree: Path, edit: Edit) -> None:
    """Make one edit; a text that is not there exactly once is a fault of the list."""
    path = tree / edit.file
    text = path.read_text(encoding="utf-8")
    if text.count(edit.old) != 1:
        raise SystemExit(f"{edit.file} holds {text.count(edit.old)} times, not once: {edit.old}")
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def run(tree: Path, cases: Sequence[str], seconds: float) -> tuple[int | None, str]:
    """Run cases in the tree: how pytest ended, None if it did not end in time, and what it printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rN", "--tb=line", *cases]
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None, "it did not end in time"
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
