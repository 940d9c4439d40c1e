"""What a server has still to answer a client of the transaction pipeline: exactly, and in order.

The tally of `wire.scan` may count too much, and a server is then closed when its client leaves. In this pipeline that
would keep a server from everybody else, and an answer of which it is not known whose it is could not be handed on. So
here it is known of each ReadyForQuery what it is the end of, and of each ParseComplete and CloseComplete which message
it answers: after an error the server skips everything up to a Sync (PostgreSQL manual, “Message Flow”), a Query too.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from agroal.errors import ProtocolViolation
from agroal.wire.codes import Frontend
from agroal.wire.scan import IDLE, SYNC, Tally

QUERY: Final = int(Frontend.QUERY)
SYNCED, ASKED, PARSED, CLOSED, COPIED = range(5)
"""In the queue of what is expected: the ReadyForQuery of a Sync, that of a Query or FunctionCall, a ParseComplete, a
CloseComplete; and COPIED, which nothing answers: the COPY data of the client have ended. A Query in the middle of a
batch is a tuple instead, of ASKED and the number of messages before it."""


class TurnTally(Tally):
    """A tally that goes from server to server with its client, and knows what each of them has still to say."""

    __slots__ = (
        "done",
        "expected",
        "in_batch",
        "overlap",
        "reported",
        "retry",
        "skipping",
        "stale",
        "tags",
        "unnamed",
    )

    def __init__(self, parameters: dict[str, str]) -> None:
        super().__init__(parameters)
        self.expected: deque[object] = deque()
        """What the server has still to answer, as far as it is SYNCED, ASKED, PARSED or CLOSED. Anything else in it
        stands for a Parse or a Close that is not the client's own, or is under another name: its answer is halted at.
        """
        self.in_batch = 0
        """Messages of the batch that is open."""
        self.done = 0
        """Of how many messages of a batch the server has said that it has done them, since its last ReadyForQuery."""
        self.skipping = False
        """After an error the server ignores everything up to a Sync which the client has not sent yet."""
        self.unnamed: bytes | None = None
        """The Parse message of the client's unnamed statement, if it has one."""
        self.stale = False
        """The server's unnamed statement is another than the client's, or one with which there is more to do."""
        self.reported = False
        """The server has reported another value of a setting."""
        self.retry: bytes | None = None
        """The batch that is under way, if that is all, and nothing has been heard of it."""
        self.overlap: bytes | None = None
        """The last bytes of a long text of which there is more to come."""
        self.tags: list[bytes] = []
        """Commands that were completed and may have left something in the session."""

    def requested(self, kind: int) -> None:
        if kind == SYNC:
            if self.copying:
                return
            self.skipping = False
            self.expected.append(SYNCED)
        else:
            self.queries += 1
            if self.skipping:
                return
            self.expected.append((ASKED, self.in_batch) if self.in_batch else ASKED)
            if kind == QUERY:  # it drops the unnamed statement (PostgreSQL, exec_simple_query)
                self.unnamed = None
                self.stale = False
        self.owed += 1
        self.in_batch = 0
        self.batch_open = False

    def batched(self, entry: object = None) -> None:
        """A message of a batch goes to the server, and this is to be expected of it."""
        self.batch_open = True
        if self.skipping:
            return
        self.in_batch += 1
        if entry is not None:
            self.expected.append(entry)

    def copy_ended(self) -> None:
        if self.copying:
            self.copying = False
        elif self.expected or self.in_batch:
            self.expected.append(COPIED)

    def copy_began(self) -> None:
        """The server takes COPY data: up to their end it ignores each Sync."""
        kept: list[object] = []
        for at, mark in enumerate(self.expected):
            if mark == COPIED:
                kept += list(self.expected)[at + 1 :]
                break
            if mark == SYNCED:
                self.owed -= 1
            else:
                kept.append(mark)
        else:
            self.copying = True
        self.expected = deque(kept)
        self.batch_open = self.batch_open or not self.owed

    def answered(self, kind: int) -> None:
        """A ParseComplete or a CloseComplete has come. Raises ProtocolViolation when nobody had asked for it."""
        self.done += 1
        if self.take_next() != kind:
            raise ProtocolViolation("the server sent an answer that nobody had asked for")

    def next(self) -> object:
        """What is expected first; None when nothing is."""
        expected = self.expected
        while expected and expected[0] == COPIED:
            expected.popleft()
        return expected[0] if expected else None

    def take_next(self) -> object:
        """The same, out of the queue."""
        expected = self.expected
        while expected:
            mark = expected.popleft()
            if mark != COPIED:
                return mark
        return None

    def ready(self, status: int) -> None:
        """A ReadyForQuery has come. Raises ProtocolViolation when something else had to come before."""
        self.owed -= 1
        self.status = status
        self.done = 0
        if status == IDLE:
            self.transactions += 1
        mark = self.take_next()
        if mark != SYNCED and mark != ASKED and not (isinstance(mark, tuple) and mark[0] == ASKED):
            raise ProtocolViolation("the server left out an answer")

    def failed(self) -> list[object]:
        """An ErrorResponse has come. Returns what will not be answered any more because of it."""
        expected, skipped = self.expected, False
        given_up: list[object] = []
        self.errors += 1
        self.copying = False
        while expected:
            mark = expected[0]
            before = 0 if mark == ASKED else mark[1] if isinstance(mark, tuple) else -1
            if mark == SYNCED or (0 <= before <= self.done and not skipped):
                return given_up  # up to this Sync everything is skipped, or it is this Query that has failed
            if before >= 0:
                skipped = True
                self.owed -= 1
            given_up.append(expected.popleft())
        if skipped or self.batch_open:
            self.skipping = self.batch_open = True
        return given_up
