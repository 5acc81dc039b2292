"""Keeps secrets out of everything that is written or shown: their values are replaced by their names.

This is a net, not a wall. A program that knows a secret can always print it in a form that no one looks for: reversed,
encrypted, a character a line. What must not be told is not passed into the sandbox at all: headers of `http` and URL
MCP servers stay on the host. The net is for what slips: a server that echoes a header, a tool that prints a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from workbench.definition.agent import AgentDefinition, HttpServer, McpHttpServer, McpStdioServer
from workbench.definition.credentials import bare_credential, is_plain_credential, looks_like_credential, url_password
from workbench.definition.encodings import SHORTEST, Form, forms
from workbench.definition.references import Template
from workbench.jsontypes import JsonValue

ALWAYS_SECRET = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""Variables that are secret for every agent, whether it refers to them or not."""

_BREAK = r"(?:\r?\n|(?:\\r)?\\n)?"
_TAIL = r"(?:[A-Za-z0-9+/_-]={0,2})?"
_UNFINISHED_TAIL = re.compile(r"(?:[A-Za-z0-9+/_-]=?)?")
_MAX_PATTERNS = 64
_LONGEST_BREAK = len(r"\r\n")


class Redactor:
    """Replaces each secret by `[secret NAME]`, also where it is encoded (see `encodings`).

    A value of less than 6 characters is not looked for, and its name is in `too_short`: `1`, `true` or `admin` would be
    hit in half of all texts, which hides nothing and spoils the trace. Whoever makes a Redactor tells the user.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        labels: dict[Form, str] = {}
        for name, value in values.items():
            for form in forms(value):
                labels.setdefault(form, f"[secret {name}]")
        self.too_short: Sequence[str] = tuple(
            name for name, value in values.items() if value and len(value.strip()) < SHORTEST
        )
        # what stands for a secret is left alone, so that redacting twice is redacting once
        labels.update({Form(label): label for label in labels.values()})
        self.forms: Sequence[Form] = sorted(labels, key=lambda form: -len(form.text))
        self._labels = [labels[form] for form in self.forms]
        self._patterns: dict[Sequence[int], re.Pattern[str]] = {}

    def __repr__(self) -> str:
        return f"Redactor({len(set(self._labels))} secrets)"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.forms

    def text(self, text: str) -> str:
        """The text without secrets."""
        shown, end = [], 0
        for start, stop, label in self.find(text):
            shown += [text[end:start], label]
            end = stop
        return "".join(shown) + text[end:] if shown else text

    def json(self, value: JsonValue) -> JsonValue:
        """The JSON value without secrets in its texts and keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.json(item) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [self.json(item) for item in value]
        return value

    def stream(self) -> StreamRedactor:
        """A redactor for one text that comes in pieces."""
        return StreamRedactor(self)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where each secret begins and ends, and what stands in its place."""
        held = self._held_by(text)
        if held:
            for match in self._pattern(held).finditer(text):
                yield match.start(), match.end(), self._labels[held[(match.lastindex or 1) - 1]]

    def _held_by(self, text: str) -> Sequence[int]:
        """The forms that may be in the text: all that are, and hardly another.

        Searching for each takes far less time than one pattern of all would. Where line breaks may stand inside, what
        breaks are made of is left out of both, the letters of their escapes too.
        """
        breaks = "\r\n\\rn" if "\\" in text else "\r\n"
        bare_text = _without(text, breaks)
        return tuple(
            index
            for index, form in enumerate(self.forms)
            if (_without(form.text, breaks) in bare_text if form.wrapped else form.text in text)
        )

    def _pattern(self, held: Sequence[int]) -> re.Pattern[str]:
        """One alternation of the forms, the longest first."""
        pattern = self._patterns.get(held)
        if pattern is None:
            if len(self._patterns) >= _MAX_PATTERNS:
                self._patterns.clear()
            pattern = re.compile("|".join(f"({_expression(self.forms[index])})" for index in held))
            self._patterns[held] = pattern
        return pattern


class StreamRedactor:
    """Redacts a text that comes in pieces; together they give what `Redactor.text` gives of the whole.

    What may be the beginning of a secret is kept back until it is told apart, at most a few hundred characters.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""
        self._by_first: dict[str, list[Form]] = {}
        for form in redactor.forms:
            self._by_first.setdefault(form.text[0], []).append(form)
        self._longest = max((_longest(form) for form in redactor.forms), default=0)

    def feed(self, chunk: str) -> str:
        """Take a piece of the text; what of it can be shown by now."""
        text = self._held + chunk
        begun = self._beginnings(text)
        shown, end = [], 0
        for start, stop, label in self._redactor.find(text):
            if any(end <= beginning <= start for beginning in begun):
                break
            shown += [text[end:start], label]
            end = stop
        kept = next((beginning for beginning in begun if beginning >= end), len(text))
        self._held = text[kept:]
        return "".join(shown) + text[end:kept]

    def flush(self) -> str:
        """The end of the text: what was kept back."""
        rest, self._held = self._held, ""
        return self._redactor.text(rest)

    def _beginnings(self, text: str) -> Sequence[int]:
        """Where in the text something begins that more text may make a secret, or a longer one."""
        return [
            start
            for start in range(max(0, len(text) - self._longest), len(text))
            if any(_may_become(form, text, start) for form in self._by_first.get(text[start], ()))
        ]


