"""Results of tools as blocks that the API takes."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.jsontypes import JsonObject
from workbench.tools.content import BLOCKS, IMAGE_BYTES, MEDIA_BYTES, TEXT_BYTES, Content, convert

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 64, 48)
TALL = PNG[:16] + struct.pack(">II", 64, 8001)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def result(*content: types.ContentBlock, structured: object = None) -> types.CallToolResult:
    return types.CallToolResult(content=list(content), structured_content=structured)


def text(value: str) -> types.TextContent:
    return types.TextContent(text=value)


def texts(content: Content) -> Sequence[str]:
    return [str(block["text"]) for block in content.blocks if block["type"] == "text"]


def test_text_stays_as_it_is() -> None:
    assert convert(result(text("a\n"), text("b"))) == Content(
        [{"type": "text", "text": "a\n"}, {"type": "text", "text": "b"}], truncated=False
    )


@pytest.mark.parametrize("content", [[], [""], [" \n"], ["", "\t"]])
def test_nothing_becomes_a_note_because_the_api_refuses_blank_text(content: list[str]) -> None:
    assert convert(result(*map(text, content))).blocks == [{"type": "text", "text": "(no output)"}]


def test_long_text_is_cut_and_says_so() -> None:
    content = convert(result(text("ä" * TEXT_BYTES), text("more")))
    first, second = texts(content)
    assert content.truncated
    assert first.endswith(f"\n[truncated: {TEXT_BYTES} of {2 * TEXT_BYTES} bytes kept]")
    assert second == "\n[truncated: 0 of 4 bytes kept]"


def test_many_blocks_are_cut_and_say_so() -> None:
    content = convert(result(*[text("x")] * (BLOCKS + 5)))
    assert content.truncated
    assert len(content.blocks) == BLOCKS + 1
    assert texts(content)[-1] == f"[truncated: {BLOCKS} of {BLOCKS + 5} content blocks kept]"


def test_an_image_is_what_its_bytes_are() -> None:
    image = types.ImageContent(data=b64(PNG), mime_type="image/jpeg")
    source: JsonObject = {"type": "base64", "media_type": "image/png", "data": b64(PNG)}
    assert convert(result(image)).blocks == [{"type": "image", "source": source}]


@pytest.mark.parametrize(
    ("data", "media_type", "note"),
    [
        (b64(b"<svg/>"), "image/svg+xml", "image/svg+xml, 6 bytes: cannot be shown to the model"),
        ("no base64!", "image/png", "image/png, 10 characters that are not base64"),
        (b64(TALL), "image/png", "image/png, 24 bytes: left out, 64x8001 pixels, at most 8000 a side"),
    ],
)
def test_an_image_that_the_api_does_not_take_becomes_a_note(data: str, media_type: str, note: str) -> None:
    assert texts(convert(result(types.ImageContent(data=data, mime_type=media_type)))) == [f"[image: {note}]"]


def test_audio_becomes_a_note() -> None:
    audio = types.AudioContent(data=b64(b"RIFFxxxx"), mime_type="audio/wav")
    assert texts(convert(result(audio))) == ["[audio: audio/wav, 8 bytes: cannot be shown to the model]"]


def test_an_image_that_is_too_large_becomes_a_note() -> None:
    content = convert(result(types.ImageContent(data=b64(PNG + bytes(IMAGE_BYTES)), mime_type="image/png")))
    reason = f"left out, an image may have {IMAGE_BYTES} bytes of base64"
    assert content.truncated
    assert texts(content) == [f"[image: image/png, {len(PNG) + IMAGE_BYTES} bytes: {reason}]"]


def test_many_large_images_stay_within_a_request() -> None:
    image = types.ImageContent(data=b64(PNG + bytes(3_000_000)), mime_type="image/png")
    content = convert(result(*[image] * 10))
    assert content.truncated
    assert sum(len(json.dumps(block)) for block in content.blocks) < MEDIA_BYTES + 10_000
    assert texts(content)[0].startswith("[image/png of 4000")


def test_a_link_is_described() -> None:
    link = types.ResourceLink(
        uri="file:///a.txt", name="a", title="A", mime_type="text/plain", size=3, description="notes"
    )
    assert texts(convert(result(link))) == [
        "[link to a resource: file:///a.txt, name a, title A, type text/plain, 3 bytes, notes]"
    ]


def resource(uri: str, mime_type: str | None, *, blob: bytes | None = None, body: str = "") -> types.EmbeddedResource:
    if blob is None:
        return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=body))
    return types.EmbeddedResource(resource=types.BlobResourceContents(uri=uri, mime_type=mime_type, blob=b64(blob)))


def test_embedded_resources() -> None:
    pdf = b"%PDF-1.7 ..."
    content = convert(
        result(
            resource("file:///a.txt", "text/plain", body="hello"),
            resource("file:///b.txt", "text/plain", blob=b"bytes"),
            resource("file:///c.pdf", None, blob=pdf),
            resource("file:///d.png", "image/png", blob=PNG),
            resource("file:///e.bin", None, blob=b"\0\1"),
        )
    )
    assert [block["type"] for block in content.blocks] == ["text", "text", "document", "image", "text"]
    assert texts(content) == [
        "[resource file:///a.txt]\nhello",
        "[resource file:///b.txt]\nbytes",
        "[resource file:///e.bin: of unknown type, 2 bytes: cannot be shown to the model]",
    ]
    assert content.blocks[2]["source"] == {"type": "base64", "media_type": "application/pdf", "data": b64(pdf)}


@pytest.mark.parametrize(
    ("said", "structured"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{\n "a":1}', {"a": 1}),
        ("hi", {"result": "hi"}),
        ("3", {"result": 3}),
        ("x", {"content": "x"}),
    ],
)
def test_structured_content_that_the_text_repeats_is_not_repeated(said: str, structured: object) -> None:
    assert texts(convert(result(text(said), structured=structured))) == [said]


def test_structured_content_is_never_lost() -> None:
    assert texts(convert(result(structured={"a": [1, float("inf")], "b": "ü\ud800"}))) == [
        '{"a": [1, null], "b": "ü\ufffd"}'
    ]
    assert texts(convert(result(text("done"), structured={"id": 7}))) == ["done", '{"id": 7}']


WORD = st.text(max_size=8)
BASE64 = st.text(max_size=12) | st.binary(max_size=40).map(b64)
BLOCK = (
    st.builds(types.TextContent, text=st.text(st.characters(exclude_categories=()), max_size=20))
    | st.builds(types.ImageContent, data=BASE64, mime_type=WORD)
    | st.builds(types.AudioContent, data=BASE64, mime_type=WORD)
    | st.builds(types.ResourceLink, uri=WORD, name=WORD)
    | st.builds(resource, WORD, st.none() | WORD, blob=st.none() | st.binary(max_size=20), body=WORD)
)


@given(st.lists(BLOCK, max_size=5), st.none() | st.dictionaries(st.text(), st.floats() | st.text(), max_size=2))
def test_whatever_comes_can_be_sent(blocks: list[types.ContentBlock], structured: object) -> None:
    content = convert(result(*blocks, structured=structured))
    assert content.blocks
    json.dumps(content.blocks, allow_nan=False, ensure_ascii=False).encode()
    assert all(said.strip() and "\0" not in said for said in texts(content))
