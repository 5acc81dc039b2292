"""The fuse cannot be passed, by nobody and not together."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.fuse import DEFAULT_LIMIT_USD, Fuse, FuseBlownError, FuseStatus
from workbench.trace.errors import StoreError

FIVE = Decimal(5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fuse(tmp_path: Path, clock: Clock) -> Iterator[Fuse]:
    with closing(Fuse.open(tmp_path, FIVE, "live", clock)) as opened:
        yield opened


def amounts(status: FuseStatus) -> tuple[object, ...]:
    """Spent, reserved, abandoned."""
    return status.spent, status.reserved, status.abandoned


def test_what_is_set_aside_is_replaced_by_what_was_spent(fuse: Fuse, clock: Clock) -> None:
    assert fuse.status() == FuseStatus("live", FIVE, Decimal(0), Decimal(0), Decimal(0), 0, None)
    reservation = fuse.reserve("r1", Decimal(2))
    assert fuse.status() == FuseStatus("live", FIVE, Decimal(0), Decimal(2), Decimal(0), 0, clock.now)
    fuse.settle(reservation, Decimal("0.123456789012"))
    assert amounts(fuse.status()) == (Decimal("0.123456789012"), 0, 0)
    assert fuse.status().left == FIVE - Decimal("0.123456789012")


def test_exactly_the_limit_is_allowed_and_no_more(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(4)), Decimal(4))
    fuse.reserve("r1", Decimal(1))
    with pytest.raises(FuseBlownError):
        fuse.reserve("r1", Decimal("0.000000000001"))
    fuse.reserve("r1", Decimal(0))


def test_a_blown_fuse_tells_how_it_stands_and_what_to_do(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(4)), Decimal("3.5"))
    fuse.reserve("r2", Decimal("0.75"))
    with pytest.raises(FuseBlownError) as caught:
        fuse.reserve("r3", Decimal("0.8004"))
    said = str(caught.value)
    assert "the next request could cost $0.8004" in said
    assert "$3.50 of $5.00 are spent, $0.75 are set aside for requests under way" in said
    assert "Nothing was sent" in said
    assert "--fuse USD" in said
    assert "workbench fuse --reset" in said
    assert caught.value.worst_case == Decimal("0.8004")
    assert caught.value.status == fuse.status()
    assert amounts(fuse.status()) == (Decimal("3.5"), Decimal("0.75"), 0)


def test_a_request_whose_cost_is_not_known_spends_what_was_set_aside(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(2)), None)
    assert amounts(fuse.status()) == (2, 0, 0)


def test_a_request_that_was_never_billed_spends_nothing(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(2)), Decimal(0))
    assert amounts(fuse.status()) == (0, 0, 0)


def test_more_than_the_worst_case_is_counted_in_full(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(1)), Decimal(7))
    assert amounts(fuse.status()) == (7, 0, 0)
    assert fuse.status().left == 0
    with pytest.raises(FuseBlownError):
        fuse.reserve("r1", Decimal("0.01"))


def test_an_unknown_price_sets_nothing_aside_and_is_counted(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", None), None)
    fuse.reserve("r1", None)
    assert (amounts(fuse.status()), fuse.status().unpriced) == ((0, 0, 0), 2)


def test_settling_twice_counts_once(fuse: Fuse) -> None:
    reservation = fuse.reserve("r1", Decimal(2))
    fuse.settle(reservation, Decimal(1))
    fuse.settle(reservation, None)
    assert amounts(fuse.status()) == (1, 0, 0)


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity", "1e9"])
def test_what_no_request_can_cost_is_refused(fuse: Fuse, amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        fuse.reserve("r1", Decimal(amount))
    reservation = fuse.reserve("r1", Decimal(1))
    with pytest.raises(ValueError, match="not an amount"):
        fuse.settle(reservation, Decimal(amount))
    assert amounts(fuse.status()) == (0, 1, 0)


@pytest.mark.parametrize("limit", ["-1", "NaN", "Infinity"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, limit: str) -> None:
    with pytest.raises(ValueError, match="0 USD or more"):
        Fuse.open(tmp_path, Decimal(limit))


def test_the_default_limit(tmp_path: Path) -> None:
    with closing(Fuse.open(tmp_path)) as fuse:
        assert (fuse.status().limit, DEFAULT_LIMIT_USD) == (FIVE, FIVE)
        fuse.reserve("r1", FIVE)


def test_offline_scripts_are_counted_apart(tmp_path: Path, fuse: Fuse, clock: Clock) -> None:
    fuse.reserve("r1", FIVE)
    with closing(Fuse.open(tmp_path, FIVE, "offline", clock)) as offline:
        offline.settle(offline.reserve("r1", Decimal(3)), Decimal(3))
        offline.reset()
        offline.reserve("r1", FIVE)
    assert amounts(fuse.status()) == (0, 5, 0)


def test_all_workbenches_on_a_folder_share_it(tmp_path: Path, fuse: Fuse, clock: Clock) -> None:
    with closing(Fuse.open(tmp_path, Decimal(10), "live", clock)) as other:
        fuse.settle(fuse.reserve("r1", Decimal(4)), Decimal(4))
        other.reserve("r2", Decimal(5))
        with pytest.raises(FuseBlownError):
            fuse.reserve("r1", Decimal(1))
        other.reserve("r2", Decimal(1))  # its own limit is higher
        assert amounts(fuse.status()) == amounts(other.status()) == (4, 6, 0)


def test_a_sitting_ends_after_four_hours_without_spending(fuse: Fuse, clock: Clock) -> None:
    fuse.settle(fuse.reserve("r1", FIVE), FIVE)
    clock.pass_by(hours=3, minutes=59)
    with pytest.raises(FuseBlownError):
        fuse.reserve("r1", Decimal(1))
    clock.pass_by(minutes=1)
    assert fuse.status().started_at is None
    fuse.reserve("r1", FIVE)
    assert fuse.status().started_at == clock.now


def test_spending_keeps_a_sitting_going(fuse: Fuse, clock: Clock) -> None:
    begin = clock.now
    for _ in range(4):
        fuse.settle(fuse.reserve("r1", Decimal(1)), Decimal(1))
        clock.pass_by(hours=3)
    assert (fuse.status().started_at, fuse.status().spent) == (begin, Decimal(4))


def test_a_request_under_way_keeps_a_sitting_going(fuse: Fuse, clock: Clock) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(1)), Decimal(1))
    reservation = fuse.reserve("r1", Decimal(3))
    clock.pass_by(hours=9)
    with pytest.raises(FuseBlownError):
        fuse.reserve("r2", Decimal(2))
    fuse.settle(reservation, Decimal(2))
    assert amounts(fuse.status()) == (3, 0, 0)


def test_a_reset_forgets_what_was_spent_but_not_what_is_under_way(fuse: Fuse) -> None:
    fuse.settle(fuse.reserve("r1", Decimal(3)), Decimal(3))
    under_way = fuse.reserve("r2", Decimal(2))
    fuse.reset()
    assert amounts(fuse.status()) == (0, 2, 0)
    fuse.settle(under_way, Decimal("1.5"))
    assert amounts(fuse.status()) == (Decimal("1.5"), 0, 0)


def test_a_reset_of_an_unused_fuse(fuse: Fuse) -> None:
    fuse.reset()
    assert amounts(fuse.status()) == (0, 0, 0)


RESERVE_AND_DIE = """
import os, sys
from decimal import Decimal
from pathlib import Path
from workbench.cost.fuse import Fuse
number = Fuse.open(Path(sys.argv[1]), Decimal(5)).reserve("r1", Decimal(3))
print(number, flush=True)
os._exit(9)
"""


def test_what_a_dead_process_had_set_aside_stays_counted(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", RESERVE_AND_DIE, str(tmp_path)], capture_output=True, check=False)
    assert died.returncode == 9
    with closing(Fuse.open(tmp_path, FIVE)) as fuse:
        assert amounts(fuse.status()) == (0, 0, 3)
        with pytest.raises(
            FuseBlownError, match=r"\$3.00 by workbenches that died \(what was billed for it is not known\)"
        ):
            fuse.reserve("r2", Decimal("2.5"))
        fuse.reset()
        assert amounts(fuse.status()) == (0, 0, 0)
        fuse.settle(int(died.stdout), Decimal("0.5"))  # it was not dead after all
        assert amounts(fuse.status()) == (Decimal("0.5"), 0, 0)


RACER = """
import sys
from decimal import Decimal
from pathlib import Path
from random import Random
from workbench.cost.fuse import Fuse, FuseBlownError
chance, spent, fuse = Random(int(sys.argv[2])), Decimal(0), Fuse.open(Path(sys.argv[1]), Decimal(2))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(100):
    worst = Decimal(chance.randrange(1, 100)) / 1000
    try:
        reservation = fuse.reserve("r", worst)
    except FuseBlownError as error:
        status = error.status
        assert status.spent + status.reserved + status.abandoned <= status.limit, status
        continue
    actual = worst * chance.choice([0, 1, 1]) / 2 if chance.random() < 0.8 else None
    fuse.settle(reservation, actual)
    spent += worst if actual is None else actual
