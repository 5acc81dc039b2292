"""What an image says of itself."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tools.images import recognise

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 640, 480) + b"rest"
GIF = b"GIF89a" + struct.pack("<HH", 12, 9000) + b"rest"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    + b"\xff\xff\xc0\x00\x11\x08"
    + struct.pack(">HH", 31, 77)
    + b"\x03\x01\x22\x00"
)
WEBP_LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"\0" * 7 + b"\x9d\x01\x2a" + struct.pack("<HH", 100, 50)
WEBP_LOSSLESS = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
WEBP_EXTENDED = b"RIFF\x00\x00\x00\x00WEBPVP8X" + b"\0" * 8 + (9999).to_bytes(3, "little") + (9).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PNG, ("image/png", 640, 480)),
        (GIF, ("image/gif", 12, 9000)),
        (JPEG, ("image/jpeg", 77, 31)),
        (WEBP_LOSSY, ("image/webp", 100, 50)),
        (WEBP_LOSSLESS, ("image/webp", 1, 1)),
        (WEBP_EXTENDED, ("image/webp", 10000, 10)),
        (b"\xff\xd8\xff", ("image/jpeg", None, None)),
        (b"GIF87a", ("image/gif", None, None)),
        (b"<svg/>", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell(data: bytes, expected: tuple[str, int | None, int | None] | None) -> None:
    assert recognise(data) == expected


@given(st.sampled_from([PNG, GIF, JPEG, WEBP_LOSSY, WEBP_LOSSLESS, WEBP_EXTENDED]), st.binary(max_size=40), st.data())
def test_no_garbage_confuses_it(start: bytes, noise: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(start)))
    recognise(start[:cut] + noise)
