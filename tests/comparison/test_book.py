"""The book of comparisons: what it keeps, and that only one process gets a cell."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.comparison.conftest import plan_of
from workbench.comparison.book import Book, UnknownComparisonError
from workbench.comparison.standing import Standing, standing
from workbench.trace.errors import StoreError
from workbench.trace.owner import Owner
from workbench.trace.store import Store

PLAN = plan_of(["a", "b"])


@pytest.fixture
def book(tmp_path: Path) -> Book:
    opened = Book.open(tmp_path)
    opened.save(PLAN)
    return opened


def test_a_plan_comes_back_as_it_was(book: Book) -> None:
    whole = replace(PLAN, name="whole", judge="claude-opus-4-6", files="abc", offline=True)
    book.save(whole)
    assert book.plan("whole") == whole
    assert book.plan("made-up") == PLAN
    assert book.names() == ["whole", "made-up"]


def test_saving_again_keeps_the_claims(book: Book) -> None:
    assert book.claim("made-up", "k", "run-1", instead_of=None)
    book.save(replace(PLAN, repeats=9))
    assert book.plan("made-up").repeats == 9
    assert book.claims("made-up")["k"].run_id == "run-1"


def test_an_unknown_comparison_lists_those_there_are(book: Book) -> None:
    with pytest.raises(UnknownComparisonError, match="there is no comparison 'x'; there are: made-up"):
        book.plan("x")


def test_a_claim_takes_the_place_of_the_one_that_is_named(book: Book) -> None:
    assert book.claim("made-up", "k", "run-1", instead_of=None)
    assert not book.claim("made-up", "k", "run-2", instead_of=None)
    assert not book.claim("made-up", "k", "run-2", instead_of="run-0")
    assert book.claim("made-up", "k", "run-2", instead_of="run-1")
    claim = book.claim_of("made-up", "k")
    assert claim is not None
    assert claim.run_id == "run-2"
    assert book.claim_of("made-up", "other") is None


def test_claims_of_two_comparisons_are_apart(book: Book) -> None:
    book.save(replace(PLAN, name="other"))
    assert book.claim("made-up", "k", "run-1", instead_of=None)
    assert book.claim("other", "k", "run-2", instead_of=None)
    book.forget("made-up")
    assert book.claims("made-up") == {}
    assert set(book.claims("other")) == {"k"}


def test_of_many_at_once_one_gets_it(tmp_path: Path, book: Book) -> None:
    won: list[str] = []

    def try_all(name: str) -> None:
        with Book.open(tmp_path) as mine:
            won.extend(
                key for key in map(str, range(20)) if mine.claim("made-up", key, f"{name}-{key}", instead_of=None)
            )

    threads = [threading.Thread(target=try_all, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won, key=int) == [str(number) for number in range(20)]


def test_a_damaged_plan_is_told(tmp_path: Path, book: Book) -> None:
    book.close()
    with sqlite3.connect(tmp_path / ".workbench" / "comparisons.db") as raw:
        raw.execute("UPDATE comparisons SET plan = '{}'")
    with Book.open(tmp_path) as again, pytest.raises(StoreError, match=r"made-up.*is damaged"):
        again.plan("made-up")


def test_the_claim_of_a_process_that_died_before_its_run_began_is_void(tmp_path: Path, book: Book) -> None:
    book.claim("made-up", "k", "run-1", instead_of=None)
    claim = book.claims("made-up")["k"]
    with Store.open(tmp_path) as store:
        assert standing(claim, store) == (Standing.RUNNING, None)
        dead = replace(claim, owner=Owner(claim.owner.pid, "1", claim.owner.place))
        assert standing(dead, store) == (Standing.WAITING, None)
        assert standing(None, store) == (Standing.WAITING, None)
