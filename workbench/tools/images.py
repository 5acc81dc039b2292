"""What a file of an image says of itself: its format and its size in pixels, read from the first bytes."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Image(NamedTuple):
    """The media type of an image, and its size in pixels where the beginning of the file tells it."""

    media_type: str
    width: int | None
    height: int | None


def recognise(data: bytes) -> Image | None:
    """The image that `data` is, by its first bytes and not by what anyone says of it.

    Only the formats that the Messages API takes are known: PNG, JPEG, GIF and WebP. None is anything else.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Image("image/png", *_pair(">II", data, 16))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Image("image/gif", *_pair("<HH", data, 6))
    if data.startswith(b"\xff\xd8\xff"):
        return Image("image/jpeg", *_jpeg_size(data))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Image("image/webp", *_webp_size(data))
    return None


def _pair(form: str, data: bytes, offset: int) -> tuple[int, int] | tuple[None, None]:
    try:
        first, second = struct.unpack_from(form, data, offset)
    except struct.error:
        return None, None
    return first, second


def _jpeg_size(data: bytes) -> tuple[int, int] | tuple[None, None]:
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill bytes may precede a marker
            position += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = _pair(">HH", data, position + 5)
            return (width, height) if width is not None and height is not None else (None, None)
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None, None


def _webp_size(data: bytes) -> tuple[int, int] | tuple[None, None]:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _pair("<HH", data, 26)
        return (width & 0x3FFF, height & 0x3FFF) if width is not None and height is not None else (None, None)
    if len(data) < 30:
        return None, None
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
