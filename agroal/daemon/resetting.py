"""The reset of a server that owes nothing, and in which no transaction is open.

It is the one thing that is said to a server for each client. As long as it answers as it always does (pipeline/
routine.py), nothing is parsed; else a dialogue goes on with what it has said.
"""

from __future__ import annotations

from collections.abc import Mapping

from agroal.net.alarm import Alarm, alarm
from agroal.net.converse import READ_AT_ONCE, Finished
from agroal.net.server import Server
from agroal.pipeline.between import reset
from agroal.pipeline.routine import Routine, recorded, routine
from agroal.wire.codes import Status

Worn = Mapping[str, str]


def _routine_of(server: Server, query: str) -> Routine:
    """The one of before, as long as nothing that it was chosen by is another."""
    wanted, size = server.wanted, len(server.parameters)  # whose names only become more
    if before := server.routine:
        its_query, its_wanted, its_size, found = before
        if its_wanted is wanted and its_size == size and its_query == query:
            return found
    found = routine(query, wanted, server.parameters)
    server.routine = query, wanted, size, found
    return found


class Reset:
    """`finished` is called once, with what `between.reset` returns or raises."""

    __slots__ = ("_finished", "_query", "_routine", "_said", "_server", "_timer")

    def __init__(self, server: Server, query: str, finished: Finished[Worn]) -> None:
        self._server = server
        self._query = query
        self._finished = finished
        self._routine = _routine_of(server, query)
        self._said = b""
        self._timer: Alarm

    def start(self, seconds: float) -> None:
        """It has so many seconds."""
        channel = self._server.channel
        self._timer = alarm(seconds, self._expire)
        try:
            channel.write(self._routine.request)
        except OSError:
            self._go_the_long_way()
        else:
            channel.attend(self._readable, self._go_the_long_way)

    def _readable(self) -> None:
        server = self._server
        channel = server.channel
        said = channel.take(READ_AT_ONCE)
        if said is None:
            return
        self._said = said if not self._said else self._said + said
        worn = self._routine.follow(self._said, server.parameters)
        if worn is not None:
            self._timer.cancel()
            channel.ignore()
            self._finished(worn, None)
        elif not said or not self._routine.goes_on(self._said):
            self._go_the_long_way()

    def _expire(self) -> None:
        self._server.channel.ignore()
        self._server.fit = False
        self._finished(None, TimeoutError())

    def _go_the_long_way(self) -> None:
        """Understand what it says. That the server is gone is found out there as well."""
        server, heard = self._server, list[bytes]()
        talk = recorded(reset(Status.IDLE, self._query, server.parameters, server.wanted), heard)
        next(talk)  # which is the request

        def ended(worn: Worn | None, error: Exception | None) -> None:
            if worn is not None and self._routine.is_worn(worn):
                self._routine.learn(b"".join(heard))
            self._finished(worn, error)

        server.channel.unread = self._said
        server.talk(talk, None, ended, timer=self._timer)
