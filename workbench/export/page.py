"""Self-contained HTML pages: nothing is loaded, nothing is executed, and what a run holds can only be read.

Templates escape everything that they are given. The page's policy allows its one style sheet, by its digest, and
nothing else: no script, no image, no request, whatever the content of a run may be.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cost.amounts import usd
from workbench.trace.terminal import printable

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")

_STYLE = "page.css"


def render(template: str, **content: Any) -> str:
    """The page that `template`, a file of the folder of templates, makes of `content`."""
    return _environment().get_template(template).render(**content)


def shown(text: object) -> str:
    """Text as a page may hold it: without control characters and without those that change the direction of writing."""
    return printable(str(text), keep="\n\t")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else shown(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "\n" + (TEMPLATES / _STYLE).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment.globals["usd"] = usd
    environment.globals["style"] = Markup(style)  # noqa: S704 - our own file
    environment.globals["policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return environment
