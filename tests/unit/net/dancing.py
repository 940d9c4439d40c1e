"""A client and two servers that it has in turn: the pump is turned by hand, and the broker has what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from agroal.auth.login import Greeting
from agroal.net.chosen import Hold
from agroal.net.dial import Address
from agroal.net.link import Parting
from agroal.net.pump import nothing
from agroal.net.server import Server
from agroal.net.turns import Turns
from agroal.pipeline.statements import Statements
from agroal.pipeline.turn import Turn
from tests.unit.net.pairs import channel, pump
from tests.unit.pipeline.model import query
from tests.unit.wire.messages import IN_TRANSACTION, READY, message

QUERY, ANSWER = query("SELECT 1"), message("C", b"SELECT 1\0") + READY
BEGIN, BEGUN = query("BEGIN"), message("C", b"BEGIN\0") + IN_TRANSACTION


@dataclass
class Dance:
    """`client` and `servers` are the peers' sockets. It is the broker, too: `free` is what may be taken next."""

    stack: ExitStack
    small: bool
    free: list[int] = field(default_factory=lambda: [0, 1])
    rests: int = 0
    queue_left: int = 0

    def __post_init__(self) -> None:
        self.pump = self.stack.enter_context(pump())
        self.client, ours = self.stack.enter_context(channel(self.pump, "client", self.small))
        pairs = [self.stack.enter_context(channel(self.pump, f"server {n}", self.small)) for n in (1, 2)]
        self.servers = [theirs for theirs, _ in pairs]
        self.leases = [
            Hold(Server(made, Address("pg", "127.0.0.1", 5432), Greeting({}, pid, b"")), None, nothing, 0.0)
            for pid, (_, made) in enumerate(pairs, 1)
        ]
        self.turns = Turns(ours, Turn(Statements(b"agroal_"), 10))
        self.turns.broker = self
        self.turns.start()

    def take(self) -> bool:
        if not self.free:
            self.turns.stash()
            return False
        self.turns.hand.hold(self.leases[self.free.pop(0)])
        return True

    def rest(self) -> None:
        self.rests += 1
        self.turns.hand.leave()

    def count(self) -> None:
        """Nobody looks at the counters here."""

    def leave_queue(self) -> None:
        self.queue_left += 1

    def turn(self, times: int = 5) -> None:
        for _ in range(times):
            self.pump.turn()

    @property
    def parting(self) -> Parting | None:
        return self.turns.ended.result() if self.turns.ended.done() else None


@contextmanager
def dance(small: bool = False, free: tuple[int, ...] = (0, 1)) -> Iterator[Dance]:
    """Call it inside a running loop."""
    with ExitStack() as stack:
        yield Dance(stack, small, list(free))
