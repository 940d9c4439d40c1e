"""The link of the performance pipeline: it moves bytes, and counts nothing but them.

So when its client has gone it does not know what the server still has to say. It asks for a word that nobody could have
known before, and what has been said when that has come is all that was left: answers come in order.
"""

from __future__ import annotations

import os
from typing import Final

from agroal.net.chosen import Channel, Flow
from agroal.net.link import Link
from agroal.wire.chosen import PlainBackend, PlainFrontend, Tally
from agroal.wire.codes import Backend, Status
from agroal.wire.fields import message
from agroal.wire.frontend import SYNC, query

WORD: Final = 16
"""Bytes of it."""
_BEGIN_AND_ROLL_BACK: Final = query("BEGIN") + query("ROLLBACK") + SYNC
"""What its client has left open must not be committed. A Sync alone would do that with a batch that had none; and BEGIN
spares PostgreSQL the warning that there is nothing to roll back.
"""


class PlainLink(Link):
    """A link that knows no messages but the goodbye."""

    tells_messages_apart = False

    def __init__(self, client: Channel, server: Channel, tally: Tally) -> None:
        super().__init__(client, server, tally)
        self.requests = Flow(self, client, server, PlainFrontend(tally))
        self.answers = Flow(self, server, client, PlainBackend(tally))
        tally.owed = 1  # as far as is known
        self._last_words = b""
        self._tail = b""

    async def hear_out(self, seconds: float, size: int) -> None:
        """Let the server say what it has to say, and then the word."""
        word = os.urandom(WORD).hex()
        row = b"\0\1" + len(word).to_bytes(4, "big") + word.encode()
        self._last_words = (
            message(Backend.DATA_ROW, row) + message(Backend.COMMAND_COMPLETE, b"SELECT 1\0") + b"Z\0\0\0\5"
        )
        try:
            self.server.write(_BEGIN_AND_ROLL_BACK + query(f"SELECT '{word}'"))
        except OSError:
            return
        await super().hear_out(seconds, size)

    def _overheard(self, received: int) -> None:
        expected = self._last_words
        self._tail = (self._tail + bytes(self.server.pump.buffer[:received]))[-len(expected) - 1 :]
        if self._tail[:-1] == expected and self._tail[-1] in tuple(Status):
            self.tally.status = self._tail[-1]
            self.tally.owed = 0
