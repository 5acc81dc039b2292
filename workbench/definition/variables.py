"""`${NAME}` references in agent.yaml: where they may stand, whether they are set, and what should have been one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from workbench.definition.credentials import is_plain_credential, looks_like_credential, url_password
from workbench.definition.places import server_name, servers, takes_references, texts
from workbench.definition.problems import Problem, nearest
from workbench.definition.references import Template
from workbench.definition.yamlfile import YamlFile
from workbench.definition.yamltree import KeyPath

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_BROKEN = re.compile(r"\$\{(?![A-Za-z_][A-Za-z0-9_]*\})")
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAY_STAND = "${NAME} only in url and headers of a server and in container.env"
_CLOSE_NAME = 0.8


def misplaced_references(yaml: YamlFile) -> list[Problem]:
    """References that stand where they would be taken as they are."""
    problems = []
    for path, text in texts(yaml):
        match = _REFERENCE.search(text)
        if match is None or takes_references(path):
            continue
        shell = "; a shell's own variable is written $NAME" if "command" in path else ""
        message = f"{match[0]} cannot stand here, it would be taken as it is"
        index = yaml.index_of(path, match[0])
        problems.append(yaml.problem(path, message, expected=_MAY_STAND + shell, index=index))
    return problems


def check_variables(
    yaml: YamlFile, environment: Mapping[str, str], answered_offline: Collection[str], *, nothing_asked: bool = False
) -> list[Problem]:
    """All problems with references where they may stand, and with credentials in plain text.

    An unset variable of a server in `answered_offline` is a warning only; with `nothing_asked` none is told at all.
    """
    problems = [*_plain_credentials(yaml)]
    for path, text in texts(yaml):
        if takes_references(path):
            problems += _broken(yaml, path, text, environment)
            if not nothing_asked:
                problems += _unset(yaml, path, text, environment, _is_offline(yaml, path, answered_offline))
            problems += _resolved(yaml, path, text, environment)
    return problems


def _is_offline(yaml: YamlFile, path: KeyPath, answered_offline: Collection[str]) -> bool:
    return any(
        server_path == path[:2] and server_name(server) in answered_offline for server_path, server in servers(yaml)
    )


def _broken(yaml: YamlFile, path: KeyPath, text: str, environment: Mapping[str, str]) -> Iterator[Problem]:
    expected = "${NAME}, where NAME is letters, digits and '_'"
    match = _BROKEN.search(text)
    if match is not None:
        yield yaml.problem(path, "this is no whole reference", expected=expected, index=yaml.index_of(path, "${"))
    for match in _BARE.finditer(text):
        if match[1] in environment:
            message = f"${match[1]} is taken as it is, it is no reference"
            index = yaml.index_of(path, match[0])
            yield yaml.problem(path, message, suggestion=f"${{{match[1]}}}", severity="warning", index=index)


def _unset(
    yaml: YamlFile, path: KeyPath, text: str, environment: Mapping[str, str], offline: bool
) -> Iterator[Problem]:
    for name in Template(text).names:
        if environment.get(name):
            continue
        state = "empty" if name in environment else "unset"
        message = f"the environment variable {name} is {state}"
        if offline:
            message += "; it is needed only when the server is not answered offline"
        yield yaml.problem(
            path,
            message,
            expected=f"{name} in the environment of the workbench",
            suggestion=nearest(name, [other for other in environment if environment[other]], cutoff=_CLOSE_NAME),
            severity="warning" if offline else "error",
            index=yaml.index_of(path, f"${{{name}}}"),
        )


def _resolved(yaml: YamlFile, path: KeyPath, text: str, environment: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with a value once its references are filled in; nothing of the value is told."""
    template = Template(text)
    if any(not environment.get(name) for name in template.names):
        return
    for name in template.names:
        if path[0] == "mcp_servers" and _CONTROL.search(environment[name]):
            message = f"the value of {name} holds a line break or a control character"
            index = yaml.index_of(path, f"${{{name}}}")
            yield yaml.problem(path, message, expected="one line, without a line break at its end", index=index)
    if path[-1] == "url" and path[0] == "mcp_servers":
        yield from _url(yaml, path, text, template.resolve(environment))


def _url(yaml: YamlFile, path: KeyPath, text: str, url: str) -> Iterator[Problem]:
    plain = text == url
    found = f"'{text}'"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield yaml.problem(path, "this is no URL", found=found, expected="a URL such as https://api.example.com")
        return
    if parts.scheme.lower() not in ("http", "https") or not host or re.search(r"\s", url):
        better = f"https://{url}" if plain and re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?", url) else None
        expected = "a URL that begins with https:// or http://"
        yield yaml.problem(path, "this is no URL of a web server", found=found, expected=expected, suggestion=better)
    elif parts.fragment:
        yield yaml.problem(path, "a '#' and what follows is never sent", found=found, expected="a URL without '#'")


def _plain_credentials(yaml: YamlFile) -> Iterator[Problem]:
    """Credentials that stand in the file; their values are not told."""
    advice = "put the value into a variable of the environment and refer to it"
    for path, text in texts(yaml):
        if path[:1] != ("mcp_servers",) and path[:2] != ("container", "env"):
            continue
        if not (is_plain_credential(str(path[-1]), text) if "headers" in path else _is_plain(path, text)):
            continue
        message = f"a credential in plain text: {advice}" if takes_references(path) else "a credential in plain text"
        reference = _reference(yaml, path, text) if takes_references(path) and path[-1] != "url" else None
        yield yaml.problem(path, message, suggestion=reference, severity="warning")


def _is_plain(path: KeyPath, text: str) -> bool:
    if path[-1] == "url":
        password = url_password(text)
        return looks_like_credential(text) and (password is None or not Template(password).names)
    return not Template(text).names and looks_like_credential(text)


def _reference(yaml: YamlFile, path: KeyPath, text: str) -> str:
    """The reference that could stand there: `Bearer ${ZENDESK_TOKEN}`."""
    if path[0] == "container":
        return f"${{{path[-1]}}}"
    names = [server_name(server) for server_path, server in servers(yaml) if server_path == path[:2]]
    prefix = re.sub(r"\W+", "_", names[0] or "API").upper() if names else "API"
    scheme = next((word for word in ("Bearer ", "Basic ") if text.lower().startswith(word.lower())), "")
    return f"{scheme}${{{prefix}_TOKEN}}" if not prefix[0].isdigit() else f"{scheme}${{API_{prefix}_TOKEN}}"
