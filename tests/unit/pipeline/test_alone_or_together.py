"""Two clients that take turns on two servers are answered as if each of them had one of its own."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from agroal.pipeline.statements import Statements
from agroal.wire.answer import messages
from tests.unit.pipeline.model import MAX, ModelServer, bind, close, describe, execute, parse, query
from tests.unit.pipeline.pooled import PREFIX, Pooled, Seat, at_cuts
from tests.unit.wire.messages import SYNC, message

NAMES = st.sampled_from(["", "a", "b", "c"])
TEXTS = st.sampled_from(
    ["SELECT 1", "SELECT 2", "SELECT 3", "SELECT 1/0", "SELEC 1", "BEGIN", "COMMIT", "ROLLBACK", ""]
)
STEPS = st.one_of(
    st.builds(parse, NAMES, TEXTS),
    st.builds(lambda name: bind(name) + execute(), NAMES),
    st.builds(lambda name: describe("S", name), NAMES),
    st.builds(lambda name: bind(name, "p") + describe("P", "p"), NAMES),
    st.builds(lambda name: close("S", name), NAMES),
    st.just(message("H")),
)
BATCHES = st.builds(lambda steps: b"".join(steps) + SYNC, st.lists(STEPS, max_size=5))
QUERIES = st.builds(
    query, st.one_of(TEXTS, st.sampled_from(["DEALLOCATE a", "DEALLOCATE b", "DEALLOCATE ALL", "DISCARD ALL"]))
)
UNFINISHED = st.builds(
    lambda steps, text: b"".join(steps) + query(text), st.lists(STEPS, min_size=1, max_size=3), TEXTS
)


@dataclass(frozen=True)
class Move:
    """A client says this; if it has no server, it gets this one, or else the other."""

    client: int
    batches: tuple[bytes, ...]
    seat: int
    cuts: tuple[int, ...]
    """Where it is cut, as far as it is so long; the answers, too."""
    at_once: bool
    """All of it is asked before any answer is heard; behind an error nobody who is wise goes on without hearing."""


MOVES = st.builds(
    Move,
    st.integers(0, 1),
    st.lists(st.one_of(BATCHES, BATCHES, QUERIES, UNFINISHED), min_size=1, max_size=3).map(tuple),
    st.integers(0, 1),
    st.lists(st.integers(1, 200), max_size=4).map(tuple),
    st.booleans(),
)


class Stage:
    """Two clients with their pooled connections, and with connections of their own."""

    def __init__(self, most: int) -> None:
        statements = Statements(PREFIX)
        self.seats = Seat(), Seat()
        self.clients = Pooled(statements, most), Pooled(statements, most)
        self.own = ModelServer(), ModelServer()
        self.unsure = [False, False]
        """Behind an error nobody who is wise relies on an older unnamed statement, nor does agroal keep it."""

    def play(self, move: Move) -> None:
        said: list[tuple[bytes, bytes]] = []
        for batch in move.batches:
            if self.unsure[move.client] and _about_unnamed(batch)[:1] not in ("", "P"):
                continue
            own = self.own[move.client]
            sure = not own.in_trouble and (not self.unsure[move.client] or "P" in _about_unnamed(batch))
            answer = own.hear(batch)
            failed = _has_error(answer)
            self.unsure[move.client] = failed or not sure
            said.append((batch, answer))
            if failed or own.in_trouble or not move.at_once:
                self.say(move, said)
                said = []
        self.say(move, said)

    def say(self, move: Move, said: list[tuple[bytes, bytes]]) -> None:
        request, answer = (b"".join(parts) for parts in zip(*said, strict=True)) if said else (b"", b"")
        client, seat = self.clients[move.client], self.seats[move.seat]
        if self.clients[1 - move.client].seat is seat:
            seat = self.seats[1 - move.seat]
        heard = unheard = b""
        for piece in filter(None, at_cuts(request, move.cuts)):
            unheard += client.ask(piece, seat)
            if not move.at_once:
                heard, unheard = heard + self.tell(client, unheard, move), b""
        heard += self.tell(client, unheard, move)
        assert heard == answer

    @staticmethod
    def tell(client: Pooled, said: bytes, move: Move) -> bytes:
        return b"".join(client.hear(piece) for piece in at_cuts(said, move.cuts) if piece)

    def check(self) -> None:
        """What is known of the servers that nobody has is true."""
        for seat in self.seats:
            if any(client.seat is seat for client in self.clients):
                continue
            known = {
                one.name: one.parse.partition(b"\0")[0]
                for one in seat.luggage.prepared
                if one not in seat.luggage.doubtful
            }
            there = seat.server.statements
            assert known == {name: text for name, text in there.items() if name in known}
            ours = {name for name, text in there.items() if name.startswith(PREFIX) and text}
            assert ours <= {one.name for one in seat.luggage.prepared}


def _about_unnamed(batch: bytes) -> str:
    """The kinds of its messages that are about the unnamed statement."""
    kinds = ""
    for kind, start, end in messages(batch, MAX):
        body = batch[start:end]
        match chr(kind):
            case "P":
                named = body[:1] != b"\0"
            case "B":
                named = body.split(b"\0")[1] != b""
            case "C" | "D":
                named = body != b"S\0"
            case _:
                continue
        if not named:
            kinds += chr(kind)
    return kinds


def _has_error(answer: bytes) -> bool:
    return any(kind == ord("E") for kind, _, _ in messages(answer, MAX))


@settings(max_examples=150)
@given(st.lists(MOVES, min_size=1, max_size=12), st.integers(1, 3))
def test_the_answers_are_the_same(moves: list[Move], most: int) -> None:
    stage = Stage(most)
    for move in moves:
        stage.play(move)
        stage.check()
