"""One program at the management socket: its requests, one after the other, and what it has subscribed to.

Answers and pushes share the stream. Whoever has the turn writes one frame and waits until the kernel has taken all of
it, so there is never more than one unfinished frame. A push is made once it has the turn: a slow reader gets fewer
pushes, each of them fresh, and is told how many it missed. One that does not take a frame within `patience` seconds is
hung up on, as it would be for an answer.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agroal.errors import ManagementError
from agroal.management.audit import Answering
from agroal.management.commands import history
from agroal.management.commands.subscribe import Subscribed, Topic
from agroal.management.controls import Call
from agroal.management.wire import (
    MAX_REQUEST,
    Answer,
    BadRequest,
    Code,
    Decoder,
    Failure,
    Push,
    Request,
    decode_request,
    encode_answer,
    encode_push,
)

log = logging.getLogger("agroal.management")

_CHUNK = 1 << 16

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Manners:
    """How connections are treated."""

    patience: float = 10.0
    """Seconds in which a request that was begun must end, and a frame must be read."""
    sleep: Sleep = asyncio.sleep
    """Lets so many seconds of `Controls.now` pass."""


class Connection:
    """Converses with one program until it, or `patience`, ends that."""

    def __init__(
        self, reader: StreamReader, writer: StreamWriter, dispatcher: Answering, call: Call, manners: Manners
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._dispatcher = dispatcher
        self._call = call
        self._manners = manners
        self._turn = asyncio.Lock()
        self._pushing: asyncio.Task[None] | None = None
        self.resting = False
        """No request is under way."""
        self.closing = False
        """The request under way is the last."""
        # So that `drain` waits until everything has left. A TLS transport takes 0 for “always too much”. What it has
        # handed on to the transport under it counts as left, so there one frame more may be under way.
        writer.transport.set_write_buffer_limits(1 if writer.get_extra_info("sslcontext") else 0, 0)

    async def converse(self) -> None:
        """Raises OSError when the other end is gone, or does not read."""
        decoder = Decoder(MAX_REQUEST)
        try:
            while not self.closing and (body := await self._next(decoder)) is not None:
                await self._obey(body)
        except ManagementError as error:
            await self.refuse(error.code, str(error))
        finally:
            await self._stop_pushing()

    async def refuse(self, code: str, message: str) -> None:
        async with self._turn:
            await self._send(encode_answer(Answer(None, Failure(code, message))))

    async def _next(self, decoder: Decoder) -> bytes | None:
        self.resting = True
        try:
            return await self._request(decoder)
        finally:
            self.resting = False

    async def _request(self, decoder: Decoder) -> bytes | None:
        """The next request; None when the stream ends before it. Raises ManagementError: `timeout` or `too-long`."""
        if not decoder.halfway:
            decoder.feed(await self._reader.read(_CHUNK))
        try:
            async with asyncio.timeout(self._manners.patience):
                while (body := decoder.take()) is None:
                    if not (data := await self._reader.read(_CHUNK)):
                        return None
                    decoder.feed(data)
                return body
        except TimeoutError:
            message = f"a request was begun and not ended within {self._manners.patience:g} s"
            raise ManagementError(Code.TIMEOUT, message) from None

    async def _obey(self, body: bytes) -> None:
        request: Request | None = None
        try:
            request = decode_request(body)
        except BadRequest as error:
            answer = Answer(error.id, Failure(error.code, str(error)))
        else:
            answer = await self._dispatcher.answer(request, self._call)
        async with self._turn:
            await self._send(encode_answer(answer))
            if request and not isinstance(answer.outcome, Failure):
                self._follow(request, answer)

    def _follow(self, request: Request, answer: Answer) -> None:
        """What an answer means for this connection. We have the turn, so no push is half sent."""
        if self._pushing and request.verb in {"subscribe", "unsubscribe"}:
            self._pushing.cancel()
        if request.verb == "subscribe":
            terms = Subscribed.from_json(answer.outcome)
            self._pushing = asyncio.create_task(self._push(request.id, terms))

    async def _push(self, id: int | str, terms: Subscribed) -> None:
        try:
            await self._keep_pushing(id, terms)
        except OSError:
            pass  # gone, or does not read
        except Exception:
            log.exception("management: a subscription ended by our mistake")
        self._writer.transport.abort()

    async def _keep_pushing(self, id: int | str, terms: Subscribed) -> None:
        controls, interval, after = self._call.controls, terms.interval_ms / 1000, terms.after
        due = controls.now()
        while True:
            if Topic.SNAPSHOT in terms.topics:
                async with self._turn:
                    missed = int((controls.now() - due) / interval)
                    due += missed * interval
                    await self._send(encode_push(Push(id, Topic.SNAPSHOT, controls.snapshot().to_json(), missed)))
            if Topic.EVENTS in terms.topics:
                async with self._turn:
                    if events := tuple(controls.events(after)):
                        missed = events[0].seq - after - 1
                        after = events[-1].seq
                        happened = history.Happened(events)
                        await self._send(encode_push(Push(id, Topic.EVENTS, happened.to_json(), missed)))
            due += interval
            await self._manners.sleep(max(0.0, due - controls.now()))

    async def _send(self, frame: bytes) -> None:
        self._writer.write(frame)
        async with asyncio.timeout(self._manners.patience):
            await self._writer.drain()

    async def _stop_pushing(self) -> None:
        if self._pushing:
            self._pushing.cancel()
            await asyncio.wait([self._pushing])
