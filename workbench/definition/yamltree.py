"""From YAML's events to plain values and the place of each: a tree with limits, where nothing is silently converted.

Plain scalars follow the core schema of YAML 1.2, which is JSON's: only `true` and `false` are booleans, numbers are
decimal (or `0x`, `0o`), dates and `yes`, `no`, `on`, `off`, `12:30`, `1_000`, `0755` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from workbench.definition.yamlsyntax import alias_fault, tag_fault
from workbench.jsontypes import JsonValue

KeyPath = tuple[str | int, ...]
"""The way from the root to a value: keys of mappings and indexes of lists."""

MAX_NODES = 100_000
"""The most values that a file may stand for once its aliases are expanded."""

MAX_DEPTH = 64
"""The most lists and mappings inside each other."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset({"!"} | {_TAG + name for name in ("str", "int", "float", "bool", "null", "seq", "map")})
_MAX_DIGITS = 1000


class YamlFloat(float):
    """A number with a fraction or an exponent, and the `text` that it was written as, for exact decimals."""

    text: str

    def __new__(cls, text: str) -> YamlFloat:
        """The number that `text` writes."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[type[YamlFloat], tuple[str]]:
        return YamlFloat, (self.text,)


class TreeError(Exception):
    """The events cannot become a tree. `start` is the character at which it fails."""

    def __init__(self, start: int, message: str, expected: str = "") -> None:
        super().__init__(message)
        self.start = start
        self.message = message
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Span:
    """The characters of a file that a key or value stands on: from `start` up to but not including `end`."""

    start: int
    end: int


@dataclass(slots=True)
class Tree:
    """The plain value of a document, and where each key and value stands."""

    value: JsonValue = None
    values: dict[KeyPath, Span] = field(default_factory=dict)
    keys: dict[KeyPath, Span] = field(default_factory=dict)
    faults: list[TreeError] = field(default_factory=list)


@dataclass(slots=True)
class _Scalar:
    span: Span
    value: JsonValue
    text: str
    plain: bool


@dataclass(slots=True)
class _List:
    span: Span
    items: list[_Node] = field(default_factory=list)


@dataclass(slots=True)
class _Mapping:
    span: Span
    entries: dict[str, tuple[Span, _Node]] = field(default_factory=dict)


_Node = _Scalar | _List | _Mapping


def build(events: Iterator[Event]) -> Tree | None:
    """The tree of the one document that `events` hold, None if they hold none.

    Faults that leave the rest readable, such as a duplicate key, are collected in the tree.

    Raises:
        TreeError: a limit is passed, an alias cannot be followed, or there is a second document.
        yaml.YAMLError: the text is not YAML.
    """
    composer = _Composer(events)
    root = composer.document()
    if root is None:
        return None
    tree = Tree(faults=composer.faults)
    tree.value = _Expansion(tree).expand(root, (), 0)
    return tree


class _Composer:
    """Makes nodes of events. Nodes are shared between an anchor and its aliases."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}
        self._open: set[str] = set()
        self._count = 0
        self.faults: list[TreeError] = []

    def document(self) -> _Node | None:
        """The root node of the only document."""
        root = None
        for event in self._events:
            if not isinstance(event, DocumentStartEvent):
                continue
            if root is not None:
                raise TreeError(_span(event).start, "a second document begins here", "one document in the file")
            root = self._node(next(self._events), 0)
        return root

    def _node(self, event: Event, depth: int) -> _Node:
        self._count += 1
        if self._count > MAX_NODES:
            raise _too_many(_span(event).start)
        if depth > MAX_DEPTH:
            raise too_deep(_span(event).start)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if not isinstance(event, NodeEvent) or not event.anchor:
            return self._content(event, depth)
        self._anchors.pop(event.anchor, None)
        self._open.add(event.anchor)
        node = self._content(event, depth)
        self._open.discard(event.anchor)
        self._anchors[event.anchor] = node
        return node

    def _alias(self, event: AliasEvent) -> _Node:
        start = _span(event).start
        if event.anchor in self._open:
            raise TreeError(start, "this alias stands inside of what it stands for", "a value that ends")
        node = self._anchors.get(event.anchor or "")
        if node is None:
            fault = alias_fault(start)
            raise TreeError(fault.start, fault.message, fault.expected)
        return node

    def _content(self, event: Event, depth: int) -> _Node:
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        self._check_tag(event)
        if isinstance(event, SequenceStartEvent):
            return self._list(event, depth)
        return self._mapping(event, depth)

    def _list(self, event: Event, depth: int) -> _List:
        node = _List(_span(event))
        for item in self._events:
            if isinstance(item, SequenceEndEvent):
                node.span = Span(node.span.start, _span(item).end)
                break
            node.items.append(self._node(item, depth + 1))
        return node

    def _mapping(self, event: Event, depth: int) -> _Mapping:
        node = _Mapping(_span(event))
        for item in self._events:
            if isinstance(item, MappingEndEvent):
                node.span = Span(node.span.start, _span(item).end)
                break
            name, span = self._key(item, depth)
            value = self._node(next(self._events), depth + 1)
            if name in node.entries:
                self._fault(span, "this key stands twice in one mapping", "each key once in a mapping")
            else:
                node.entries[name] = (span, value)
        return node

    def _key(self, event: Event, depth: int) -> tuple[str, Span]:
        span = _span(event)
        key = self._node(event, depth + 1)
        if not isinstance(key, _Scalar):
            kind = "a list" if isinstance(key, _List) else "a mapping"
            self._fault(span, f"{kind} cannot be a key", "text; a value that begins with '{' or '[' needs quotes")
            return f"({kind})", span
        if not isinstance(key.value, str):
            self._fault(span, f"{_kind(key.value)} cannot be a key", "text, in quotes where YAML reads it otherwise")
        elif key.value == "<<" and key.plain:
            self._fault(span, "merge keys ('<<') are not supported", "the keys themselves")
        return key.text, span

    def _scalar(self, event: ScalarEvent) -> _Scalar:
        self._check_tag(event)
        span, plain = _span(event), not event.style
        if _SURROGATE.search(event.value):
            self._fault(span, "an escape is half a character", "the character itself, or an escape such as \\U0001F600")
        if event.tag == _TAG + "str" or event.tag == "!" or (event.tag is None and not plain):
            return _Scalar(span, event.value, event.value, plain)
        return _Scalar(span, self._resolve(event.value, span), event.value, plain)

    def _check_tag(self, event: Event) -> None:
        tag = getattr(event, "tag", None)
        if tag and tag not in _TAGS:
            fault = tag_fault(_span(event).start)
            self.faults.append(TreeError(fault.start, fault.message, fault.expected))

    def _resolve(self, text: str, span: Span) -> JsonValue:
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        if _INT.fullmatch(text) or _FLOAT.fullmatch(text):
            return self._number(text, span)
        return text

    def _number(self, text: str, span: Span) -> int | YamlFloat:
        if len(text) <= _MAX_DIGITS:
            if _INT.fullmatch(text):
                return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
            number = YamlFloat(text)
            if isfinite(number):
                return number
        self._fault(span, "the number is too large", "a number that fits in 64 bits")
        return 0

    def _fault(self, span: Span, message: str, expected: str) -> None:
        self.faults.append(TreeError(span.start, message, expected))


