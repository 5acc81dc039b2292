"""What stands where in an agent.yaml that may be wrong elsewhere: its servers, triggers and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench.definition.yamlfile import YamlFile
from workbench.definition.yamltree import KeyPath
from workbench.jsontypes import JsonObject

_DEFAULT_NAMES = ("filesystem", "bash", "web_search")
_REFERENCES = {"url": 1, "headers": 2}


def servers(yaml: YamlFile) -> Iterator[tuple[KeyPath, JsonObject]]:
    """The place and the keys of each declared server."""
    return _mappings(yaml, "mcp_servers")


def triggers(yaml: YamlFile) -> Iterator[tuple[KeyPath, JsonObject]]:
    """The place and the keys of each trigger."""
    return _mappings(yaml, "triggers")


def server_name(server: JsonObject) -> str | None:
    """The name that a server has or gets, None if that cannot be told."""
    kind = server.get("type")
    name = server.get("name", kind if kind in _DEFAULT_NAMES else None)
    return name if isinstance(name, str) else None


def texts(yaml: YamlFile) -> Iterator[tuple[KeyPath, str]]:
    """The place and the content of each text in the file."""
    for path in yaml.tree.values:
        value = yaml.at(path)
        if isinstance(value, str):
            yield path, value


def takes_references(path: KeyPath) -> bool:
    """Whether `${NAME}` may stand in the value at `path`."""
    if path[:1] == ("mcp_servers",) and len(path) > 2:
        return path[2] in _REFERENCES and len(path) == 2 + _REFERENCES[str(path[2])]
    return path[:2] == ("container", "env") and len(path) == 3


def _mappings(yaml: YamlFile, key: str) -> Iterator[tuple[KeyPath, JsonObject]]:
    items = yaml.at((key,))
    if not isinstance(items, list):
        return
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            yield (key, index), item
