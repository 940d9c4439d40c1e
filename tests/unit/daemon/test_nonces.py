from __future__ import annotations

from itertools import count

from agroal.daemon.nonces import AT_ONCE, Nonces


class Source:
    """Bytes in units of four, of which no two are alike."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._numbers = count()

    def __call__(self, size: int) -> bytes:
        self.asked.append(size)
        return b"".join(next(self._numbers).to_bytes(4) for _ in range(size // 4))


def test_no_byte_is_given_twice() -> None:
    nonces = Nonces(Source())
    taken = [nonces.take(4) for _ in range(AT_ONCE)]
    assert len(set(taken)) == len(taken)
    assert all(len(one) == 4 for one in taken)


def test_the_system_is_asked_rarely() -> None:
    source = Source()
    nonces = Nonces(source)
    for _ in range(AT_ONCE // 16):
        assert len(nonces.take(16)) == 16
    assert len(source.asked) == 1


def test_as_many_as_are_wanted_are_given() -> None:
    source = Source()
    nonces = Nonces(source)
    assert nonces.take(0) == b""
    assert source.asked == []
    for size in (8, 2 * AT_ONCE, 36):
        assert len(nonces.take(size)) == size


def test_what_was_given_is_not_kept() -> None:
    nonces = Nonces(Source())
    taken = nonces.take(8)
    assert taken not in bytes(nonces._rest)
