"""Holds a conversation over a channel: the pump feeds it, the coroutine awaits its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from agroal.errors import PeerGone
from agroal.net.pump import Channel
from agroal.net.tls import TLS_HELLO, Handshake, TlsFailed, Upgrade, unnamed
from agroal.wire.codes import MAX_MESSAGE_BEFORE_LOGIN
from agroal.wire.talk import Ask, Conversation, Talk

T = TypeVar("T")

READ_AT_ONCE = 16_384
"""Bytes. A conversation is made of small messages, and reads little ahead."""


async def converse(
    channel: Channel,
    talk: Talk[T],
    limit: int = MAX_MESSAGE_BEFORE_LOGIN,
    seconds: float | None = None,
    upgrade: Upgrade | None = None,
) -> T:
    """Run the talk with the channel's peer; what it did not take stays in `channel.unread`.

    `upgrade`: how to encrypt the channel when the talk comes to that.

    Raises what the talk raises, PeerGone when the peer hangs up in the middle, TimeoutError after so many seconds.
    """
    listener = _Listener(channel, Conversation(talk, channel.unread, limit), upgrade)
    channel.unread = b""
    timer = None
    try:
        listener.start()
        if seconds is not None and not listener.outcome.done():
            timer = asyncio.get_running_loop().call_later(seconds, listener.expire)
        return await listener.outcome
    finally:
        if timer:
            timer.cancel()
        if not channel.closed:
            channel.ignore()
        listener.conversation.close()


class _Listener(Generic[T]):
    """Between the pump and one conversation."""

    __slots__ = ("channel", "conversation", "outcome", "upgrade")

    def __init__(self, channel: Channel, conversation: Conversation[T], upgrade: Upgrade | None) -> None:
        self.upgrade = upgrade
        self.channel = channel
        self.conversation = conversation
        self.outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Let the talk say what it has to say first."""
        self._advance(self.conversation.start)
        self._listen()

    def _listen(self) -> None:
        if not self.outcome.done() and self.conversation.securing is not Ask.SECURE:
            self.channel.attend(self.readable, self.hung_up)

    def readable(self) -> None:
        """Feed what has come."""
        channel = self.channel
        if self.conversation.securing and not self._hear_hello():
            return
        view = channel.pump.view
        try:
            received = channel.sock.recv_into(view, READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            received = 0
        if received:
            self._advance(partial(self.conversation.receive, view[:received]))
        else:
            self.hung_up()

    def hung_up(self) -> None:
        """The peer is gone."""
        self._fail(PeerGone(f"{self.channel.label} closed the connection"))

    def expire(self) -> None:
        """It took too long."""
        self._fail(TimeoutError())

    def _advance(self, go_on: Callable[[], None]) -> None:
        conversation = self.conversation
        failure: Exception | None = None
        try:
            go_on()
        except Exception as error:
            failure = error
        out = conversation.to_send()
        try:
            if out:
                self.channel.write(out)
        except OSError:
            failure = PeerGone(f"{self.channel.label} closed the connection")
        if failure is not None:
            self._fail(failure)
        elif conversation.done:
            self.channel.ignore()
            self.channel.unread = conversation.take_unread()
            if not self.outcome.done():
                self.outcome.set_result(conversation.result)
        elif conversation.securing is Ask.SECURE:
            self._shake_hands()

    def _hear_hello(self) -> bool:
        """Whether the peer's first byte is not one of TLS: then its words can be read."""
        first = self.channel.peek()
        if first == TLS_HELLO:
            self._shake_hands()
        if first in (TLS_HELLO, None):
            return False
        self._advance(partial(self.conversation.secured, False))
        return not self.outcome.done()

    def _shake_hands(self) -> None:
        assert self.upgrade, "the talk offers what nobody can do"
        Handshake(self.channel, self.upgrade, self._secured)

    def _secured(self, error: TlsFailed | None) -> None:
        if error is None and self.conversation.securing is Ask.HELLO:
            error = unnamed(self.channel)
        if error:
            self._fail(error)
        elif not self.outcome.done():  # else it took too long
            self._advance(self.conversation.secured)
            self._listen()

    def _fail(self, error: Exception) -> None:
        if not self.channel.closed:
            self.channel.ignore()
        if not self.outcome.done():
            self.outcome.set_exception(error)
