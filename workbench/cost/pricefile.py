"""Reading a price file: YAML in, plain price data out, every mistake with its line and column.

Numbers are taken from their text, so that a price is exactly what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from yaml import Event, Node

_T = TypeVar("_T")

LARGEST_FILE = 1 << 20
"""A price file is small; a bigger one, in bytes, is not read."""


_DEEPEST = 20


class PriceFileError(ValueError):
    """A price file cannot be used; `str` names the file, the line and the column, and what was expected."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens by kind; None where the file gives none for a kind of cache traffic."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None
    cache_write_5m: Decimal | None
    cache_write_1h: Decimal | None


@dataclass(frozen=True, slots=True)
class Tier:
    """The rates of a request whose prompt is longer than `above` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class DatedRates:
    """The rates of a model from a day on; `begin` is None where they are the first. Tiers are sorted, lowest first."""

    begin: date | None
    rates: Rates
    tiers: Sequence[Tier] = ()


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """What is known about a model. `dated` is sorted by day; `context` is its context window in tokens."""

    dated: Sequence[DatedRates]
    aliases: Sequence[str] = ()
    context: int | None = None


@dataclass(frozen=True, slots=True)
class DatedAmount:
    """An amount of USD from a day on."""

    begin: date | None
    usd: Decimal


@dataclass(frozen=True, slots=True)
class PriceFile:
    """The content of a price file; parts that it does not have are empty. `sources` says where prices come from."""

    models: Mapping[str, ModelPrices] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    runtime_per_hour: Sequence[DatedAmount] = ()
    per_1000_searches: Sequence[DatedAmount] = ()


def read_price_file(path: Path) -> PriceFile:
    """The content of the price file at `path`.

    Raises:
        PriceFileError: it cannot be read, is not YAML, or does not have the form that prices.yaml describes.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PriceFileError(f"{path}: too big for a price file (more than {LARGEST_FILE:,} bytes)")
        text = path.read_text("utf-8")
    except OSError as error:
        raise PriceFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PriceFileError(f"{path}: is not text in UTF-8") from error
    return parse_prices(text, str(path))


def parse_prices(text: str, name: str) -> PriceFile:
    """The content of a price file whose text is given; `name` is what errors call it.

    Raises:
        PriceFileError: it is not YAML, or does not have the form that prices.yaml describes.
    """
    import yaml  # 35 ms, and not for --help

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(name, yaml.parse(text, Loader=loader))
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        if "nesting depth" in str(error):  # some builds of the C parser have a limit, and tell it without our words
            _refuse_depth(name, yaml.parse(text, Loader=yaml.SafeLoader))
        raise PriceFileError(f"{name}: {' '.join(str(error).split())}") from None
    return PriceFile() if node is None else _file(_Reader(name, node, name))


