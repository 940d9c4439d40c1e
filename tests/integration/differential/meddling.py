"""Two more clients of a pool of two servers. Between the steps of a script they drive its client from one server to the
other, and use both for themselves: with statements of the same names that say something else, and other settings.

One of them always holds a server, in a transaction. It lets go of it when the other has got, or waits for, the server
that the script's client has left: that one finds itself on the other server with its next transaction. A client that
keeps its server is in nobody's way: then the two take turns on the server that is left.

They see what the script's client leaves behind on the servers that it had. It should be nothing.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from tests.integration.by_hand import Guest, query
from tests.integration.daemon import Agroal
from tests.integration.differential.words import bind, close_statement, execute, parse
from tests.integration.postgres import Login
from tests.unit.wire.messages import SYNC

NAMES = ("", "s", "a", "b")
"""The statements of scripts have these names, too."""
TRACES = """
SELECT concat_ws(' ',
    (SELECT count(*) FROM pg_cursors),
    (SELECT count(*) FROM pg_listening_channels()),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
    (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),
    (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
    current_setting('work_mem'), current_setting('statement_timeout'), current_setting('TimeZone'))
"""
NO_TRACES = "0 0 0 0 0 4MB 0 Asia/Tokyo"


class Meddlers:
    """`meddle` is what they do between two steps."""

    def __init__(self, pool: Agroal, login: Login) -> None:
        self._holding, self._waiting = (
            Guest(pool, login, application_name=f"meddler {n}", timezone="Asia/Tokyo") for n in range(2)
        )

    def __enter__(self) -> Self:
        self._holding.enter()
        self._waiting.enter()
        self._holding.query("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not error:
                self.meddle()
                self.meddle()  # now both servers have been looked at
        finally:
            for client in (self._holding, self._waiting):
                client.terminate()

    def meddle(self) -> None:
        holding, waiting = self._holding, self._waiting
        waiting.say(query("BEGIN"))
        _use(holding)  # when this is done, the pool has heard what the other asked for
        holding.query("COMMIT")
        waiting.answer()
        _use(waiting)
        self._holding, self._waiting = waiting, holding


def _use(client: Guest) -> None:
    """Prepare and run statements of its own. It hears its own answers."""
    for name in NAMES:
        client.say(close_statement(name), parse(name, f"SELECT 'the meddler''s {name}', $1"), SYNC)
        client.say(bind("", name, ["mine"]) + execute() + SYNC)
    rows = [body for _ in range(2 * len(NAMES)) for kind, body in client.answer() if kind == "D"]
    expected = [f"the meddler's {name}".encode() for name in NAMES]
    assert [row[6:-8] for row in rows] == expected, f"a meddler heard {rows}"
    assert client.query(TRACES) == [NO_TRACES], "a server was handed on that was not clean"
