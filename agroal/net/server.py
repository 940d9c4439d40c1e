"""A connection to PostgreSQL that has logged in, and what is known of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agroal.auth.login import Greeting
from agroal.errors import ServerRefused
from agroal.net.alarm import Alarm
from agroal.net.chosen import Channel, Traffic
from agroal.net.converse import Dialogue, Finished, converse
from agroal.net.tls import Policy
from agroal.pipeline.outfit import Outfit
from agroal.pipeline.routine import Routine
from agroal.pipeline.statements import Luggage
from agroal.wire import backend
from agroal.wire.talk import T, Talk

if TYPE_CHECKING:
    from agroal.net.dial import Address

SERVER_MESSAGE_LIMIT = 1 << 20
"""Bytes of one message of a server while we talk to it ourselves."""


class Server:
    """A connection to PostgreSQL that has logged in."""

    __slots__ = (
        "_told",
        "_welcome",
        "address",
        "base",
        "cancel_key",
        "cancels",
        "channel",
        "fit",
        "luggage",
        "others",
        "outfit",
        "parameters",
        "pid",
        "policy",
        "routine",
        "totals",
        "wanted",
        "worn",
    )

    def __init__(self, channel: Channel, address: Address, greeting: Greeting, policy: Policy | None = None) -> None:
        self.channel = channel
        self.address = address
        self.policy = policy if channel.encrypted else None
        """How its cancel requests are encrypted, if it is itself."""
        self.parameters = greeting.parameters
        """Its reported settings, kept up to date."""
        self.base = dict(greeting.parameters)
        """What it reports to a client that asks for nothing."""
        self.outfit: Outfit | None = None
        """Whose settings it has, if that is known; of clients of the transaction pipeline."""
        self.others: dict[str, str] = {}
        """What it has of their settings that it does not report."""
        self.luggage = Luggage.none()
        """What it has on it of them."""
        self.wanted: Mapping[str, str] = {}
        """The settings that its last client had asked for."""
        self.worn: Mapping[str, str] = {}
        """What it wears of those while it is free, and what was underneath (pipeline/between.py)."""
        self.routine: tuple[str, Mapping[str, str], int, Routine] | None = None
        """Its last reset, with what that was chosen by: the query, `wanted`, and how many settings it reported."""
        self.pid = greeting.pid
        self.cancel_key = greeting.cancel_key
        self.cancels: set[asyncio.Task[None]] = set()
        """Cancel requests under way: the server goes to nobody else before they have been answered."""
        self.fit = True
        """False once a conversation with it has failed half-way: it is not used again."""
        self.totals = Traffic()
        """Of the sessions that have ended on it."""
        self._told: dict[str, str] = {}
        self._welcome = backend.welcome(self._told)

    def __repr__(self) -> str:
        return f"<Server {self.address} pid={self.pid}>"

    @property
    def welcome(self) -> bytes:
        """What its next client is told: its settings, and that it is ready."""
        if self._told != self.parameters:
            self._told = dict(self.parameters)
            self._welcome = backend.welcome(self._told)
        return self._welcome

    def talk(self, talk: Talk[T], seconds: float | None, finished: Finished[T], *, timer: Alarm | None = None) -> None:
        """As `converse`, and `finished` hears what it returns or raises. `timer`: one that is set for it already."""

        def ended(result: T | None, error: Exception | None) -> None:
            if error is not None and not isinstance(error, ServerRefused):
                self.fit = False
            finished(result, error)

        Dialogue(self.channel, talk, ended, SERVER_MESSAGE_LIMIT).start(seconds, timer)

    async def converse(self, talk: Talk[T], seconds: float) -> T:
        """Talk to the server between two clients. Raises what the talk raises, PeerGone, TimeoutError.

        Whatever fails but PostgreSQL's own refusal leaves it unfit for use.
        """
        try:
            return await converse(self.channel, talk, SERVER_MESSAGE_LIMIT, seconds)
        except ServerRefused:
            raise
        except BaseException:
            self.fit = False
            raise
