"""The REST tool stays where it was declared."""

from __future__ import annotations

from urllib.parse import unquote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tools.http_policy import Confinement, RefusedError

API = Confinement(httpx2.URL("https://api.example.com:8443/v2/"), frozenset({"authorization"}))
ROOT = Confinement(httpx2.URL("https://api.example.com"))
KEYED = Confinement(httpx2.URL("https://user:pass@api.example.com/v2?key=s3cret"))

PIECES = st.sampled_from(
    [
        *("/", "..", ".", "%2e", "%2E%2e", "%252e", "%2f", "%5c", "\\", "@", "evil.com", ":", "//", ";", "..;", "%00"),
        *("\n", "#", "?", "%", "a", "é", "\u2024", "\uff0e", " ", "http:", "v2", "\t", "\ud800"),
    ]
)
PATHS = st.lists(PIECES, max_size=8).map("".join)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tickets/42", "https://api.example.com:8443/v2/tickets/42"),
        ("/", "https://api.example.com:8443/v2/"),
        ("/a b/ü", "https://api.example.com:8443/v2/a%20b/%C3%BC"),
        ("/projects/group%2Fname", "https://api.example.com:8443/v2/projects/group%2Fname"),
        ("/a.b/...", "https://api.example.com:8443/v2/a.b/..."),
        ("/a;v=1/@me:x", "https://api.example.com:8443/v2/a;v=1/@me:x"),
        ("/v2/x", "https://api.example.com:8443/v2/v2/x"),
    ],
)
def test_paths_are_relative_to_the_base(path: str, expected: str) -> None:
    assert str(API.url(path)) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tickets",
        "//evil.com/x",
        "https://evil.com",
        "@evil.com",
        "/..",
        "/../v1",
        "/a/../../v1",
        "/./x",
        "/%2e%2e/v1",
        "/%2E./v1",
        "/%252e%252e/v1",
        "/%25252e%25252e/v1",
        "/..%2fv1",
        "/..;/v1",
        "/a\\..\\b",
        "/%5c..%5cb",
        "/x%00",
        "/x\r\nHost: evil.com",
        "/x%0d%0a",
        "/x?admin=1",
        "/x#y",
        "/100%",
        "/\uff0e\uff0e/v1",
        "/\u2024\u2024/v1",
    ],
)
def test_tricks_are_refused(path: str) -> None:
    for confinement in (API, ROOT):
        with pytest.raises(RefusedError):
            confinement.url(path)


@given(PATHS)
def test_no_path_leaves_origin_and_base(path: str) -> None:
    try:
        url = API.url("/" + path)
    except RefusedError:
        return
    assert (url.scheme, url.host, url.port, url.userinfo) == ("https", "api.example.com", 8443, b"")
    raw = url.raw_path.decode("ascii")
    assert raw.startswith("/v2/")
    decoded = raw
    for _ in range(5):
        decoded = unquote(decoded)
        assert not {".", ".."} & {
            segment.partition(";")[0].strip() for segment in decoded.replace("\\", "/").split("/")
        }


@given(PATHS | st.text(max_size=30))
def test_no_redirect_leaves_origin_and_base(location: str) -> None:
    try:
        url = API.redirect(API.url("/tickets/42"), location)
    except RefusedError:
        return
    assert (url.scheme, url.host, url.port, url.userinfo) == ("https", "api.example.com", 8443, b"")
    assert url.raw_path.decode("ascii").partition("?")[0].startswith("/v2")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/other?x=1", "https://api.example.com:8443/v2/other?x=1"),
        ("43", "https://api.example.com:8443/v2/tickets/43"),
        ("https://api.example.com:8443/v2/z#top", "https://api.example.com:8443/v2/z"),
    ],
)
def test_redirects_within_are_resolved(location: str, expected: str) -> None:
    assert str(API.redirect(API.url("/tickets/42"), location)) == expected


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://evil.com/v2/x", "another origin"),
        ("//evil.com/v2", "another origin"),
        ("http://api.example.com:8443/v2/x", "another origin"),
        ("https://api.example.com/v2/x", "another origin"),
        ("https://u:p@api.example.com:8443/v2/x", "user information"),
        ("/v1/x", "would leave"),
        ("/v2/%2e%2e/admin", "escaped or not"),
        ("https://api.example.com:port/v2", "not a URL"),
    ],
)
def test_redirects_elsewhere_are_refused(location: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        API.redirect(API.url("/tickets/42"), location)


def test_query_values_are_encoded() -> None:
    url = API.url("/x", {"q": "a b&c=d#/../", "n": 1.5, "on": True, "ids": [1, "2"], "none": None})
    assert str(url).partition("?")[2] == "q=a%20b%26c%3Dd%23%2F..%2F&n=1.5&on=true&ids=1&ids=2"


def test_a_declared_query_stays_and_cannot_be_replaced() -> None:
    assert KEYED.url("/x", {"q": "1"}).raw_path == b"/v2/x?key=s3cret&q=1"
    with pytest.raises(RefusedError, match="key is set by the agent's definition") as caught:
        KEYED.url("/x", {"key": "mine"})
    assert "s3cret" not in str(caught.value)


def test_objects_are_no_query_values() -> None:
    with pytest.raises(RefusedError, match="query parameter q must be"):
        API.url("/x", {"q": {"a": 1}})


def test_user_information_of_the_definition_stays() -> None:
    assert KEYED.url("/x").userinfo == b"user:pass"
    assert KEYED.redirect(KEYED.url("/x"), "/v2/y").userinfo == b"user:pass"


def test_harmless_headers_only() -> None:
    assert API.headers({"Accept": "text/csv", "If-Match": '"1"'}) == {"accept": "text/csv", "if-match": '"1"'}
    for name in ("Authorization", "authorization"):
        with pytest.raises(RefusedError, match="set by the agent's definition"):
            API.headers({name: "x"})
    for name in ("Host", "Cookie", "X-Forwarded-For", "Content-Length", "Transfer-Encoding", "Proxy-Authorization", ""):
        with pytest.raises(RefusedError, match="cannot be set; allowed are accept,"):
            API.headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nHost: b", "a\0", "ü", 7, None, "x" * 2000])
def test_header_values_are_plain(value: str | int | None) -> None:
    with pytest.raises(RefusedError, match="printable ASCII"):
        API.headers({"Accept": value})
