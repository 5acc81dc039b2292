"""A case's file as text: written so that a person likes to go on with it, and changed without touching the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml
from yaml.nodes import ScalarNode

from workbench.cases.schema import VERSION
from workbench.definition.problems import DefinitionError
from workbench.definition.yamlfile import YamlFile, parse_yaml
from workbench.definition.yamltree import KeyPath, YamlFloat
from workbench.jsontypes import JsonObject, JsonValue

_MOST_TEXT = 20_000
_WIDE = 1 << 30
_MAY_BE_NUMBERS = tuple("0123456789+-.")
_HEAD = "# A case: a run that was kept. Edit the checks; `workbench test` tells which do not hold.\n"


@dataclass(frozen=True, slots=True)
class CaseText:
    """What the file of a new case says. `output` is the run's, None if it failed."""

    description: str
    run_id: str
    tape: str
    sha256: str
    input: str
    output: str | None
    checks: Sequence[JsonObject]


def text_of(case: CaseText, path: Path) -> str:
    """The text of a new case's file.

    A long input or output is left out, and so is one that YAML cannot hold as it is: both are on the tape.
    """
    parts = [
        _HEAD,
        f"version: {VERSION}\n",
        _dumped({"description": case.description}),
        _dumped({"run": case.run_id}),
        f"tape: {_flow({'file': case.tape, 'sha256': case.sha256})}\n",
        _kept_text("input", case.input, path),
        _kept_text("reference", case.output, path),
        "checks:\n",
        *(_check(check) for check in case.checks),
    ]
    return "".join(parts)


def rewritten(file: YamlFile, changes: Mapping[KeyPath, str]) -> str:
    """The text of a file with other texts as the values at some places, and every other character as it is."""
    text = file.text
    spans = sorted(((file.span(path), value) for path, value in changes.items()), key=lambda pair: -pair[0].start)
    for span, value in spans:
        text = text[: span.start] + f"'{value}'" + text[span.end :]
    return text


def _kept_text(key: str, value: str | None, path: Path) -> str:
    if value is None or len(value) > _MOST_TEXT:
        return ""
    try:
        text = _dumped({key: value})
        same = parse_yaml(path, text.encode("utf-8")).at((key,)) == value
    except (DefinitionError, UnicodeEncodeError, yaml.YAMLError):
        return ""
    return text if same else ""


def _check(check: JsonObject) -> str:
    if len(check) > 1 or _has_lines(check):
        return f"  - {indent(_dumped(check), '    ')[4:]}"
    return f"  - {_flow(check)[1:-1]}\n"


def _has_lines(value: JsonValue) -> bool:
    if isinstance(value, Mapping):
        return any(_has_lines(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(map(_has_lines, value))
    return isinstance(value, str) and "\n" in value


def _flow(value: JsonValue) -> str:
    return _dump(value, flow=True).strip()


def _dumped(value: JsonValue) -> str:
    return _dump(value, flow=False)


def _dump(value: JsonValue, *, flow: bool) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=_WIDE
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and numbers as they were written."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, text: str) -> ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    """How a text is written: as a block, in quotes where it could be read as something else, or plain."""
    plain_ends = text.removesuffix("\n") == text.strip() != ""
    if not text.replace("\n", "").isprintable() or ("\n" in text and not plain_ends):
        return '"'
    if "\n" in text:
        return "|"
    return "'" if text[:1] in _MAY_BE_NUMBERS else None


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(
    YamlFloat, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", number.text)
)
