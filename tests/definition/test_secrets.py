from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.definition.encodings import SHORTEST, forms
from workbench.definition.loader import load_agent
from workbench.definition.secrets import Redactor, secrets_of
from workbench.jsontypes import JsonValue

WriteAgent = Callable[[str], Path]

TOKEN = "tök/en+wi&th \"odd\" 'chars'=="
REDACTOR = Redactor({"TOKEN": TOKEN})
SHOWN = "[secret TOKEN]"


def lower_hex(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), text)


ENCODED = {
    "plain": TOKEN,
    "quote": quote(TOKEN, safe=""),
    "quote with slashes": quote(TOKEN),
    "quote in lower case": lower_hex(quote(TOKEN, safe="")),
    "quote_plus": quote_plus(TOKEN),
    "quote_plus in lower case": lower_hex(quote_plus(TOKEN)),
    "encodeURIComponent": quote(TOKEN, safe="!'()*"),
    "json": json.dumps(TOKEN)[1:-1],
    "json in utf-8": json.dumps(TOKEN, ensure_ascii=False)[1:-1],
    "json with escaped slashes": json.dumps(TOKEN)[1:-1].replace("/", "\\/"),
    "json in json": json.dumps(json.dumps(TOKEN))[3:-3],
    "html": html.escape(TOKEN),
    "html without quotes": html.escape(TOKEN, quote=False),
    "html with numbers": html.escape(TOKEN).replace("&#x27;", "&#39;"),
    "shell": shlex.quote(TOKEN)[1:-1],
    "shell with backslashes": re.sub(r"([^A-Za-z0-9_@%+=:,./-])", r"\\\1", TOKEN),
    "hex": TOKEN.encode().hex(),
    "hex in upper case": TOKEN.encode().hex().upper(),
    "python": repr(TOKEN)[1:-1],
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_secret_is_found_in_every_encoding(encoding: str) -> None:
    assert REDACTOR.text(f"before {ENCODED[encoding]} after") == f"before {SHOWN} after"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u:", "u", "user:", "ab:cd"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("padded", [True, False])
def test_a_secret_is_found_in_base64_wherever_it_stands(
    encode: Callable[[bytes], bytes], before: str, after: str, padded: bool
) -> None:
    encoded = encode((before + TOKEN + after).encode()).decode()
    shown = REDACTOR.text(f"Basic {encoded if padded else encoded.rstrip('=')} end")
    assert SHOWN in shown
    # what is left are at most the characters around it, with a few bits of it
    assert len(shown.replace(SHOWN, "")) <= len("Basic  end") + 4 * (len(before) + len(after)) // 3 + 6


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\\n", "\\r\\n"])
@pytest.mark.parametrize("width", [1, 5, 19, 76])
def test_line_breaks_inside_base64_and_hex_hide_nothing(line_break: str, width: int) -> None:
    for encoded in (base64.b64encode(TOKEN.encode()).decode(), TOKEN.encode().hex()):
        wrapped = line_break.join(encoded[start : start + width] for start in range(0, len(encoded), width))
        shown = REDACTOR.text(f" {wrapped} ").strip()
        assert shown.startswith(SHOWN)
        # a last character of base64 that begins a line has at most four bits of the secret
        assert len(shown.removeprefix(SHOWN).replace(line_break, "").rstrip("=")) <= 1


@pytest.mark.parametrize("value", ["naaa-aaa-aaa", "\xae\xaf-aaa-aaa-aaa", "+aaaa/ /é\naaa"])
def test_a_backslash_before_wrapped_base64_hides_nothing(value: str) -> None:
    redactor = Redactor({"VALUE": value})
    for form in forms(value):
        if form.wrapped:
            wrapped = "\n".join(re.findall(".{1,5}", form.text))
            assert redactor.text("\\" + wrapped).endswith("[secret VALUE]")


def test_json_keys_and_values_at_any_depth() -> None:
    value: JsonValue = {"a": [TOKEN, 1, None, {"x" + TOKEN: f"{TOKEN} {TOKEN}"}], "b": True, "c": 1.5}
    assert REDACTOR.json(value) == {"a": [SHOWN, 1, None, {"x" + SHOWN: f"{SHOWN} {SHOWN}"}], "b": True, "c": 1.5}


def test_the_longest_wins_and_each_has_its_name() -> None:
    redactor = Redactor({"SHORT": "abcdef", "LONG": "abcdefgh", "OTHER": "zyxwvu"})
    assert redactor.text("abcdefgh abcdefg zyxwvu") == "[secret LONG] [secret SHORT]g [secret OTHER]"


def test_lines_of_a_secret_are_secrets() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
    redactor = Redactor({"KEY": key})
    assert redactor.text(f"a {key} b") == "a [secret KEY] b"
    assert redactor.text("line hkiG9w0BAQEFAASC of it") == "line [secret KEY] of it"
    assert redactor.text("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_a_long_secret_is_found_by_its_pieces_in_base64() -> None:
    key = "".join(chr(33 + index * 7 % 90) for index in range(1000))
    encoded = base64.encodebytes(f"key={key}".encode()).decode()
    shown = Redactor({"KEY": key}).text(encoded)
    assert shown.count("[secret KEY]") >= 20
    assert not re.search(r"[A-Za-z0-9+/]{12}", shown.replace("[secret KEY]", " "))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Bearer abcdef-123456", "abcdef-123456"),
        ("Basic " + base64.b64encode(b"user:pass-word").decode(), "pass-word"),
        ("postgres://user:pass-word@host/db", "pass-word"),
        (" padded-token \n", "padded-token"),
    ],
)
def test_a_part_that_is_secret_by_itself(value: str, told: str) -> None:
    redactor = Redactor({"X": value})
    assert redactor.text(f"<{told}>") == "<[secret X]>"
    assert redactor.text(value).strip() == "[secret X]"