print(spent)
"""


def test_processes_that_race_never_pass_the_limit_together(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", RACER, str(tmp_path), str(seed)] for seed in range(4)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for command in commands
    ]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    spent = [Decimal(racer.communicate()[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4
    with closing(Fuse.open(tmp_path, Decimal(2))) as fuse:
        assert amounts(fuse.status()) == (sum(spent), 0, 0)
    assert Decimal("1.5") < sum(spent) <= 2


def test_threads_that_race_never_pass_the_limit_together(fuse: Fuse) -> None:
    granted: list[int] = []

    def race() -> None:
        for _ in range(20):
            try:
                granted.append(fuse.reserve("r", Decimal("0.25")))
            except FuseBlownError:
                return

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == len(set(granted)) == 20
    assert amounts(fuse.status()) == (0, 5, 0)


AMOUNTS = st.decimals(0, 2, places=12)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(AMOUNTS, st.one_of(st.none(), st.decimals(0, 1)), st.booleans()), max_size=12))
def test_no_order_of_requests_passes_the_limit(requests: list[tuple[Decimal, Decimal | None, bool]]) -> None:
    spent, reserved = Decimal(0), Decimal(0)
    with TemporaryDirectory() as folder, closing(Fuse.open(Path(folder), FIVE)) as fuse:
        for worst, share, settled in requests:
            try:
                number = fuse.reserve("r", worst)
            except FuseBlownError:
                assert spent + reserved + worst > FIVE
                continue
            assert spent + reserved + worst <= FIVE
            if not settled:
                reserved += worst
                continue
            actual = None if share is None else (worst * share).quantize(Decimal("1e-12"))
            fuse.settle(number, actual)
            spent += worst if actual is None else actual
        assert amounts(fuse.status()) == (spent, reserved, 0)


def test_a_damaged_fuse_is_reported_and_not_touched(tmp_path: Path) -> None:
    Fuse.open(tmp_path).close()
    path = tmp_path / ".workbench" / "fuse.db"
    path.write_bytes(b"not a fuse")
    with pytest.raises(StoreError, match="not a fuse"):
        Fuse.open(tmp_path)
    assert path.read_bytes() == b"not a fuse"
