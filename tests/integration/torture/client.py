"""One session of a client that knows what it asked for, and so what it must be told, word for word."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from random import Random

from tests.integration.torture import wire
from tests.integration.torture.wire import Said, Wire
from tests.unit.wire.messages import SYNC, startup

_CANCELLED = "57014"
_LOST = ("57P01", "57P02", "57P03", "08000", "08003", "08006")
"""What a client may hear whose server was killed."""


class Crossed(AssertionError):
    """A client was told what is not its own, or not what it asked for."""


class Died(Exception):
    """The connection was ended by the other side, which others have brought about. The SQLSTATE, if one was given."""


class Dismissed(Exception):
    """A cancel request of ours took us out of the queue."""


class Interrupted(Exception):
    """What was asked was cancelled, and everything else has been answered."""


class Client:
    """A session. `name` is unlike all others, and in everything that it says."""

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.random = random
        self.wire = Wire()
        self.key = b""
        self.status = ""
        """The transaction status that was told last."""
        self.was_cancelled = False
        self.parameters: dict[str, str] = {}
        self.settings: dict[str, str] = {}
        """Those that it has asked for."""
        self.statements: dict[str, str] = {}
        """Its prepared statements: which token each of them gives."""
        self.channels: set[str] = set()
        self.notified: list[tuple[str, str]] = []
        self.transcript = deque[str](maxlen=40)
        """What was said and heard last, to show."""
        self._asked_simply = False
        self._tokens = count()

    def token(self) -> str:
        """What nobody else has said before."""
        return f"{self.name}-{next(self._tokens)}-{self.random.randrange(1 << 30):x}"

    async def enter(self, host: str, port: int, user: str, database: str) -> None:
        """Come in, with settings of its own at times."""
        self.settings = {"application_name": self.token()}
        if self.random.random() < 0.5:
            self.settings["TimeZone"] = self.random.choice(ZONES)
        who = {"user": user, "database": database, **self.settings}
        await asyncio.get_running_loop().create_connection(lambda: self.wire, host, port)
        self.wire.say(startup(*(word for pair in who.items() for word in pair)))
        while (said := await self.hear()) != wire.READY:
            if said != ("R",):
                raise self.crossed("expected to be let in")
        self.check_settings()

    async def ask(self, data: bytes, *expected: Said) -> None:
        """Say it, and hear exactly what is expected. Raises Crossed, Died, Interrupted, BrokeOff."""
        self._asked_simply = data.startswith(b"Q")
        if self._asked_simply:
            self.statements.pop("", None)
        self.say(data)
        await self.expect(*expected)

    def say(self, data: bytes) -> None:
        """Raises BrokeOff."""
        self.transcript.append(f"said {_short(data)}")
        self.wire.say(data)

    async def expect(self, *expected: Said) -> None:
        """Hear exactly this. Raises Crossed, Died, Interrupted, BrokeOff."""
        for at, wanted in enumerate(expected):
            said = await self.hear()
            if said == wanted:
                continue
            if said[0] != "E":
                raise self.crossed(f"expected {_short(wanted)}, and not the last message")
            self._excuse(said, expected)
            await self._hear_out([wanted for wanted in expected[at:] if wanted[0] == "Z"])
            raise Interrupted

    async def hear(self) -> Said:
        """The next message that answers something. Raises Died, Crossed."""
        while True:
            try:
                kind, body = await self.wire.hear()
            except EOFError:
                raise Died("without a word") from None
            match kind:
                case "S":
                    name, value, _ = body.decode().split("\0")
                    self.parameters[name] = value
                case "K":
                    self.key = body
                case "N":
                    pass
                case "A":
                    self._notify(body)
                case _:
                    said = wire.understand(kind, body)
                    self.transcript.append(f"heard {_short(said)}")
                    if kind == "Z":
                        self.status = str(said[1])
                    if kind == "E" and wire.fields(body)["V"] == "FATAL":
                        raise self._last_words(str(said[1]), wire.fields(body)["M"])
                    return said

    async def has_recovered(self) -> bool:
        """After an interruption: the transaction is ended, and question and answer are in step. False at another."""
        token = self.token()
        answer = (wire.columns("c"), wire.row(token), wire.tag("SELECT 1"), wire.READY)
        try:
            if self.status != "I":
                await self.ask(wire.query("ROLLBACK"), wire.tag("ROLLBACK"), wire.READY)
            await self.ask(wire.query(f"SELECT '{token}' AS c"), *answer)
        except Interrupted:
            return False
        return True

    def check_settings(self) -> None:
        """What it was told of the server's settings is what it asked for."""
        told = {name: self.parameters.get(name) for name in self.settings}
        if told != self.settings:
            raise self.crossed(f"has the settings {self.settings} and was told of {told}")

    def expect_notification(self, channel: str, payload: str) -> None:
        """It came last, before the transaction was reported as done."""
        if not self.notified or self.notified[-1] != (channel, payload):
            raise self.crossed(f"expected {payload} on {channel}, and was notified of {self.notified}")

    def _excuse(self, said: Said, expected: object) -> None:
        """Raises Crossed unless the error is the work of a cancel request for this very client."""
        if said != wire.error(_CANCELLED) or not self.was_cancelled:
            raise self.crossed(f"expected {_short(expected)}")

    async def _hear_out(self, owed: list[Said]) -> None:
        if not owed:
            if not self._asked_simply:
                self.say(SYNC)
            owed = [wire.READY]
        for _ in owed:
            while (await self.hear())[0] != "Z":
                pass

    def _last_words(self, sqlstate: str, words: str) -> Exception:
        if sqlstate == _CANCELLED and self.was_cancelled:
            return Dismissed()
        if sqlstate in _LOST:
            return Died(sqlstate)
        return self.crossed(f"was thrown out with {sqlstate} {words}")

    def crossed(self, what: str) -> Crossed:
        """The error that says so, and what went before."""
        return Crossed("\n  ".join([f"{self.name} {what}:", *self.transcript]))

    def _notify(self, body: bytes) -> None:
        channel, payload, _ = body[4:].decode().split("\0")
        if channel not in self.channels or not payload.startswith(self.name):
            raise self.crossed(f"listens to {self.channels} and heard {payload} on {channel}")
        self.notified.append((channel, payload))


ZONES = ("Asia/Tokyo", "Europe/Berlin", "America/Lima", "UTC")


def _short(said: object) -> str:
    text = repr(said)
    return text if len(text) < 400 else f"{text[:300]}… ({len(text)} characters)"
