"""Exported pages in a real browser: accessible, alone, and deaf to what a run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import opened_page
from tests.export.conftest import HOSTILE, a_thousand_events, everything, hostile_run
from workbench.export.page import shown
from workbench.export.run_page import run_page
from workbench.trace.events import Event

pytestmark = pytest.mark.browser


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes the page of a run to a file."""

    def write(events: list[Event]) -> Path:
        file = tmp_path / "run.html"
        file.write_text(run_page(events), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_run_is_accessible(browser: Any, written: Any, scheme: str) -> None:
    with opened_page(browser, written(everything()), scheme, judged=True) as opened:
        assert opened.violations() == []
        opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert opened.violations() == []


def test_the_check_finds_what_is_wrong(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<html><body><img src='data:,'><p style='color:#ccc'>pale</p></body></html>")
    with opened_page(browser, file, judged=True) as opened:
        rules = {violation.partition(":")[0] for violation in opened.violations()}
    assert {"image-alt", "color-contrast", "html-has-lang", "document-title"} <= rules


def test_light_and_dark_differ(browser: Any, written: Any) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with opened_page(browser, written(everything()), scheme) as opened:
            colours.append(opened.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


def test_the_style_is_allowed_and_nothing_else_is_loaded(browser: Any, written: Any) -> None:
    file = written(everything())
    with opened_page(browser, file) as opened:
        assert opened.requests == [file.as_uri()]
        assert opened.console == []


def test_hostile_markup_is_inert(browser: Any, written: Any) -> None:
    file = written(hostile_run())
    with opened_page(browser, file) as opened:
        page = opened.page
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("window.owned") is None
        assert page.title() != "owned"
        assert opened.requests == [file.as_uri()]
        assert opened.console == []
        assert page.locator("script, iframe, img, a, object, embed, form, [onerror], [onload]").count() == 0
        assert page.locator("style").count() == 1
        assert opened.texts("pre")[0] == shown(HOSTILE).strip()


def test_hostile_markup_is_inert_even_without_the_policy(browser: Any, written: Any) -> None:
    file = written(hostile_run())
    with opened_page(browser, file, judged=True) as opened:
        opened.page.wait_for_timeout(100)
        assert opened.page.evaluate("window.owned") is None
        assert opened.requests == [file.as_uri()]


def test_a_thousand_events_can_be_opened(browser: Any, written: Any) -> None:
    with opened_page(browser, written(a_thousand_events())) as opened:
        assert opened.page.locator("ul.events > li").count() == 1_000
