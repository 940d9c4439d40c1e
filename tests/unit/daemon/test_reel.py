from __future__ import annotations

from dataclasses import replace
from random import Random

from agroal.daemon.reel import OVERHEAD, Reel
from agroal.management.frames import KEY_EVERY, Decoder
from agroal.management.snapshot import Snapshot
from tests.unit.management.sample import SLOT, snapshot

SECOND = 1_000_000
dice = Random(7)


def at(second: int, slots: int = 1) -> Snapshot:
    """A snapshot in which everything has changed."""
    made = [
        replace(SLOT, id=number, queries=dice.randrange(10**9), bytes_in=dice.randrange(10**9), since_us=second)
        for number in range(slots)
    ]
    return replace(snapshot(), mono_us=second * SECOND, slots=tuple(made))


def weight(reel: Reel) -> int:
    return sum(len(frame.data) + OVERHEAD for frame in reel.frames)


def test_frames_are_the_snapshots() -> None:
    reel, decoder = Reel(), Decoder()
    taken = [at(second) for second in range(100)]
    for one in taken:
        reel.add(one, 0)
    assert [decoder.decode(frame.is_key, frame.data) for frame in reel.frames] == taken
    assert reel.size == weight(reel)


def test_what_is_too_old_goes_with_its_group() -> None:
    reel = Reel()
    for second in range(5 * KEY_EVERY):
        reel.add(at(second), (second - 100) * SECOND)
        first = reel.frames[0]
        assert first.is_key
        assert second - 100 - KEY_EVERY < first.mono_us // SECOND <= max(0, second - 100)
    assert reel.size == weight(reel)


def test_it_is_never_larger_than_its_bound() -> None:
    reel = Reel(100_000)
    for second in range(5 * KEY_EVERY):
        reel.add(at(second, 20), 0)
        assert reel.size == weight(reel) <= 100_000
    assert reel.frames[0].is_key
    assert reel.frames[0].mono_us > 0


def test_it_begins_anew_where_one_group_alone_is_too_large() -> None:
    reel = Reel(10_000)
    for second in range(2 * KEY_EVERY):
        reel.add(at(second, 30), 0)
        assert reel.size <= 10_000
    if reel.frames:
        assert reel.frames[0].is_key


def test_one_that_is_cleared_begins_with_a_key_frame() -> None:
    reel = Reel()
    reel.add(at(1), 0)
    reel.clear()
    assert (reel.frames, reel.size) == ([], 0)
    reel.add(at(2), 0)
    assert [frame.is_key for frame in reel.frames] == [True]
