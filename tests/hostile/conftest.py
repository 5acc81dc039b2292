"""The ledger of the hostile suite: how a case enters it, and the table at the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.ledger import ROW, table

Enter = Callable[[str, str], None]
"""Enters what was tried and the evidence that it was held."""


@pytest.fixture
def held(record_property: Callable[[str, object], None], request: pytest.FixtureRequest) -> Enter:
    """Called with what was tried and with the evidence, as a case's last act; a case that fails enters none."""
    area = request.module.__name__.rpartition("test_")[2]

    def enter(tried: str, evidence: str) -> None:
        assert evidence.strip(), "a case without evidence proves nothing"
        record_property(ROW, json.dumps({"area": area, "tried": tried, "evidence": evidence}))

    return enter


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was tried and held; a failed case is a row without evidence."""
    rows = []
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            if "tests/hostile/" not in report.nodeid or (outcome == "passed" and report.when != "call"):
                continue
            given = dict(getattr(report, "user_properties", ())).get(ROW)
            case = report.nodeid.partition("::")[2]
            row = json.loads(given) if given else {"area": "?", "tried": case, "evidence": "see the failure above"}
            rows.append({**row, "case": case, "held": "yes" if outcome == "passed" else "NO"})
    if not rows:
        return
    terminalreporter.section("hostile suite: tried and held")
    for line in table(rows, shutil.get_terminal_size((200, 24)).columns):
        terminalreporter.line(line)
    broken = sum(row["held"] == "NO" for row in rows)
    terminalreporter.line(f"{len(rows)} tried, {len(rows) - broken} held, {broken} not held")
