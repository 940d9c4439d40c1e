"""What one client of the transaction pipeline takes along from server to server, and when it can leave one.

    request ──► HaltingFrontend ──► Asking (where it halts) ──► server
    client ◄── Answering (where it halts) ◄── HaltingBackend ◄── answer

A turn is the time from a client's first message of a transaction to the ReadyForQuery that ends it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from agroal.pipeline.evidence import Evidence, Trace, Traces
from agroal.pipeline.statements import Luggage, Statement, Statements
from agroal.wire.chosen import HaltingBackend, HaltingFrontend, TurnTally
from agroal.wire.scan import IDLE


class Turn:
    """The state of one client; `statements` are all that there are, of which a server keeps `most`."""

    def __init__(self, statements: Statements, most: int) -> None:
        self.known = statements
        self.most = most
        self.tally = TurnTally({})
        self.frontend = HaltingFrontend(self.tally)
        self.backend = HaltingBackend(self.tally)
        self.dialect: object = None
        """What texts mean to this client: the settings that it has."""
        self.names: dict[bytes, Statement] = {}
        """Its prepared statements."""
        self.going: deque[dict[bytes, Statement]] = deque()
        """Those that commands under way will deallocate, if they succeed."""
        self.aliases: dict[bytes, bytes] = {}
        """What the client calls what it deallocates, by the names that these have on servers."""
        self.voids: dict[bytes, Statement] = {}
        """What a DEALLOCATE of these names has instead of them."""
        self.retried = False
        """The batch that is under way is sent for the second time."""
        self.unnamed_evidence: tuple[bytes, Evidence] | None = None
        """What the text of its unnamed statement shows, if that is anything."""
        self.seen: list[Evidence] = []
        """Of the statements of this turn. Always this very list."""
        self.traces = Traces()
        self._errors = 0
        """That there had been when this was last looked at."""
        self.luggage = Luggage.none()
        """Of the server that it has now."""
        self.bound: dict[Statement, bytes] = {}
        """What is bound in the batch under way, and what the client calls that."""

    @property
    def unnamed_needs_more(self) -> bool:
        """The client's unnamed statement is one that has to be looked at whenever it is bound."""
        known = self.unnamed_evidence
        return known is not None and known[0] is self.tally.unnamed

    def is_over(self) -> bool:
        """Nothing is under way between the client and its server."""
        tally, frontend, backend = self.tally, self.frontend, self.backend
        return (
            tally.owed == 0
            and tally.status == IDLE
            and not tally.batch_open
            and not (frontend.skip or frontend.cut or backend.skip or backend.cut)
        )

    def leaves(self, reported: Collection[str]) -> set[Trace]:
        """What it leaves behind on its server, now that the turn is over. `reported`: settings that can be carried."""
        tally, traces = self.tally, self.traces
        while self.going:  # it was never executed
            self.names = self.going.pop() | self.names
        if tally.tags or self.seen:
            traces.weigh(tally.tags, self.seen, reported, failed=tally.errors != self._errors)
            self._errors = tally.errors
            tally.tags.clear()
            self.seen.clear()
        return traces.left
