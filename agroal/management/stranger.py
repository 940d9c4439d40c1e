"""Somebody at the management port who has not proved who they are: what they send until they have.

They may send a few short frames, one after the other, and nothing but `authenticate`. The first mistake is the last.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from agroal.auth.guesses import Guesses
from agroal.errors import AuthenticationFailed, ClientFacing, ManagementError, ProtocolViolation
from agroal.management.admission import AUTHENTICATE, Admitted, Arrival, Register, admit
from agroal.management.connection import Sleep
from agroal.management.neutral import NAME, neutral
from agroal.management.stream import Offer, Stream
from agroal.management.wire import (
    Answer,
    BadRequest,
    Code,
    Decoder,
    Failure,
    Request,
    decode_request,
    encode_answer,
)

log = logging.getLogger("agroal.management")

MAX_FRAME: Final = 4096
"""Bytes of a request before somebody was let in."""


class Door(Register, Protocol):
    """What the daemon knows of who comes, and wants to know."""

    @property
    def offer(self) -> Offer | None:
        """What is offered; None without TLS."""

    @property
    def timeout(self) -> float:
        """Seconds in which a stranger must be let in."""

    def now(self) -> float:
        """Monotonic seconds."""

    def token(self, length: int) -> bytes:
        """Random bytes."""

    def refused(self, user: str, host: str, why: str) -> None:
        """Somebody was not let in: to be counted."""

    def handshake_failed(self) -> None:
        """A TLS handshake came to nothing: to be counted."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the door is kept."""

    door: Door
    guesses: Guesses
    sleep: Sleep
    """Lets so many seconds of `door.now` pass."""


class Stranger:
    """`admitted` is the whole of it."""

    def __init__(self, stream: Stream, arrival: Arrival, label: str, watch: Watch, until: float) -> None:
        """`until`: when their time is over, by `door.now`. `label` is where they come from, for the log."""
        self._stream = stream
        self._arrival = arrival
        self._watch = watch
        self._until = until
        self._label = label
        self._user = ""
        self._decoder = Decoder(MAX_FRAME)
        self._id: int | str | None = None
        """Of the request that is not answered yet."""

    async def admitted(self) -> Admitted | None:
        """Who it is; None when they were refused, and told why, or have gone. Raises OSError."""
        try:
            return await self._prove()
        except (ClientFacing, ManagementError) as error:
            self._count(error)
            await self.refuse(*_told(error))
        return None

    async def refuse(self, code: str, message: str) -> None:
        """The last thing that they are told."""
        user = neutral(self._user, NAME)
        log.warning("%s is refused: user=%s: %s: %s", self._label, user, code, neutral(message))
        await self._send(Answer(self._id, Failure(code, message)))

    async def _prove(self) -> Admitted | None:
        door, arrival = self._watch.door, self._arrival
        if door.offer and not arrival.encrypted and not _is_loopback(arrival):
            raise ManagementError(Code.DENIED, "TLS is required at this port")
        proof = admit(arrival, door, door.token(18).hex())
        result = next(proof)
        while (args := await self._args()) is not None:
            if not self._user:
                self._user = str(args.get("user", ""))
                await self._wait()
            try:
                result = proof.send(args)
            except StopIteration as done:
                admitted: Admitted = done.value
                if self._decoder.halfway:
                    raise ManagementError(Code.MALFORMED, "nothing may follow before the answer") from None
                await self._send(Answer(self._id, admitted.result))
                return admitted
            await self._send(Answer(self._id, result))
        return None

    async def _wait(self) -> None:
        """Who comes from where many have failed is not looked at before it is their turn."""
        address, now = self._arrival.peer.address, self._watch.door.now()
        assert address
        wait = self._watch.guesses.due(address, now, self._until - now)
        if wait is None:
            raise ManagementError(Code.BUSY, f"too many logins from {address} have failed: try again later")
        if wait:
            await self._watch.sleep(wait)

    async def _args(self) -> Mapping[str, Any] | None:
        """Of the next request; None when the stream ends before it."""
        while (body := self._decoder.take()) is None:
            if not (data := await self._stream.reader.read(MAX_FRAME)):
                return None
            self._decoder.feed(data)
        request = self._read(body)
        self._id = request.id
        if request.verb != AUTHENTICATE:
            raise ManagementError(Code.DENIED, f"“{AUTHENTICATE}” comes first")
        return request.args

    def _read(self, body: bytes) -> Request:
        try:
            return decode_request(body)
        except BadRequest as error:
            self._id = error.id
            raise

    async def _send(self, answer: Answer) -> None:
        self._stream.writer.write(encode_answer(answer))
        await self._stream.writer.drain()

    def _count(self, error: ClientFacing | ManagementError) -> None:
        peer, door = self._arrival.peer, self._watch.door
        if isinstance(error, ClientFacing) and not isinstance(error, ProtocolViolation):
            door.refused(self._user, peer.host, error.message)
        if isinstance(error, AuthenticationFailed) and peer.address:
            self._watch.guesses.failed(peer.address, door.now())


def _is_loopback(arrival: Arrival) -> bool:
    return arrival.peer.address is not None and arrival.peer.address.is_loopback


def _told(error: ClientFacing | ManagementError) -> tuple[str, str]:
    match error:
        case ManagementError():
            return error.code, str(error)
        case ProtocolViolation():
            return Code.MALFORMED, f"{error.message}: {error.detail}" if error.detail else error.message
    return Code.DENIED, error.message
