"""The frames of the pipe: any cutting gives the same frames, and no bytes can make the decoder hang or grow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.sandbox.guest.frames import EXIT, HEADER, MAX_PAYLOAD, OPEN, Frame, FrameDecoder, FrameError, encode

frames = st.builds(Frame, st.integers(0, 2**32 - 1), st.integers(OPEN, EXIT), st.binary(max_size=300))


@given(st.lists(frames), st.lists(st.integers(1, 50), min_size=1))
@settings(deadline=None)
def test_any_cutting_gives_the_same_frames(sent: list[Frame], sizes: list[int]) -> None:
    data = b"".join(encode(*frame) for frame in sent)
    decoder = FrameDecoder()
    received: list[Frame] = []
    turn = 0
    while data:
        size = sizes[turn % len(sizes)]
        received += decoder.feed(data[:size])
        data = data[size:]
        turn += 1
    assert received == sent


@given(st.lists(st.binary(max_size=200)))
@settings(deadline=None)
def test_garbage_is_refused_or_read(pieces: list[bytes]) -> None:
    decoder = FrameDecoder()
    fed = b""
    received: list[Frame] = []
    try:
        for piece in pieces:
            fed += piece
            received += decoder.feed(piece)
    except FrameError:
        return
    assert fed.startswith(b"".join(encode(*frame) for frame in received))


@pytest.mark.parametrize(
    "header", [(1, 0, 0), (1, EXIT + 1, 0), (1, 255, 0), (1, OPEN, MAX_PAYLOAD + 1), (0, 2, 2**32 - 1)]
)
def test_a_bad_header_is_refused_before_its_payload(header: tuple[int, int, int]) -> None:
    with pytest.raises(FrameError):
        FrameDecoder().feed(HEADER.pack(*header))


def test_the_longest_frame_passes() -> None:
    (frame,) = FrameDecoder().feed(encode(3, OPEN, b"x" * MAX_PAYLOAD))
    assert len(frame.payload) == MAX_PAYLOAD
