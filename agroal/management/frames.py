"""How a recording holds snapshots: as the difference to the one before, with nothing but zlib.

A frame is the JSON of a snapshot. Most of it is what the frame before said, so that one serves as the dictionary: an
hour at one frame a second is some 3 MB with a hundred slots, where plain zlib takes 8. Deflate looks back 32 kB and no
further, which is less than a frame with hundreds of slots. So a frame is cut into pieces, and the dictionary of each is
what stood around that place in the frame before. Rows that were added or left out move the rest by a few hundred
bytes, which the margin on both sides allows for.

A key frame stands alone: reading begins at one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from agroal.errors import ManagementError
from agroal.management.snapshot import Snapshot

KEY_EVERY = 60
"""Frames from one key frame to the next."""

_PIECE = 1 << 14
_MARGIN = 1 << 13
_LENGTH = 4
_LARGEST = 64 << 20
_LEVEL = 6


class BadFrame(Exception):
    """What was read is no frame."""


class BadRecording(Exception):
    """The file can't be written, or is no recording; says which and what to do."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A snapshot as it is kept."""

    mono_us: int
    wall: str
    is_key: bool
    data: bytes


class Encoder:
    def __init__(self) -> None:
        self._before: bytes | None = None
        self._until_key = 0

    def encode(self, snapshot: Snapshot) -> tuple[bool, bytes]:
        """Whether it is a key frame, and what to keep."""
        text = json.dumps(snapshot.to_json(), separators=(",", ":")).encode("ascii")
        is_key = self._until_key == 0
        before = b"" if is_key else self._before or b""
        self._until_key = KEY_EVERY - 1 if is_key else self._until_key - 1
        self._before = text
        return is_key, b"".join(_packed(text, before))


class Decoder:
    """Takes the frames from a key frame on, in order."""

    def __init__(self) -> None:
        self._before: bytes | None = None

    def decode(self, is_key: bool, data: bytes) -> Snapshot:
        """Raises BadFrame."""
        if not is_key and self._before is None:
            raise BadFrame("a frame without those before it")
        text = _unpacked(data, b"" if is_key else self._before or b"")
        try:
            snapshot = Snapshot.from_json(json.loads(text))
        except (ValueError, RecursionError, ManagementError) as error:
            raise BadFrame(f"a frame is no snapshot: {error}") from error
        self._before = text
        return snapshot


def _packed(text: bytes, before: bytes) -> Iterator[bytes]:
    for at in range(0, len(text), _PIECE):
        packer = zlib.compressobj(_LEVEL, zdict=_dictionary(before, at))
        packed = packer.compress(text[at : at + _PIECE]) + packer.flush()
        yield len(packed).to_bytes(_LENGTH, "big")
        yield packed


def _unpacked(data: bytes, before: bytes) -> bytes:
    text = bytearray()
    at = 0
    while at < len(data):
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "big")
        unpacker = zlib.decompressobj(zdict=_dictionary(before, len(text)))
        try:
            text += unpacker.decompress(data[at + _LENGTH : end], _PIECE)
        except zlib.error as error:
            raise BadFrame(f"a frame is damaged: {error}") from error
        if not unpacker.eof or len(text) > _LARGEST:
            raise BadFrame("a frame is damaged")
        at = end
    return bytes(text)


def _dictionary(before: bytes, at: int) -> bytes:
    """What stood around a place: no more than deflate can look back to from the end of a piece."""
    return before[max(0, at - _MARGIN) : at + _PIECE + _MARGIN]
