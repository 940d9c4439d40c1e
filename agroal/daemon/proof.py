"""The proof by SCRAM of a client that sends each of its messages in one piece, as they all do.

What the messages say is for `auth`; here is no more than who has the word. A client that sends a message in pieces, or
none that has a place here, is listened to by a dialogue from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agroal.auth.accept import SCRAM_STEPS, by_scram
from agroal.auth.scram import MECHANISM, ServerExchange
from agroal.errors import PeerGone
from agroal.net.alarm import Alarm
from agroal.net.chosen import Channel
from agroal.net.converse import READ_AT_ONCE, Dialogue
from agroal.wire.backend import authentication_sasl
from agroal.wire.codes import MAX_MESSAGE_BEFORE_LOGIN, Frontend

_ASK: Final = authentication_sasl([MECHANISM])
"""There is nothing to bind it to: the channel is not encrypted."""


class Proof:
    """`finished` is called once, unless it is ended: with what is still to be told to the client, which others may put
    their words behind, and with what went wrong.
    """

    __slots__ = ("_channel", "_dialogue", "_finished", "_step", "_timer", "exchange")

    def __init__(
        self,
        channel: Channel,
        exchange: ServerExchange,
        timer: Alarm,
        finished: Callable[[bytes, Exception | None], None],
    ) -> None:
        self.exchange = exchange
        self._channel = channel
        self._timer = timer
        self._finished = finished
        self._step = 0
        self._dialogue: Dialogue[None] | None = None

    def start(self) -> None:
        """Ask for it."""
        if self._says(_ASK):
            self._channel.attend(self._readable, self._go_the_long_way)

    def end(self) -> None:
        """It goes no further."""
        self._timer.cancel()
        if self._dialogue:
            self._dialogue.end()
        else:
            self._channel.ignore()

    def _readable(self) -> None:
        said = self._channel.take(READ_AT_ONCE)
        if said is None:
            return
        if not _is_whole(said):
            self._channel.unread = said
            self._go_the_long_way()
            return
        try:
            answer = SCRAM_STEPS[self._step](self.exchange, said[5:])
        except Exception as error:
            self._end(error=error)
            return
        self._step += 1
        if self._step == len(SCRAM_STEPS):
            self._end(answer)
        else:
            self._says(answer)

    def _says(self, words: bytes) -> bool:
        try:
            self._channel.write(words)
        except OSError:
            self._end(error=PeerGone(f"{self._channel.label} closed the connection"))
            return False
        return True

    def _end(self, verdict: bytes = b"", error: Exception | None = None) -> None:
        self.end()
        self._finished(verdict, error)

    def _go_the_long_way(self) -> None:
        talk = by_scram(self.exchange, self._step)
        self._dialogue = Dialogue(self._channel, talk, lambda _, error: self._finished(b"", error))
        self._dialogue.start(timer=self._timer)


def _is_whole(said: bytes) -> bool:
    """Whether this is one message, and one that may have a proof in it."""
    if not 5 <= len(said) <= MAX_MESSAGE_BEFORE_LOGIN or said[0] != Frontend.PASSWORD:
        return False
    return int.from_bytes(said[1:5]) == len(said) - 1
