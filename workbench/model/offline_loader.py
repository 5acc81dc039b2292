"""Loads an agent's offline.yaml: the script, or everything that is wrong with it, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.definition.problems import DefinitionError, Problem, in_order
from workbench.definition.validation import validate
from workbench.definition.yamlfile import YamlFile, read_yaml
from workbench.definition.yamltree import KeyPath
from workbench.jsontypes import JsonObject
from workbench.model.offline_references import reference_problems
from workbench.model.offline_schema import OfflineFile, RoutePart, RulePart
from workbench.model.offline_script import FILE_NAME, OfflineScript, Route, Rule

MAX_BYTES = 4 << 20
"""The largest offline.yaml, in bytes."""

_HOW_TO = "a scripted model, such as:\n      version: 1\n      rules:\n        - reply: {text: Hello from the script.}"


def load_offline(folder: Path) -> OfflineScript:
    """The script in `folder`.

    Raises:
        DefinitionError: there is none, or something is wrong with it; holds all problems at once.
    """
    path = folder.absolute() / FILE_NAME
    if not path.exists():
        message = f"the agent has no {FILE_NAME}, so nobody answers without a key or an endpoint"
        raise DefinitionError([Problem(path, 1, 1, "", "", _HOW_TO, None, message)])
    yaml = read_yaml(path, MAX_BYTES)
    file, problems = validate(OfflineFile, yaml)
    if file is not None:
        problems = [*reference_problems(file, yaml), *_missing_files(file, yaml)]
    if file is None or any(problem.severity == "error" for problem in problems):
        raise DefinitionError(in_order(problems))
    return OfflineScript(
        folder=path.parent,
        path=path,
        rules=_rules(file.rules, ("rules",), yaml),
        pace=file.pace,
        values=file.values,
        choices=file.choices,
        routes={name: _routes(name, routes, yaml) for name, routes in file.http.items()},
    )


def offline_schema() -> JsonObject:
    """The JSON Schema of offline.yaml, for editors."""
    schema: JsonObject = OfflineFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE_NAME}


def _rules(parts: Sequence[RulePart], at: KeyPath, yaml: YamlFile) -> Sequence[Rule]:
    return [_rule(part, (*at, number), number, yaml) for number, part in enumerate(parts)]


def _rule(part: RulePart, at: KeyPath, number: int, yaml: YamlFile) -> Rule:
    return Rule(
        name=part.name or f"{'group' if part.rules else 'rule'} {number + 1}",
        line=yaml.position(at).line,
        key=".".join(map(str, at)),
        when=part.when,
        reply=part.reply,
        errors=part.error,
        rules=_rules(part.rules, (*at, "rules"), yaml),
    )


def _routes(server: str, parts: Sequence[RoutePart], yaml: YamlFile) -> Sequence[Route]:
    return [Route(yaml.position(("http", server, at)).line, part) for at, part in enumerate(parts)]


def _missing_files(file: OfflineFile, yaml: YamlFile) -> list[Problem]:
    """Files of answers that are not there, as far as their names hold no parameters."""
    problems = []
    root = yaml.path.parent.resolve()
    for server, routes in file.http.items():
        for at, route in enumerate(routes):
            where: KeyPath = ("http", server, at, "file")
            if route.file is None or "{" in route.file:
                continue
            target = (root / route.file).resolve()
            if not target.is_relative_to(root):
                problems.append(yaml.problem(where, "the file lies outside the agent's folder", expected="one inside"))
            elif not target.is_file():
                problems.append(yaml.problem(where, "there is no such file", expected="a file of the agent's folder"))
    return problems
