"""Where the REST tool may go: its own origin, below its base path, and nowhere that a trick of spelling leads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

import httpx2

from workbench.jsontypes import JsonObject, JsonValue

MAX_URL = 8 * 1024
"""Bytes of a request's path and query."""
SAFE_HEADERS = frozenset(
    {
        "accept",
        "accept-language",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "prefer",
        "range",
    }
)
"""Request headers that the model may set: none names who asks or where the request goes."""

_PATH_SAFE = "/:@!$&'()*+,;=-._~%"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DECODINGS = 4
"""Times that a path is decoded to look for what it hides."""


class RefusedError(Exception):
    """A request or a redirect leaves what the agent declared; `str` is for the model and for a person."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """The origin and base path that a REST server was declared with, and the names of its secret headers.

    `query` are the parameters of the declared URL, which every request carries.
    """

    base: httpx2.URL
    fixed_headers: frozenset[str] = frozenset()

    @property
    def prefix(self) -> str:
        """The base path as it is sent, without a slash at its end."""
        return self.base.raw_path.decode("ascii").partition("?")[0].rstrip("/")

    def url(self, path: str, query: JsonObject | None = None) -> httpx2.URL:
        """The URL of `path`, which is relative to the base path, with `query`.

        Raises:
            RefusedError: the path or the query is not one that stays below the base.
        """
        _check_path(path)
        pairs = [*self._fixed_query(), *self._query(query or {})]
        raw = self.prefix + quote(path, safe=_PATH_SAFE, errors="replace")
        if pairs:
            raw += "?" + urlencode(pairs, quote_via=quote, errors="replace")
        if len(raw) > MAX_URL:
            raise RefusedError(f"path and query together are longer than {MAX_URL} bytes")
        return self._confined(self.base.copy_with(raw_path=raw.encode("ascii"), fragment=None))

    def redirect(self, asked: httpx2.URL, location: str) -> httpx2.URL:
        """The URL that a redirect from `asked` to `location` leads to.

        Raises:
            RefusedError: it leads elsewhere.
        """
        shown = location.partition("?")[0][:200]
        try:
            target = asked.join(location).copy_with(fragment=None)
            path = target.raw_path.decode("ascii").partition("?")[0]
        except (httpx2.InvalidURL, ValueError):
            raise RefusedError(f"the server redirects to {shown!r}, which is not a URL") from None
        if self._origin(target) != self._origin(self.base):
            raise RefusedError(f"the server redirects to another origin, {shown!r}, which is not followed")
        if target.userinfo and target.userinfo != self.base.userinfo:
            raise RefusedError("the server redirects to a URL with user information, which is not followed")
        _check_path(path)
        return self._confined(target.copy_with(userinfo=self.base.userinfo))

    def headers(self, wanted: Mapping[str, JsonValue]) -> dict[str, str]:
        """The headers that the model wants to send, names in lower case.

        Raises:
            RefusedError: a header is not harmless, is set by the agent's definition, or cannot be sent.
        """
        headers = {}
        for name, value in wanted.items():
            key = name.lower()
            if key in self.fixed_headers:
                raise RefusedError(f"header {name} is set by the agent's definition and cannot be changed")
            if key not in SAFE_HEADERS:
                raise RefusedError(f"header {name[:80]!r} cannot be set; allowed are {', '.join(sorted(SAFE_HEADERS))}")
            if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > 1024:
                raise RefusedError(f"header {name} must be at most 1024 printable ASCII characters")
            headers[key] = value
        return headers

    def _confined(self, url: httpx2.URL) -> httpx2.URL:
        """`url` if it is where it must be, whatever the steps before believed."""
        path = url.raw_path.decode("ascii").partition("?")[0]
        inside = path == self.prefix or path.startswith(self.prefix + "/")
        if self._origin(url) != self._origin(self.base) or not inside or url.userinfo != self.base.userinfo:
            raise RefusedError(f"the request would leave {self.base.host}{self.prefix or '/'}")
        return url

    def _fixed_query(self) -> Sequence[tuple[str, str]]:
        return parse_qsl(self.base.query.decode("ascii"), keep_blank_values=True)

    def _query(self, query: JsonObject) -> Sequence[tuple[str, str]]:
        fixed = {name for name, _ in self._fixed_query()}
        pairs: list[tuple[str, str]] = []
        for name, value in query.items():
            if name in fixed:
                raise RefusedError(f"query parameter {name} is set by the agent's definition and cannot be changed")
            values = value if isinstance(value, list | tuple) else [value]
            pairs.extend((name, _query_text(name, item)) for item in values if item is not None)
        return pairs

    @staticmethod
    def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
        return url.scheme, url.host, url.port


def _query_text(name: str, value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise RefusedError(f"query parameter {name} must be text, a number, a boolean or a list of these")


def _check_path(path: str) -> None:
    """Refuse what could mean another place to any server, proxy or framework on the way.

    Raises:
        RefusedError: the path does, or it is no path.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise RefusedError("path must start with one slash, such as /tickets/42; the host cannot be chosen")
    if "?" in path or "#" in path:
        raise RefusedError("path may not hold '?' or '#'; give parameters as query")
    if _BAD_ESCAPE.search(path):
        raise RefusedError("path holds a '%' that is no escape; write %25 for a percent sign")
    seen = path
    for _ in range(_DECODINGS):
        _check_decoded(seen)
        decoded = unquote_to_bytes(seen.encode("utf-8", "replace")).decode("utf-8", "replace")
        if decoded == seen:
            return
        seen = decoded
    raise RefusedError("path is escaped too often")


def _check_decoded(path: str) -> None:
    if "\\" in path or _CONTROL.search(path):
        raise RefusedError("path may not hold backslashes or control characters, escaped or not")
    for segment in unicodedata.normalize("NFKC", path).replace("\\", "/").split("/"):
        name = segment.partition(";")[0].strip()  # servers drop ';...' from a segment before they resolve dots
        if name in (".", ".."):
            raise RefusedError("path may not hold '.' or '..' segments, escaped or not")
