"""A client of the transaction pipeline, and the servers that it has in turn.

The client's channel stays attended for its whole life. When it says something and has no server, one is taken; when the
answer that ends its transaction has come, the server is given back. Both are plain calls: no task is woken for a
transaction. Who takes and gives is the Broker (`daemon.taking`); a server comes at once, or later.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any, Protocol

from agroal.errors import ClientFacing, ProtocolViolation
from agroal.net.chosen import Hand, Stopwatch
from agroal.net.link import Link, Parting
from agroal.net.pump import Channel, nothing
from agroal.net.relays import Answers, Requests
from agroal.pipeline.turn import Turn


class Broker(Protocol):
    """Who has servers."""

    def take(self) -> bool:
        """The client has something to say. True when it has a server now.

        Otherwise what it has said was stashed, and `Turns.go_on` follows.
        """

    def rest(self) -> None:
        """The turn is over: the server goes back, unless the client has to keep it."""

    def prepare(self, lease: Any) -> None:
        """The client waits, and is to have this server; `Turns.go_on` follows."""

    def enroll(self, since: float) -> None:
        """The client has stood in line since then. It waits in the pool's queue from now on."""

    def leave_queue(self) -> None:
        """The client does not wait any more."""


class Place(Enum):
    """Where a client is."""

    IDLE = "it has no server, and wants none"
    WAITING = "it waits for a server"
    JOINED = "it has a server"


class Turns(Link):
    """A link whose server comes and goes."""

    requests: Requests  # type: ignore[assignment]
    answers: Answers  # type: ignore[assignment]

    def __init__(self, client: Channel, turn: Turn) -> None:
        self.client = client
        self.turn = turn
        self.tally = turn.tally
        self.broker: Broker
        """To be set before it starts."""
        self.refusal: ClientFacing | None = None
        self.violation: ProtocolViolation | None = None
        self.promised = False
        """Its server is being prepared: whatever the client does meanwhile is seen to when that is there."""
        self.hand = Hand(self, client, turn)
        self.requests = self.hand.requests
        self.answers = self.hand.answers
        self._giving_up: asyncio.TimerHandle | None = None
        self._patience = 0

    def measure(self, watch: Stopwatch) -> None:
        self.watch = self.hand.watch = watch

    @property
    def place(self) -> Place:
        """Where its client is."""
        if self.hand.holds:
            return Place.JOINED
        return Place.WAITING if self.requests.waiting else Place.IDLE

    def take(self) -> bool:
        """The client has said something and has no server: whether it has one now."""
        return self.broker.take()

    def start(self) -> None:
        """Listen to the client, to that first which it sent ahead."""
        self.client.on_drained = self._client_drained
        self.client.attend(self.requests.relay, self._client_hung_up)
        if self.client.unread:
            self.go_on()

    def stash(self) -> None:
        """The client has to wait with what it said."""
        self.requests.stash()

    def go_on(self) -> None:
        """The client may say what it was stopped at."""
        self.hand.go_on()

    def heard_while_waiting(self) -> None:
        """It has said more, or hung up. What it says stays where it is."""
        if self.promised:
            self.client.pump.forget(self.client)
        elif self.client.peek():
            self.client.pause(until_end=True)
        else:
            self.part(Parting.CLIENT_GONE)

    def keep_promise(self) -> None:
        """The server that was being prepared is there, or lost."""
        self.promised = False
        self.client.resume()

    def refuse(self, error: ClientFacing) -> None:
        """The client has to go, and this is why."""
        if not self.parting:
            self.refusal = error
            self.part(Parting.REFUSED)

    def part(self, parting: Parting) -> None:
        if self.parting:
            return
        if self.requests.waiting:
            self.broker.leave_queue()
        self.turn.frontend.cut = b""  # which no server has seen
        if self.hand.holds:
            self.server = self.hand.holds.channel
            super().part(parting)
        else:
            self.client.on_drained = nothing
            self.client.ignore()
            self._end(parting)

    def source_ended(self, flow: object) -> None:
        self.part(Parting.CLIENT_GONE if flow is self.requests else Parting.SERVER_LOST)

    def sink_gone(self, flow: object) -> None:
        if flow is self.answers:
            self.part(Parting.CLIENT_GONE)
        else:
            assert self.hand.holds
            self.server = self.hand.holds.channel
            self._hear_last_words()

    def violated(self, flow: object, error: ProtocolViolation) -> None:
        self.violation = error
        self.part(Parting.CLIENT_VIOLATION if flow is self.requests else Parting.SERVER_VIOLATION)

    def terminated(self, flow: object) -> None:
        self.part(Parting.TERMINATED)

    def again(self, batch: bytes) -> None:
        """The server has to be sent this once more."""
        self.turn.retried = True
        self.client.pump.buffer[: len(batch)] = batch
        self.requests.pass_on(len(batch))

    def rest(self) -> None:
        """The turn is over."""
        self.broker.rest()

    def prepare(self, lease: object) -> None:
        """A server for it, which has other settings."""
        self.broker.prepare(lease)

    def enroll(self, since: float) -> None:
        """It has stood in line since then, and has to wait elsewhere."""
        self.broker.enroll(since)

    def server_hung_up(self) -> None:
        """The server is gone."""
        assert self.hand.holds
        self.server = self.hand.holds.channel
        self._server_hung_up()

    def _client_hung_up(self) -> None:
        if self.promised:
            self.client.pump.forget(self.client)
        else:
            super()._client_hung_up()

    def _client_drained(self) -> None:
        if self.hand.holds:
            self.hand.holds.channel.resume()

    def _overheard(self, received: int) -> None:
        self.answers.overhear(bytes(self.server.pump.buffer[:received]))
