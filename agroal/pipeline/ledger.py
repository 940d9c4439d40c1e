"""Whether a server is provably clean: the hardest fact in the program.

A server goes back only when it owes no ReadyForQuery, no batch of the extended protocol is open, no message was cut
in the middle in either direction, and nothing to it is unsent. Its transaction status then says whether it must be
rolled back. In doubt the answer is a reason to close it. Nothing is ever “recovered”.
"""

from __future__ import annotations

from enum import Enum

from agroal.wire.chosen import Scanner, Tally


class Dirt(Enum):
    """Why a server can't be used again."""

    OWES_ANSWERS = "it was still working for its client"
    OWES_NOTHING_ASKED = "it answered what nobody had asked"
    BATCH_OPEN = "its client left in the middle of a batch, before Sync"
    REQUEST_CUT = "its client left in the middle of a message"
    ANSWER_CUT = "its answer was cut in the middle of a message"
    UNSENT = "it had not taken all that its client sent"
    LOST = "the connection was lost"
    VIOLATION = "it broke the protocol"
    CLIENT_VIOLATION = "its client broke the protocol"
    RESET_FAILED = "the reset query failed"
    SPOKE = "it spoke while nobody had asked it"
    UNKNOWN = "it could not be told whether it is clean"


def judge(tally: Tally, requests: Scanner, answers: Scanner, unsent: bool) -> Dirt | None:
    """The first reason why the server at the end of a link can't be used again; None when it can."""
    if not requests.between_messages:
        return Dirt.REQUEST_CUT
    if unsent:
        return Dirt.UNSENT
    if tally.owed > 0:
        return Dirt.OWES_ANSWERS
    if tally.owed < 0:
        return Dirt.OWES_NOTHING_ASKED
    if tally.batch_open:
        return Dirt.BATCH_OPEN
    if not answers.between_messages:
        return Dirt.ANSWER_CUT
    return None
