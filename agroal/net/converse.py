"""Holds a conversation over a channel: the pump feeds it, and a coroutine or a callback hears of its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, TypeVarTuple, cast

from agroal.errors import PeerGone
from agroal.net.alarm import Alarm, alarm
from agroal.net.chosen import Channel
from agroal.net.tls import TLS_HELLO, Handshake, TlsFailed, Upgrade, unnamed
from agroal.wire.codes import MAX_MESSAGE_BEFORE_LOGIN
from agroal.wire.talk import HELLO, SECURE, Conversation, Talk

Words = TypeVarTuple("Words")
T = TypeVar("T")

READ_AT_ONCE = 16_384
"""Bytes. A conversation is made of small messages, and reads little ahead."""


Finished = Callable[[T | None, Exception | None], None]
"""Takes a talk's outcome, or what ended it."""


async def converse(
    channel: Channel,
    talk: Talk[T],
    limit: int = MAX_MESSAGE_BEFORE_LOGIN,
    seconds: float | None = None,
    upgrade: Upgrade | None = None,
    *,
    at_once: bool = False,
) -> T:
    """Run the talk with the channel's peer; what it did not take stays in `channel.unread`.

    `upgrade`: how to encrypt the channel when the talk comes to that. `at_once`: the peer has probably spoken already.

    Raises what the talk raises, PeerGone when the peer hangs up in the middle, TimeoutError after so many seconds.
    """
    outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def finished(result: T | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(cast(T, result))
        else:
            outcome.set_exception(error)

    dialogue = Dialogue(channel, talk, finished, limit, upgrade)
    dialogue.start(seconds)
    if at_once:
        dialogue.look()
    try:
        return await outcome
    finally:
        dialogue.end()


class Dialogue(Generic[T]):
    """A talk with the channel's peer, for which nobody has to wait: `finished` is called once, unless it is ended.

    It is called with what `converse` returns or raises, and that may be before `start` returns.
    """

    __slots__ = ("_channel", "_conversation", "_finished", "_over", "_timer", "_upgrade")

    def __init__(
        self,
        channel: Channel,
        talk: Talk[T],
        finished: Finished[T],
        limit: int = MAX_MESSAGE_BEFORE_LOGIN,
        upgrade: Upgrade | None = None,
    ) -> None:
        self._channel = channel
        self._conversation = Conversation(talk, channel.unread, limit)
        self._finished = finished
        self._upgrade = upgrade
        self._over = False
        self._timer: Alarm | None = None
        channel.unread = b""

    def start(self, seconds: float | None = None, timer: Alarm | None = None) -> None:
        """Let the talk say what it has to say first. It has so many seconds, or as long as the `timer` is set for."""
        if timer:
            self._timer = timer
            timer.call = self._expire
        self._advance(self._conversation.start)
        self._listen()
        if seconds is not None and not self._over:
            self._timer = alarm(seconds, self._expire)

    def look(self) -> None:
        """Whether the peer has spoken already: then the pump need not say so."""
        if not self._over:
            self._readable()

    def end(self) -> None:
        """Whatever the talk has come to, it goes no further. Idempotent."""
        if self._over:
            return
        self._over = True
        if self._timer:
            self._timer.cancel()
        if not self._channel.closed:
            self._channel.ignore()
        self._conversation.close()

    def _listen(self) -> None:
        if not self._over and self._conversation.securing is not SECURE:
            self._channel.attend(self._readable, self._hung_up)

    def _readable(self) -> None:
        channel = self._channel
        if self._conversation.securing and not self._hear_hello():
            return
        view = channel.pump.view
        try:
            received = channel.sock.recv_into(view, READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            received = 0
        if received:
            self._advance(self._conversation.receive, view[:received])
        else:
            self._hung_up()

    def _hung_up(self) -> None:
        self._fail(PeerGone(f"{self._channel.label} closed the connection"))

    def _expire(self) -> None:
        self._fail(TimeoutError())

    def _advance(self, go_on: Callable[[*Words], None], *words: *Words) -> None:
        conversation = self._conversation
        failure: Exception | None = None
        try:
            go_on(*words)
        except Exception as error:
            failure = error
        out = conversation.to_send()
        try:
            if out:
                self._channel.write(out)
        except OSError:
            failure = PeerGone(f"{self._channel.label} closed the connection")
        if failure is not None:
            self._fail(failure)
        elif conversation.done:
            self._channel.unread = conversation.take_unread()
            self.end()
            self._finished(conversation.result, None)
        elif conversation.securing is SECURE:
            self._shake_hands()

    def _hear_hello(self) -> bool:
        """Whether the peer's first byte is not one of TLS: then its words can be read."""
        first = self._channel.peek()
        if first == TLS_HELLO:
            self._shake_hands()
        if first in (TLS_HELLO, None):
            return False
        self._advance(self._conversation.secured, False)
        return not self._over

    def _shake_hands(self) -> None:
        assert self._upgrade, "the talk offers what nobody can do"
        Handshake(self._channel, self._upgrade, self._secured)

    def _secured(self, error: TlsFailed | None) -> None:
        if error is None and self._conversation.securing is HELLO:
            error = unnamed(self._channel)
        if error:
            self._fail(error)
        elif not self._over:  # else it took too long
            self._advance(self._conversation.secured)
            self._listen()

    def _fail(self, error: Exception) -> None:
        if not self._over:
            self.end()
            self._finished(None, error)
