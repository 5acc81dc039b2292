"""The names that templates of offline.yaml can use, and what they stand for in one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workbench.jsontypes import JsonValue
from workbench.model.offline_facts import RequestFacts, ResultFact, TextFact
from workbench.model.offline_matching import text_mismatch
from workbench.model.offline_paths import JsonPath, MissingValueError, walk
from workbench.model.offline_schema import ChoicePart
from workbench.model.offline_templates import render, render_text

NAMES = ("input", "system", "said", "result", "results", "step", "model", "values", "choice", "item", "index")
"""What a path of a template can begin with."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for. Conditions that hold give a new scope with what their patterns captured.

    `extra` are names of one place, such as `item` inside `for_each`.
    """

    facts: RequestFacts
    values: Mapping[str, JsonValue]
    choices: Mapping[str, ChoicePart]
    texts: Mapping[str, TextFact]
    chosen: Mapping[str, ResultFact] = field(default_factory=dict)
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    open_choices: tuple[str, ...] = ()

    def lookup(self, path: JsonPath) -> JsonValue:
        """The value at a path.

        Raises:
            MissingValueError: there is none; says what there is instead.
        """
        head, rest = str(path[0]), path[1:]
        if head in self.texts:
            return self.texts[head].at(rest)
        if head in ("result", "results"):
            return self._result(head, rest)
        if head == "choice":
            return self._choice(rest)
        plain = {"step": self.facts.step, "model": self.facts.model, "values": self.values, **self.extra}
        if head not in plain:
            raise MissingValueError(f"there is no '{head}' here (there is {', '.join(self._known())})")
        return walk(plain[head], rest, head)

    def with_extra(self, **names: JsonValue) -> Scope:
        """The scope with more names."""
        return replace(self, extra={**self.extra, **names})

    def capturing(self, name: str, groups: Mapping[str, JsonValue]) -> Scope:
        """The scope with groups captured of `input`, `system` or `said`."""
        if not groups:
            return self
        return replace(self, texts={**self.texts, name: self.texts[name].capturing(groups)})

    def choosing(self, result: ResultFact) -> Scope:
        """The scope in which `result` is the result of its tool."""
        return replace(self, chosen={**self.chosen, result.tool: result})

    def _result(self, head: str, rest: JsonPath) -> JsonValue:
        if not rest:
            raise MissingValueError(f"{head} needs a tool's name, such as {head}.read")
        tool = str(rest[0])
        there = self.facts.results_of(tool)
        if not there:
            others = ", ".join(dict.fromkeys(result.tool for result in self.facts.results)) or "none"
            raise MissingValueError(f"there is no result of '{tool}' yet (there are results of: {others})")
        if head == "result":
            return self.chosen.get(tool, there[-1]).at(rest[1:])
        index = rest[1] if len(rest) > 1 else None
        if not isinstance(index, int) or not -len(there) <= index < len(there):
            raise MissingValueError(f"results.{tool} holds {len(there)}: name one, such as results.{tool}[0].text")
        return there[index].at(rest[2:])

    def _choice(self, rest: JsonPath) -> JsonValue:
        name = str(rest[0]) if rest else ""
        choice = self.choices.get(name)
        if choice is None:
            raise MissingValueError(f"there is no choice '{name}' (there is {', '.join(self.choices) or 'none'})")
        if name in self.open_choices:
            raise MissingValueError(f"choice.{name} is chosen by itself")
        inner = replace(self, open_choices=(*self.open_choices, name))
        text = render_text(choice.of, inner.lookup)
        for case in choice.cases:
            groups: dict[str, JsonValue] = {}
            if text_mismatch(case.when, text, "it", groups) is None:
                return walk(render(case.value, inner.with_extra(match=groups).lookup), rest[1:], f"choice.{name}")
        if "otherwise" not in choice.model_fields_set:
            raise MissingValueError(f"no case of choice.{name} fits, and it has no otherwise")
        return walk(render(choice.otherwise, inner.lookup), rest[1:], f"choice.{name}")

    def _known(self) -> list[str]:
        return [name for name in NAMES if name not in ("item", "index")] + list(self.extra)


def scope_of(facts: RequestFacts, values: Mapping[str, JsonValue], choices: Mapping[str, ChoicePart]) -> Scope:
    """The scope of a request before any condition was looked at."""
    return Scope(facts, values, choices, {"input": facts.input, "system": facts.system, "said": facts.said})
