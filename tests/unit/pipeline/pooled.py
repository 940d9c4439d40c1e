"""A client of the transaction pipeline and its servers without a socket between them: what net/ does, in bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agroal.pipeline.answering import Answering
from agroal.pipeline.asking import Asking
from agroal.pipeline.statements import Luggage, Statements
from agroal.pipeline.turn import Turn
from tests.unit.pipeline.model import ModelServer

PREFIX = b"agroal_"
OURS = b"left over from before"


@dataclass(eq=False)
class Seat:
    """A server and what is known of it."""

    server: ModelServer = field(default_factory=ModelServer)
    luggage: Luggage = field(default_factory=Luggage.none)


class Pooled:
    """One client. It gets the server that is asked for when it has none."""

    def __init__(self, statements: Statements | None = None, most: int = 100) -> None:
        self.turn = Turn(Statements(PREFIX) if statements is None else statements, most)
        self.asking, self.answering = Asking(self.turn), Answering(self.turn)
        self.seat: Seat | None = None
        self.goodbye = False
        self.retries = 0

    def say(self, data: bytes, seat: Seat) -> bytes:
        """What it is answered by this server, if it has no other yet."""
        return self.hear(self.ask(data, seat))

    def ask(self, data: bytes, seat: Seat) -> bytes:
        """What its server answers to this."""
        if self.seat is None:
            self.take(seat)
        return self.seat.server.hear(self.request(data))

    def request(self, data: bytes) -> bytes:
        """What its server is asked."""
        turn, frontend = self.turn, self.turn.frontend
        data, frontend.cut = frontend.cut + data, b""
        if turn.tally.overlap is not None:
            self.asking.read_on(data[: frontend.skip])
        at = frontend.walk_from(bytearray(data + OURS), 0, len(data))
        if at == len(data):
            return data
        asked, self.goodbye = self.asking.look(bytearray(data + OURS), 0, at, len(data))
        return asked

    def hear(self, said: bytes) -> bytes:
        """What it hears of what its server says. If that was all, it has no server any more."""
        turn, backend = self.turn, self.turn.backend
        said, backend.cut = backend.cut + said, b""
        at = backend.walk_from(bytearray(said + OURS), 0, len(said))
        if at != len(said):
            heard = self.answering.look(bytearray(said + OURS), 0, at, len(said))
        else:
            heard = said
            turn.tally.retry = None
        if again := self.answering.again:
            self.answering.again = None
            self.retries += 1
            assert self.seat
            turn.retried = True
            asked = self.request(again)
            return heard + self.hear(self.seat.server.hear(asked))
        if turn.is_over():
            turn.leaves(())
            if not turn.tally.stale:
                turn.luggage.unnamed = turn.tally.unnamed
            turn.tally.retry = None
            turn.bound.clear()
            self.seat = None
        return heard

    def take(self, seat: Seat) -> None:
        """It has this server now."""
        turn, self.seat = self.turn, seat
        turn.luggage = seat.luggage
        turn.tally.stale = seat.luggage.unnamed is not turn.tally.unnamed or turn.unnamed_needs_more


def at_cuts(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data, cut at those of these places that it has."""
    places = sorted({cut for cut in cuts if 0 < cut < len(data)})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
