"""A real headless browser for the tests of HTML pages: Debian's Chromium, driven by playwright, judged by axe-core."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

NEEDS_BROWSER = "needs a headless browser"

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",  # as root, and in containers; only pages of our own are opened
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@cache
def why_no_browser() -> str | None:
    """Why tests in a browser cannot run here, None if they can."""
    if not any(map(shutil.which, _NAMES)):
        return f"none of {', '.join(_NAMES)} is installed (apt-get install chromium)"
    return None


@contextmanager
def opened_browser() -> Iterator[Any]:
    """The browser, closed at the end."""
    from playwright.sync_api import sync_playwright

    program = next(path for name in _NAMES if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page in the browser: what it asked for, what it complained of, and the page itself."""

    page: Any
    requests: list[str]
    console: list[str]

    def violations(self) -> Sequence[str]:
        """What axe-core finds wrong, each with its rule and place."""
        from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    def texts(self, selector: str) -> list[str]:
        """What the elements say, as a person sees it."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]


@contextmanager
def opened_page(browser: Any, file: Path, scheme: str = "light", *, judged: bool = False) -> Iterator[Opened]:
    """Open a file. To be judged, its policy is passed over, because axe-core is a script."""
    context = browser.new_context(color_scheme=scheme, bypass_csp=judged)
    page = context.new_page()
    opened = Opened(page, [], [])
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("console", lambda message: opened.console.append(message.text))
    page.goto(file.as_uri())
    try:
        yield opened
    finally:
        context.close()
