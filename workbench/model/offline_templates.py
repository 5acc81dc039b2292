"""The templates of offline.yaml: text with `{{ path }}` in it, and nothing that could run anything.

An expression is one or more alternatives, `{{ input.json.name ?? values.name ?? "nobody" }}`: the first that has a
value counts. An alternative is a path or a JSON literal. A filter may follow: `| json` writes the value as JSON, `|
shell` quotes it for a shell. A text that is one expression only keeps the value's type; elsewhere what is not text is
written as JSON.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.jsontypes import JsonValue
from workbench.model.offline_paths import JsonPath, MissingValueError, parse_path

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.S)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<literal>"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?![\w.\[])|(?:true|false|null)(?![\w.\[]))
      | (?P<mark>\?\?|\|)
      | (?P<path>[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+|\[-?[0-9]+\]|\["[^"]*"\])*)
    )\s*""",
    re.X,
)
FILTERS = ("json", "shell")

Lookup = Callable[[JsonPath], JsonValue]
"""Gives the value at a path, or raises `MissingValueError`."""


class TemplateError(ValueError):
    """A text is no template."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the template itself."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands between braces: alternatives of which the first that has a value counts, and a filter."""

    alternatives: tuple[JsonPath | Literal, ...]
    filter: str | None

    def value(self, lookup: Lookup) -> JsonValue:
        """The value.

        Raises:
            MissingValueError: no alternative has one.
        """
        found = self._first(lookup)
        if self.filter == "json":
            return json.dumps(found, ensure_ascii=False)
        return shlex.quote(as_written(found)) if self.filter == "shell" else found

    def _first(self, lookup: Lookup) -> JsonValue:
        missing: list[str] = []
        for alternative in self.alternatives:
            if isinstance(alternative, Literal):
                return alternative.value
            try:
                return lookup(alternative)
            except MissingValueError as error:
                missing.append(str(error))
        raise MissingValueError("; ".join(missing))


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Sequence[str | Expression]:
    """The text's literal parts and its expressions, in order.

    Raises:
        TemplateError: an expression is not understood; says which.
    """
    parts: list[str | Expression] = []
    at = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(text[at : match.start()])
        parts.append(_expression(match[1]))
        at = match.end()
    rest = text[at:]
    if "{{" in rest:
        raise TemplateError("'{{' is not closed by '}}'; to write it as text, use {{ \"{{\" }}")
    return tuple(part for part in (*parts, rest) if part != "")


def render(value: JsonValue, lookup: Lookup) -> JsonValue:
    """A JSON value with every text in it rendered.

    Raises:
        MissingValueError: a template names a value that there is not.
    """
    if isinstance(value, str):
        return _rendered(value, lookup)
    if isinstance(value, Mapping):
        return {name: render(item, lookup) for name, item in value.items()}
    return [render(item, lookup) for item in value] if isinstance(value, list | tuple) else value


def render_text(text: str, lookup: Lookup) -> str:
    """A text rendered as text, also if it is one expression only.

    Raises:
        MissingValueError: it names a value that there is not.
    """
    return as_written(_rendered(text, lookup))


def as_written(value: JsonValue) -> str:
    """The value as it stands in a text: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def paths_in(text: str) -> Sequence[JsonPath]:
    """All paths that a template names.

    Raises:
        TemplateError: an expression is not understood.
    """
    expressions = [part for part in parse_template(text) if isinstance(part, Expression)]
    return [path for item in expressions for path in item.alternatives if not isinstance(path, Literal)]


def _rendered(text: str, lookup: Lookup) -> JsonValue:
    if "{{" not in text:
        return text
    parts = parse_template(text)
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return parts[0].value(lookup)
    return "".join(part if isinstance(part, str) else as_written(part.value(lookup)) for part in parts)


def _expression(source: str) -> Expression:
    tokens = _tokens(source)
    filtered = len(tokens) > 1 and tokens[-2] == ("mark", "|")
    name = tokens[-1][1] if filtered else None
    if name is not None and name not in FILTERS:
        raise _not_understood(source)
    values = tokens[:-2] if filtered else tokens
    if len(values) % 2 == 0 or any(token != ("mark", "??") for token in values[1::2]):
        raise _not_understood(source)
    return Expression(tuple(_alternative(token, source) for token in values[::2]), name)


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    source = source.strip()
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None or match.lastgroup is None:
            raise _not_understood(source)
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


def _alternative(token: tuple[str, str], source: str) -> JsonPath | Literal:
    kind, text = token
    if kind == "path":
        return parse_path(text)
    if kind == "literal":
        return Literal(json.loads(text))
    raise _not_understood(source)


def _not_understood(source: str) -> TemplateError:
    return TemplateError(
        f"'{{{{{source}}}}}' is not understood; write {{{{ input.text }}}}, {{{{ a.b ?? \"else\" }}}} "
        f"or {{{{ a.b | {FILTERS[0]} }}}}"
    )
