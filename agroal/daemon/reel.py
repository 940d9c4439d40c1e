"""Snapshots in memory, as a recording holds them: each as the difference to the one before (management/frames.py)."""

from __future__ import annotations

from collections import deque
from typing import Final

from agroal.management.frames import Encoder, Frame
from agroal.management.snapshot import Snapshot

LARGEST: Final = 32 << 20
"""Bytes of all frames, whatever the daemon has to tell."""
OVERHEAD: Final = 250
"""Bytes that a frame takes besides its data, at most."""


class Reel:
    """The last frames, for one thread at a time. They go in groups, the oldest first: those that build on a key frame.

    Beside them it has the text of the last snapshot.
    """

    def __init__(self, most_bytes: int = LARGEST) -> None:
        self.size = 0
        """Bytes."""
        self._most_bytes = most_bytes
        self._groups: deque[list[Frame]] = deque()
        self._encoder = Encoder()

    @property
    def frames(self) -> list[Frame]:
        return [frame for group in self._groups for frame in group]

    def add(self, snapshot: Snapshot, oldest_us: int) -> None:
        """What was before `oldest_us` is not needed any more."""
        is_key, data = self._encoder.encode(snapshot)
        if is_key:
            self._groups.append([])
        self._groups[-1].append(Frame(snapshot.mono_us, snapshot.wall, is_key, data))
        self.size += len(data) + OVERHEAD
        while len(self._groups) > 1 and (self.size > self._most_bytes or self._groups[1][0].mono_us <= oldest_us):
            self._drop()
        if self.size > self._most_bytes:
            self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._groups.clear()
        self._encoder = Encoder()
        self.size = 0

    def _drop(self) -> None:
        self.size -= sum(len(frame.data) + OVERHEAD for frame in self._groups.popleft())