def _refuse_depth(name: str, events: Iterable[Event]) -> None:
    """The library's composer crashes the process on deep nesting; its parser, which gives these events, does not."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent")
        depth -= kind.endswith("EndEvent")
        if depth > _DEEPEST:
            mark = event.start_mark
            place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
            raise PriceFileError(f"{name}{place}: nested too deeply")


@dataclass(frozen=True, slots=True)
class _Reader:
    """A node of the file and what it is called in errors."""

    file: str
    node: Node
    what: str

    def is_a(self, kind: str) -> bool:
        """Whether the node is a scalar, a sequence or a mapping, as the YAML library calls them."""
        return getattr(self.node, "id", "") == kind

    def fail(self, message: str) -> PriceFileError:
        mark = self.node.start_mark
        return PriceFileError(f"{self.file}:{mark.line + 1}:{mark.column + 1}: {self.what}: {message}")

    def at(self, node: Node, what: str) -> _Reader:
        return _Reader(self.file, node, what)

    def fields(self, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, _Reader]:
        """The values of a mapping by key, each of which must be known."""
        found = self.mapping()
        for key, value in found.items():
            if key not in known:
                raise value.fail(f"unknown key {key!r}; allowed are {', '.join(known)}")
        for key in required:
            if key not in found:
                raise self.fail(f"{key} is missing")
        return found

    def mapping(self) -> dict[str, _Reader]:
        if not self.is_a("mapping"):
            raise self.fail("expected a mapping of keys to values")
        found: dict[str, _Reader] = {}
        for key, value in self.node.value:
            name = self.at(key, self.what).text()
            if name in found:
                raise self.at(key, name).fail("is here twice")
            found[name] = self.at(value, name)
        return found

    def items(self) -> Sequence[_Reader]:
        if not self.is_a("sequence"):
            raise self.fail("expected a list")
        return [self.at(item, self.what) for item in self.node.value]

    def text(self) -> str:
        if not self.is_a("scalar") or not self.node.value:
            raise self.fail("expected text")
        return str(self.node.value)

    def amount(self) -> Decimal:
        try:
            value = Decimal(self.text())
        except InvalidOperation:
            value = Decimal("NaN")
        if not (value.is_finite() and 0 <= value < 10**9):
            raise self.fail(f"expected an amount in USD, 0 or more, found {self.text()!r}")
        return value

    def count(self) -> int:
        text = self.text()
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise self.fail(f"expected a whole number of tokens, found {text!r}")
        return int(text)

    def day(self) -> date:
        try:
            return date.fromisoformat(self.text())
        except ValueError:
            raise self.fail(f"expected a day such as 2026-10-07, found {self.text()!r}") from None


_RATE_KEYS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


def _file(reader: _Reader) -> PriceFile:
    parts = reader.fields(("sources", "runtime", "web_search", "models"))
    models = parts["models"].mapping() if "models" in parts else {}
    prices = {name: _model(value) for name, value in models.items()}
    _refuse_clashes(reader, prices)
    return PriceFile(
        models=prices,
        sources={name: source.text() for name, source in parts["sources"].mapping().items()}
        if "sources" in parts
        else {},
        runtime_per_hour=_amounts(parts.get("runtime"), "usd_per_hour"),
        per_1000_searches=_amounts(parts.get("web_search"), "usd_per_1000"),
    )


def _refuse_clashes(reader: _Reader, prices: Mapping[str, ModelPrices]) -> None:
    owners = {name: name for name in prices}
    for name, model in prices.items():
        for alias in model.aliases:
            if owners.setdefault(alias, name) != name:
                raise reader.fail(f"{alias} means both {owners[alias]} and {name}")


def _model(reader: _Reader) -> ModelPrices:
    found = reader.fields(("aliases", "context", "prices"), required=("prices",))
    return ModelPrices(
        dated=_dated(found["prices"], _dated_rates, lambda rates: rates.begin),
        aliases=tuple(alias.text() for alias in found["aliases"].items()) if "aliases" in found else (),
        context=found["context"].count() if "context" in found else None,
    )


def _dated(reader: _Reader, read: Callable[[_Reader], _T], begin: Callable[[_T], date | None]) -> Sequence[_T]:
    """The items of a list that are in force from different days on, sorted by them."""
    items = [read(item) for item in reader.items()]
    days = [begin(item) for item in items]
    if not items:
        raise reader.fail("expected at least one price")
    if len(set(days)) < len(days):
        raise reader.fail("two prices begin on the same day")
    return tuple(sorted(items, key=lambda item: begin(item) or date.min))


def _dated_rates(reader: _Reader) -> DatedRates:
    found = reader.fields(("from", "tiers", *_RATE_KEYS), required=("input", "output"))
    tiers = [_tier(item) for item in found["tiers"].items()] if "tiers" in found else []
    begin = found["from"].day() if "from" in found else None
    return DatedRates(begin, _rates(found), tuple(sorted(tiers, key=lambda tier: tier.above)))


def _tier(reader: _Reader) -> Tier:
    found = reader.fields(("above", *_RATE_KEYS), required=("above", "input", "output"))
    return Tier(found["above"].count(), _rates(found))


def _rates(found: Mapping[str, _Reader]) -> Rates:
    amounts = {key: found[key].amount() for key in _RATE_KEYS if key in found}
    return Rates(
        amounts["input"],
        amounts["output"],
        amounts.get("cache_read"),
        amounts.get("cache_write_5m"),
        amounts.get("cache_write_1h"),
    )


def _amounts(reader: _Reader | None, key: str) -> Sequence[DatedAmount]:
    def read(item: _Reader) -> DatedAmount:
        found = item.fields(("from", key), required=(key,))
        return DatedAmount(found["from"].day() if "from" in found else None, found[key].amount())

    return () if reader is None else _dated(reader, read, lambda amount: amount.begin)