class _Expansion:
    """Follows aliases to plain values, and notes where each stands."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._count = 0

    def expand(self, node: _Node, path: KeyPath, depth: int) -> JsonValue:
        """The plain value of a node at `path`."""
        self._count += 1
        if self._count > MAX_NODES:
            raise _too_many(node.span.start)
        if depth > MAX_DEPTH:
            raise too_deep(node.span.start)
        self._tree.values[path] = node.span
        if isinstance(node, _Scalar):
            return node.value
        if isinstance(node, _List):
            return [self.expand(item, (*path, index), depth + 1) for index, item in enumerate(node.items)]
        return self._mapping(node.entries, path, depth)

    def _mapping(self, entries: Mapping[str, tuple[Span, _Node]], path: KeyPath, depth: int) -> JsonValue:
        value: dict[str, JsonValue] = {}
        for name, (span, item) in entries.items():
            self._tree.keys[(*path, name)] = span
            value[name] = self.expand(item, (*path, name), depth + 1)
        return value


def _span(event: Event) -> Span:
    if event.start_mark is None or event.end_mark is None:
        raise TypeError("an event of the parser has no place")
    return Span(event.start_mark.index, event.end_mark.index)


def _kind(value: JsonValue) -> str:
    if value is None:
        return "an empty value"
    return "true or false" if isinstance(value, bool) else "a number"


def _too_many(start: int) -> TreeError:
    return TreeError(
        start, f"more than {MAX_NODES:,} values, aliases expanded", f"at most {MAX_NODES:,} values in the file"
    )


def too_deep(start: int) -> TreeError:
    """The fault of a value that is nested too deeply."""
    return TreeError(start, f"more than {MAX_DEPTH} lists and mappings inside each other", f"at most {MAX_DEPTH}")
