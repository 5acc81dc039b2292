from __future__ import annotations

import pytest

from workbench.definition.masking import hide, hide_credentials, hide_spans, hide_unparsed, is_private


def test_everything_but_references_and_white_space_is_hidden() -> None:
    assert hide("Bearer ${TOKEN} x") == "****** ${TOKEN} *"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@example.com/a", "https://*****@example.com/a"),
        ("https://me:${PW}@example.com/a", "https://***${PW}@example.com/a"),
        ("Authorization: Bearer abcdef123", "Authorization: Bearer *********"),
        ("x?api_key=abc&b=c", "x?api_key=***&b=c"),
        ("x?token=${TOKEN}&b=c", "x?token=${TOKEN}&b=c"),
        ("sk-ant-api03-abcdefghijkl", "*" * 25),
        ("max_tokens: 8000, https://example.com/a@b", "max_tokens: 8000, https://example.com/a@b"),
        ("Bearer of bad news", "Bearer of bad news"),
    ],
)
def test_credentials_are_known_by_their_look(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown


def test_spans_may_overlap_and_keep_their_width() -> None:
    assert hide_spans("abcdefgh", [(4, 6), (1, 5)]) == "a*****gh"


def test_private_is_what_stands_below_headers_or_env() -> None:
    assert is_private(("mcp_servers", 0, "headers", "A"))
    assert is_private(("container", "env", "A"))
    assert not is_private(("mcp_servers", 0, "url"))


def test_an_unparsed_file_is_hidden_from_the_key_to_where_its_block_ends() -> None:
    lines = ["a: b", "  headers:", "    X: c d", "", "      e", "  f: g", "x: {env: {Y: z,", "w}}", "h: i"]
    shown = ["a: b", "  headers:", "    X: * *", "", "      *", "  f: g", "x: {env: *** **", "***", "h: i"]
    assert hide_unparsed(lines) == shown
