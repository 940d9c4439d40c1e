"""What is seen of the pool. To look at it ends nothing that goes on between clients without a word to the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agroal.daemon.shell import Shell
from agroal.net.chosen import Hand
from agroal.pool.gate import Gate
from agroal.pool.slot import PoolKey
from agroal.pool.snapshot import PoolSnapshot
from agroal.pool.waiters import WaitReason

Lines = Mapping[PoolKey, Sequence[Hand]]
"""Who stands in line, of which the core does not know."""


class ViewedShell(Shell):
    """The part of the pool's shell that looks."""

    @property
    def gate(self) -> Gate:
        """Which databases clients may enter."""
        return self._core.gate

    @property
    def passage(self) -> Gate:
        """Which databases' clients are served: those that are not paused."""
        return self._core.passage

    @property
    def exhausted(self) -> set[str]:
        """The caps that keep somebody waiting just now, in words."""
        return self._core.exhausted(self.standby.look())

    def seen(self, now: float) -> tuple[PoolSnapshot, Lines]:
        """The pool, and who waits besides."""
        lines = self.standby.look()
        return self._core.snapshot(now), lines

    def reason(self, key: PoolKey) -> WaitReason:
        """What those wait for who stand in line for this key."""
        return self._core.reason(key)