def secrets_of(definition: AgentDefinition, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The secrets of an agent by name: what its references stand for, and the vendor's credentials.

    Credentials that stand in agent.yaml in plain text, for which the loader warns, are among them under the place where
    they stand, such as `helpdesk.Authorization`.
    """
    names = [*ALWAYS_SECRET, *(name for template in _templates(definition) for name in template.names)]
    found = {name: environment[name] for name in names if environment.get(name)}
    for name, value in _plain_credentials(definition):
        found.setdefault(name, value)
    return found


def _templates(definition: AgentDefinition) -> Iterator[Template]:
    for server in definition.servers:
        if isinstance(server, HttpServer | McpHttpServer):
            yield server.url
            yield from server.headers.values()
    yield from definition.container.env.values()


def _plain_credentials(definition: AgentDefinition) -> Iterator[tuple[str, str]]:
    for server in definition.servers:
        if isinstance(server, HttpServer | McpHttpServer):
            for name, template in server.headers.items():
                if is_plain_credential(name, template.text):
                    yield f"{server.name}.{name}", bare_credential(template.text)
            password = url_password(server.url.text)
            if password is not None and not Template(password).names:
                yield f"{server.name}.url", password
        elif isinstance(server, McpStdioServer):
            texts = [*server.env.items(), *((f"command.{index}", text) for index, text in enumerate(server.command))]
            yield from ((f"{server.name}.{name}", text) for name, text in texts if looks_like_credential(text))
    for name, template in definition.container.env.items():
        if looks_like_credential(template.text) and not template.names:
            yield f"container.{name}", template.text


def _expression(form: Form) -> str:
    if not form.wrapped:
        return re.escape(form.text)
    return _BREAK.join(map(re.escape, form.text)) + (_TAIL if form.tail else "")


def _longest(form: Form) -> int:
    """The most characters that a form takes, tail and line breaks included."""
    return (len(form.text) + 3) * (1 + _LONGEST_BREAK) if form.wrapped else len(form.text)


def _without(text: str, characters: str) -> str:
    for character in characters:
        text = text.replace(character, "")
    return text


def _flat(text: str) -> str:
    """The text without line breaks, real ones and those of JSON."""
    for line_break in ("\n", "\r", "\\n", "\\r"):
        text = text.replace(line_break, "")
    return text


def _may_become(form: Form, text: str, start: int) -> bool:
    """Whether what stands from `start` to the end of the text is the form, but for its end."""
    if not form.wrapped:
        return len(text) - start < len(form.text) and form.text.startswith(text[start:])
    rest = _flat(text[start:]).removesuffix("\\")
    if len(rest) < len(form.text):
        return form.text.startswith(rest)
    return form.tail and rest.startswith(form.text) and bool(_UNFINISHED_TAIL.fullmatch(rest, len(form.text)))
