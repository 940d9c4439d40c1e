from __future__ import annotations

import random
import zlib
from contextlib import suppress
from itertools import islice

import pytest
from agroal_top.demo import DemoSource
from hypothesis import given, settings
from hypothesis import strategies as st

from agroal.management.frames import KEY_EVERY, BadFrame, Decoder, Encoder
from agroal.management.snapshot import Snapshot
from tests.unit.tui.made import made, slot

LIVE = [item for item in islice(DemoSource(3, wait=lambda _: None).snapshots(1.0), 80) if isinstance(item, Snapshot)]
names = st.text(max_size=70)


def packed(snapshots: list[Snapshot]) -> list[tuple[bool, bytes]]:
    encoder = Encoder()
    return [encoder.encode(snapshot) for snapshot in snapshots]


def unpacked(frames: list[tuple[bool, bytes]]) -> list[Snapshot]:
    decoder = Decoder()
    return [decoder.decode(*frame) for frame in frames]


def test_what_goes_in_comes_out() -> None:
    assert unpacked(packed(LIVE)) == LIVE


def test_reading_may_begin_at_every_key_frame() -> None:
    frames = packed(LIVE)
    keys = [number for number, (is_key, _) in enumerate(frames) if is_key]
    assert keys == [0, KEY_EVERY]
    assert unpacked(frames[KEY_EVERY:]) == LIVE[KEY_EVERY:]


def test_reading_can_not_begin_elsewhere() -> None:
    with pytest.raises(BadFrame, match="without those before it"):
        unpacked(packed(LIVE)[1:])


def test_a_frame_is_small_when_little_has_changed() -> None:
    frames = packed(LIVE)
    sizes = [len(data) for is_key, data in frames if not is_key]
    plain = len(frames[0][1])
    assert sum(sizes) / len(sizes) < plain * 0.6


def test_a_thousand_slots_stay_small_though_deflate_can_not_see_them_all() -> None:
    dice = random.Random(1)
    addresses = [f"10.0.{dice.randrange(256)}.{dice.randrange(256)}:{dice.randrange(65536)}" for _ in range(1000)]

    def picture(at: int) -> Snapshot:
        # One comes and one goes, at the very beginning of a document many times as long as deflate's window.
        return made(at, slots=tuple(slot(at + n, client=addresses[(at + n) % 1000]) for n in range(1000)))

    (_, key), (is_key, next_one) = packed([picture(0), picture(1)])
    assert not is_key
    assert len(next_one) < len(key) / 5


@settings(max_examples=30)
@given(st.lists(st.tuples(names, names, st.integers(0, 2**53)), min_size=1, max_size=6))
def test_whatever_text_there_is_survives(seen: list[tuple[str, str, int]]) -> None:
    pictures = [
        Snapshot.from_json(
            made(
                at, slots=tuple(slot(n, client=one, application_name=other, queries=number) for n in range(at))
            ).to_json()
        )
        for at, (one, other, number) in enumerate(seen)
    ]
    assert unpacked(packed(pictures)) == pictures


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 2))
def test_a_frame_that_was_cut_is_damaged_and_nothing_else(cut: int, number: int) -> None:
    frames = packed(LIVE[:3])
    is_key, data = frames[number]
    frames[number] = (is_key, data[: cut % len(data)])
    with pytest.raises(BadFrame):
        unpacked(frames)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_frame_with_a_wrong_byte_is_read_right_or_not_at_all(place: int, change: int) -> None:
    (is_key, data), *_ = packed(LIVE[:1])
    at = place % len(data)
    wrong = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
    with suppress(BadFrame):
        assert unpacked([(is_key, wrong)]) == LIVE[:1]


def test_a_frame_that_swells_beyond_its_piece_is_refused() -> None:
    packer = zlib.compressobj()
    bomb = packer.compress(bytes(1 << 20)) + packer.flush()
    with pytest.raises(BadFrame, match="damaged"):
        Decoder().decode(True, len(bomb).to_bytes(4, "big") + bomb)
