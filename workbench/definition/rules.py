"""What the keys of agent.yaml demand of each other, and what is allowed but probably not meant.

Each rule looks at the plain values, so that it speaks up also when something else in the file is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from workbench.definition.model_names import meant_model
from workbench.definition.places import server_name, servers, triggers
from workbench.definition.problems import Problem
from workbench.definition.schedules import ScheduleError, check_schedule, is_local_only
from workbench.definition.yamlfile import YamlFile
from workbench.definition.yamltree import KeyPath

Rule = Callable[[YamlFile], Iterator[Problem]]


def check_rules(yaml: YamlFile) -> list[Problem]:
    """All problems with how the keys of the file fit together."""
    return [problem for rule in _RULES for problem in rule(yaml)]


def _unique_server_names(yaml: YamlFile) -> Iterator[Problem]:
    first: dict[str, KeyPath] = {}
    for path, server in servers(yaml):
        name = server_name(server)
        if name is None:
            continue
        if name in first:
            line = yaml.position(first[name]).line
            at: KeyPath = (*path, "name") if "name" in server else path
            message = f"another server, in line {line}, is called '{name}' too"
            yield yaml.problem(at, message, expected="a name of its own for each server, with the key name")
        first.setdefault(name, path)


def _url_or_command(yaml: YamlFile) -> Iterator[Problem]:
    for path, server in servers(yaml):
        if server.get("type") != "mcp":
            continue
        given = {key for key in ("url", "command") if server.get(key) is not None}
        if not given:
            expected = "url (streamable HTTP) or command (stdio, in the sandbox)"
            yield yaml.problem(path, "an MCP server needs url or command", expected=expected)
        elif len(given) == 2:
            message = "an MCP server cannot have both url and command"
            yield yaml.problem((*path, "command"), message, expected="one of url and command", of="key")
        for key, needed in (("headers", "url"), ("env", "command")):
            if key in server and given == {"url", "command"} - {needed}:
                message = f"{key} needs {needed}"
                yield yaml.problem((*path, key), message, expected=f"{key} only together with {needed}", of="key")


def _one_list_of_domains(yaml: YamlFile) -> Iterator[Problem]:
    for path, server in servers(yaml):
        if server.get("allowed_domains") and server.get("blocked_domains"):
            message = "allowed_domains and blocked_domains cannot both be given"
            yield yaml.problem((*path, "blocked_domains"), message, expected="one of the two lists", of="key")


def _image_or_dockerfile(yaml: YamlFile) -> Iterator[Problem]:
    container = yaml.at(("container",))
    if isinstance(container, Mapping) and container.get("image") and container.get("dockerfile"):
        message = "image and dockerfile cannot both be given"
        yield yaml.problem(("container", "dockerfile"), message, expected="one of the two", of="key")


def _thinking_budget(yaml: YamlFile) -> Iterator[Problem]:
    path: KeyPath = ("model", "thinking", "budget_tokens")
    budget, most = yaml.at(path), yaml.at(("model", "max_tokens"))
    if budget is None:
        return
    if yaml.at(("model", "thinking", "type")) != "enabled":
        yield yaml.problem(path, "budget_tokens needs type: enabled", expected="type: enabled", of="key")
    if isinstance(budget, int) and isinstance(most, int) and budget >= most:
        message = f"budget_tokens is not below max_tokens, which is {most:,}"
        yield yaml.problem(path, message, expected=f"at most {most - 1:,}")


def _unique_webhook_paths(yaml: YamlFile) -> Iterator[Problem]:
    first: dict[str, KeyPath] = {}
    for path, trigger in triggers(yaml):
        webhook = trigger.get("path")
        if not isinstance(webhook, str):
            continue
        if webhook in first:
            message = f"another webhook, in line {yaml.position(first[webhook]).line}, has this path too"
            yield yaml.problem((*path, "path"), message, expected="a path of its own for each webhook")
        first.setdefault(webhook, path)


def _unique_headers(yaml: YamlFile) -> Iterator[Problem]:
    for path, server in servers(yaml):
        headers = server.get("headers")
        first: dict[str, str] = {}
        for name in headers if isinstance(headers, Mapping) else ():
            if name.lower() in first:
                message = f"the header '{first[name.lower()]}' is given already, case does not count"
                yield yaml.problem((*path, "headers", name), message, expected="each header once", of="key")
            first.setdefault(name.lower(), name)


def _writable_source(yaml: YamlFile) -> Iterator[Problem]:
    for path, server in servers(yaml):
        folder = server.get("path")
        if not isinstance(folder, str) or not f"{folder}/".startswith("/source/"):
            continue
        if yaml.at(("source",)) is None:
            message = "nothing is mounted at /source: the agent has no source"
            yield yaml.problem((*path, "path"), message, expected="source: with a folder", severity="warning")
        permissions = server.get("permissions", ["write"])
        if isinstance(permissions, list) and "write" in permissions:
            message = "/source is read-only, write and edit will fail there"
            yield yaml.problem((*path, "path"), message, expected="permissions: [read]", severity="warning")


def _allowed_and_denied(yaml: YamlFile) -> Iterator[Problem]:
    denied, allowed = yaml.at(("network", "deny")), yaml.at(("network", "allow"))
    if not isinstance(denied, list) or not isinstance(allowed, list):
        return
    for index, host in enumerate(allowed):
        if host in denied:
            message = "this host is allowed and denied, deny wins"
            yield yaml.problem(("network", "allow", index), message, severity="warning")


def _hosted_schedule(yaml: YamlFile) -> Iterator[Problem]:
    for path, trigger in triggers(yaml):
        schedule = trigger.get("schedule")
        if not isinstance(schedule, str) or not is_local_only(schedule):
            continue
        try:
            check_schedule(schedule)
        except ScheduleError:
            continue
        message = "this schedule works here, but not on the hosted service, whose cron has no L, W, # or ?"
        yield yaml.problem((*path, "schedule"), message, severity="warning")


def _meant_model(yaml: YamlFile) -> Iterator[Problem]:
    path: KeyPath = ("model",) if isinstance(yaml.at(("model",)), str) else ("model", "id")
    model = yaml.at(path)
    meant = meant_model(model) if isinstance(model, str) else None
    if meant is not None:
        message = f"the vendor has no model '{model}'"
        yield yaml.problem(path, message, suggestion=meant, severity="warning")


_RULES: tuple[Rule, ...] = (
    _unique_server_names,
    _url_or_command,
    _one_list_of_domains,
    _image_or_dockerfile,
    _thinking_budget,
    _unique_webhook_paths,
    _unique_headers,
    _writable_source,
    _allowed_and_denied,
    _hosted_schedule,
    _meant_model,
)
