"""Whether every template of offline.yaml can have a value: names that nothing defines are found when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from workbench.definition.problems import Problem, nearest
from workbench.definition.yamlfile import YamlFile
from workbench.definition.yamltree import KeyPath
from workbench.jsontypes import JsonValue
from workbench.model.offline_paths import JsonPath, parse_path
from workbench.model.offline_schema import OfflineFile, ReplyPart, RulePart, TextPart, WhenPart
from workbench.model.offline_scope import NAMES
from workbench.model.offline_templates import TemplateError, paths_in

_OF_A_TEXT = frozenset({"text", "lines", "json"})
_OF_A_RESULT = _OF_A_TEXT | {"arguments", "is_error"}
_OF_HTTP = ("path", "query", "body")


@dataclass(frozen=True, slots=True)
class _Known:
    """What templates can name in one place. `results` are the groups that patterns capture of results, by tool."""

    heads: tuple[str, ...]
    values: Set[str]
    choices: Set[str]
    texts: Mapping[str, Set[str]]
    results: Mapping[str, Set[str]]

    def within(self, when: WhenPart) -> _Known:
        """What can be named where `when` holds."""
        texts = {name: self.texts[name] | _groups(getattr(when, name)) for name in self.texts}
        results = dict(self.results)
        for part in when.results:
            arguments = {group for text in part.arguments.values() for group in _groups(text)}
            results[part.tool] = results.get(part.tool, frozenset()) | _groups(part) | arguments
        inner = replace(self, texts=texts, results=results)
        for alternative in when.any:
            inner = inner.within(alternative)
        return inner

    def with_heads(self, *heads: str) -> _Known:
        """The same with more names to begin with."""
        return replace(self, heads=(*self.heads, *heads))


def reference_problems(file: OfflineFile, yaml: YamlFile) -> list[Problem]:
    """All templates and paths that name what there cannot be."""
    heads = tuple(name for name in NAMES if name not in ("item", "index"))
    texts: Mapping[str, Set[str]] = {"input": frozenset(), "system": frozenset(), "said": frozenset()}
    known = _Known(heads, set(file.values), set(file.choices), texts, {})
    checker = _Checker(yaml)
    for name, choice in file.choices.items():
        checker.check(("choices", name, "of"), choice.of, known.within(_anything(file.rules)))
        inside = known.within(_anything(file.rules)).with_heads("match")
        for at in range(len(choice.cases)):
            checker.check_all(("choices", name, "cases", at, "value"), inside)
        checker.check_all(("choices", name, "otherwise"), known.within(_anything(file.rules)))
    checker.check_rules(file.rules, ("rules",), known)
    for server, routes in file.http.items():
        for at in range(len(routes)):
            inside = _Known(_OF_HTTP, set(), set(), {}, {})
            checker.check_all(("http", server, at, "json"), inside)
            checker.check_all(("http", server, at, "text"), inside)
    return checker.problems


class _Checker:
    def __init__(self, yaml: YamlFile) -> None:
        self._yaml = yaml
        self.problems: list[Problem] = []

    def check_rules(self, rules: Sequence[RulePart], at: KeyPath, known: _Known) -> None:
        for number, rule in enumerate(rules):
            where: KeyPath = (*at, number)
            inside = known.within(rule.when)
            self._check_when(rule.when, (*where, "when"), inside)
            self.check_rules(rule.rules, (*where, "rules"), inside)
            if rule.reply is not None:
                self._check_reply(rule.reply, (*where, "reply"), inside)

    def check_all(self, at: KeyPath, known: _Known) -> None:
        """Check every text at and below a place."""
        for path, text in _texts(self._yaml.at(at), at):
            self.check(path, text, known)

    def check(self, at: KeyPath, text: str, known: _Known) -> None:
        """Check one template."""
        try:
            paths = paths_in(text) if "{{" in text else []
        except TemplateError as error:
            self._add(at, str(error), part="{{")
            return
        for path in paths:
            self._check_path(at, path, known)

    def _check_when(self, when: WhenPart, at: KeyPath, known: _Known) -> None:
        for path in when.equals:
            self._check_path((*at, "equals", path), parse_path(path), known)
        for number, alternative in enumerate(when.any):
            self._check_when(alternative, (*at, "any", number), known)
        if when.negated is not None:
            self._check_when(when.negated, (*at, "not"), known.within(when.negated))

    def _check_reply(self, reply: ReplyPart, at: KeyPath, known: _Known) -> None:
        for name in ("thinking", "text", "search"):
            self.check_all((*at, name), known)
        self._check_calls(self._yaml.at((*at, "calls")), (*at, "calls"), known)
        for number, block in enumerate(reply.blocks):
            where: KeyPath = (*at, "blocks", number)
            if block.call is not None:
                self._check_call((*where, "call"), known)
            else:
                self.check_all(where, known)

    def _check_calls(self, calls: JsonValue, at: KeyPath, known: _Known) -> None:
        """Check calls, of which one alone need not stand in a list."""
        if isinstance(calls, Mapping):
            self._check_call(at, known)
        elif isinstance(calls, list):
            for number in range(len(calls)):
                self._check_call((*at, number), known)

    def _check_call(self, at: KeyPath, known: _Known) -> None:
        inside = known.with_heads("item", "index") if self._yaml.at((*at, "for_each")) is not None else known
        self.check_all((*at, "for_each"), known)
        self.check_all((*at, "arguments"), inside)
        self.check_all((*at, "raw_arguments"), inside)

    def _check_path(self, at: KeyPath, path: JsonPath, known: _Known) -> None:
        head = str(path[0])
        if head not in known.heads:
            self._unknown(at, head, known.heads, "{name} is no name here")
        elif head == "values" and len(path) > 1:
            self._one_of(at, path, known.values, "values has no {name}")
        elif head == "choice":
            self._one_of(at, path, known.choices, "there is no choice {name}")
        elif head in known.texts:
            self._one_of(at, path, _OF_A_TEXT | known.texts[head], f"no pattern captures {{name}} of {head}")
        elif head == "result" and len(path) > 2:
            tool = str(path[1])
            names = _OF_A_RESULT | known.results.get(tool, frozenset())
            self._one_of(at, path[1:], names, f"no pattern captures {{name}} of a result of {tool}")

    def _one_of(self, at: KeyPath, path: JsonPath, names: Set[str], message: str) -> None:
        name = str(path[1]) if len(path) > 1 else ""
        if name not in names:
            self._unknown(at, name, sorted(names), message)

    def _unknown(self, at: KeyPath, name: str, names: Sequence[str], message: str) -> None:
        expected = f"one of {', '.join(names)}" if names else ""
        self._add(at, message.format(name=f"'{name}'"), expected, nearest(name, names), part=name)

    def _add(self, at: KeyPath, message: str, expected: str = "", suggestion: str | None = None, *, part: str) -> None:
        """Add a problem with the text at a place; it is shown where `part` of that text stands."""
        index = self._yaml.index_of(at, part) if self._yaml.has(at) else None
        self.problems.append(self._yaml.problem(at, message, expected=expected, suggestion=suggestion, index=index))


def _texts(value: JsonValue, at: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Every text in a value, and its place."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*at, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*at, number))


def _groups(part: TextPart | None) -> Set[str]:
    """The groups that a condition captures."""
    if part is None or part.matches is None:
        return frozenset()
    return frozenset(re.compile(part.matches).groupindex)


def _anything(rules: Sequence[RulePart]) -> WhenPart:
    """What holds in some rule: choices are used in any of them."""
    conditions: list[WhenPart] = []
    for rule in rules:
        conditions.append(rule.when)
        if rule.rules:
            conditions.append(_anything(rule.rules))
    return WhenPart(any=conditions)