@pytest.mark.parametrize("value", ["", "1", "admin", "     "])
def test_a_short_value_is_refused_and_told(value: str) -> None:
    redactor = Redactor({"SHORT": value, "LONG": "long-enough"})
    assert redactor.text(f"{value} and 1 admin") == f"{value} and 1 admin"
    assert redactor.too_short == (("SHORT",) if value else ())


def test_twice_is_once() -> None:
    redactor = Redactor({"my-secret": "secret", "OTHER": "my-sec"})
    once = redactor.text("a secret, my-sec")
    assert once == "a [secret my-secret], [secret OTHER]"
    assert redactor.text(once) == once


def test_nothing_to_look_for() -> None:
    redactor = Redactor({})
    assert redactor.is_empty
    assert redactor.text("anything") == "anything"
    stream = redactor.stream()
    assert stream.feed("anything") == "anything"
    assert stream.flush() == ""


def test_no_repr_tells_a_value() -> None:
    assert TOKEN not in repr(REDACTOR)


VALUES = st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40).filter(
    lambda text: len(text.strip()) >= SHORTEST
)


@given(VALUES, st.text(max_size=20), st.text(max_size=20), st.sampled_from([0, 1, 2]))
@settings(deadline=None)
def test_no_form_of_any_secret_is_left(value: str, before: str, after: str, offset: int) -> None:
    redactor = Redactor({"X": value})
    data = b"\0" * offset + value.encode()
    for encoded in (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], html.escape(value)):
        shown = redactor.text(f"{before}{encoded}{after}")
        assert "[secret X]" in shown
        assert shown.count(encoded) <= "[secret X]".count(encoded) * shown.count("[secret X]") + (before + after).count(
            encoded
        )
    for encoded in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), value.encode().hex()):
        assert "[secret X]" in redactor.text(f" {encoded} ")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_stream_gives_what_the_whole_gives_however_it_is_cut(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.text("abc+/é \n", min_size=6, max_size=14), min_size=1, max_size=3))
    redactor = Redactor({f"S{index}": value for index, value in enumerate(values)})
    found = [form.text for value in values for form in forms(value)] or ["nothing"]
    whole = st.sampled_from([*found, "[secret S0]"])
    part = whole.flatmap(lambda text: st.integers(1, len(text)).map(lambda size: text[:size]))
    wrapped = whole.map(lambda text: "\n".join(text[start : start + 5] for start in range(0, len(text), 5)))
    pieces = st.one_of(whole, part, wrapped, st.text("abc=\n\\ ", max_size=5))
    text = "".join(data.draw(st.lists(pieces, max_size=8)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    stream = redactor.stream()
    chunks = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    shown = "".join(stream.feed(chunk) for chunk in chunks) + stream.flush()
    assert shown == redactor.text(text)


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_secret_is_found_at_any_split_of_two(encoding: str) -> None:
    text = f"before {ENCODED[encoding]} after"
    for cut in range(len(text) + 1):
        stream = REDACTOR.stream()
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.flush() == f"before {SHOWN} after"


def test_a_stream_keeps_back_only_what_may_be_a_secret() -> None:
    stream = REDACTOR.stream()
    assert stream.feed("harmless text.") == "harmless text."
    assert stream.feed("see " + TOKEN[:5]) == "see "
    assert stream.feed(" no") == TOKEN[:5] + " no"


def test_all_secrets_of_an_agent_are_collected(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(
        minimal + "mcp_servers:\n"
        "  - type: http\n    name: a\n    url: https://${HOST}/\n"
        "    headers: {A: 'Bearer ${ONE}', Authorization: Bearer plain-text-1}\n"
        "  - {type: mcp, name: b, url: 'https://u:plain-text-2@example.com', headers: {A: '${TWO}'}}\n"
        "  - {type: mcp, name: c, command: [x, --token=plain-text-3], env: {K: ghp_plaintext4567890123}}\n"
        "container: {env: {PASSED: 'x${THREE}', LEVEL: '1', K: ghp_plaintext5678901234}}\n"
    )
    environment = {
        "HOST": "api.example.com",
        "ONE": "value-1",
        "TWO": "value-2",
        "THREE": "value-3",
        "UNUSED": "value-4",
        "ANTHROPIC_API_KEY": "sk-ant-key",
        "ANTHROPIC_AUTH_TOKEN": "",
    }
    definition = load_agent(folder, environment).definition
    assert secrets_of(definition, environment) == {
        "ANTHROPIC_API_KEY": "sk-ant-key",
        "HOST": "api.example.com",
        "ONE": "value-1",
        "TWO": "value-2",
        "THREE": "value-3",
        "a.Authorization": "plain-text-1",
        "b.url": "plain-text-2",
        "c.command.1": "--token=plain-text-3",
        "c.K": "ghp_plaintext4567890123",
        "container.K": "ghp_plaintext5678901234",
    }
    assert secrets_of(definition, {}).keys() == {"a.Authorization", "b.url", "c.command.1", "c.K", "container.K"}
