"""The walk of the performance pipeline: where the client's goodbye is, and what a server says when it dies.

Of what the server sends not even the messages are told apart. So nothing is counted, and nothing is known of the server
in the end: it has to be asked (`net.plain`).
"""

from __future__ import annotations

from typing import Final

from agroal.wire.codes import Backend
from agroal.wire.fields import parse_fields
from agroal.wire.scan import FRONTEND_ACTIONS, HEADER, TERMINATE, Scanner, _header, _violation

ERROR_RESPONSE: Final = int(Backend.ERROR_RESPONSE)


class PlainFrontend(Scanner):
    """Walks what a client sends. All of it is for the server, except Terminate and what is behind it."""

    __slots__ = ()

    def walk(self, buffer: bytearray | bytes, end: int) -> int:
        at = self._mend(buffer, end) if self.cut else self.skip
        while end - at >= HEADER:
            kind, length = _header(buffer, at)
            if length < 4 or not FRONTEND_ACTIONS[kind]:
                raise _violation("client", kind, length)
            if kind == TERMINATE:
                self.skip = 0
                return at
            at += length + 1
        if at >= end:
            self.skip = at - end
        elif buffer[at] == TERMINATE:
            self.skip = 0
            return at
        else:
            self._keep(bytes(buffer[at:end]), HEADER)
        return end


class PlainBackend(Scanner):
    """Lets everything pass."""

    __slots__ = ()

    def walk(self, buffer: bytearray | bytes, end: int) -> int:
        if buffer[0] == ERROR_RESPONSE:
            note_death(self.tally, bytes(buffer[:end]))
        return end


def note_death(tally: object, said: bytes) -> None:
    """What begins like an ErrorResponse may be the server's last word."""
    fields = parse_fields(said[HEADER:])
    if fields.get("V", fields.get("S")) in ("FATAL", "PANIC"):
        tally.fatal = f"{fields.get('C', '?????')} {fields.get('M', '')}"  # type: ignore[attr-defined]
