"""DEALLOCATE and DISCARD in the transaction pipeline: a client forgets a statement, and the servers keep it for others.

A DEALLOCATE that is about to be executed names a statement under the client's name. It gets another name instead, one
that stands for nothing and that the server is given just before, if the client has such a statement. So the server's
answer is the one that the client has to get, whatever the transaction's state is.
"""

from __future__ import annotations

from agroal.pipeline.evidence import NOTHING, Evidence
from agroal.pipeline.statements import EMPTY, Answer, Statement, close_message, parse_message
from agroal.pipeline.turn import Turn
from agroal.wire.expectations import CLOSED, PARSED


def renamed(turn: Turn, text: bytes, evidence: Evidence) -> bytes:
    """The text of a statement with such names, if the client has them: other statements were prepared by SQL."""
    pieces: list[bytes] = []
    done = 0
    for one in evidence.deallocates:
        if one.name in turn.names:
            pieces += [text[done : one.start], b'"%b"' % _void_for(turn, one.name).name]
            done = one.end
    return b"".join(pieces) + text[done:]


def forget(turn: Turn, evidence: Evidence) -> bytes:
    """This is going to be executed. Returns what the server has to be told before.

    What it deallocates counts as gone from now on, and comes back when it fails (`Turn.going`).
    """
    told: list[bytes] = []
    for one in evidence.deallocates:
        void = turn.voids.get(one.name)
        statement = turn.names.pop(one.name, None) if void else None
        turn.going.append({one.name: statement} if statement else {})
        if void:
            turn.tally.batched(Answer(CLOSED, is_for_client=False))
            told.append(close_message(void.name))
        if void and statement:
            turn.tally.batched(Answer(PARSED, is_for_client=False))
            told.append(parse_message(void.name, EMPTY))
    if evidence.forgets:
        turn.going.append(turn.names)
        turn.names = {}
        turn.luggage.doubt()
    return b"".join(told)


def prepare_void(turn: Turn) -> bytes:
    """Nothing is prepared, under a name that stands for nothing."""
    void = turn.known.void
    turn.tally.batched(Answer(CLOSED, is_for_client=False))
    turn.tally.batched(Answer(PARSED, is_for_client=False))
    return close_message(void) + parse_message(void, EMPTY)


def _void_for(turn: Turn, name: bytes) -> Statement:
    void = turn.known.get(EMPTY, (b"void", name), NOTHING)
    turn.aliases[void.name] = name
    turn.voids[name] = void
    return void
