"""`flush idle`, `flush gracefully`, `flush all`: server connections are closed, of one database or of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.commands.databases import of_word, spoken
from agroal.management.controls import Call, Flushed
from agroal.management.phrases import are, counted
from agroal.management.record import Name, Record, Token
from agroal.management.times import duration
from agroal.pool.flushing import FlushMode


@dataclass(frozen=True, slots=True)
class Flush(Record):
    mode: Token
    database: Name | None
    """None: all of them."""
    closed: int
    marked: int
    killed: int
    abandoned: int
    timeout_us: int | None


async def idle(call: Call, database: str | None = None) -> Flush:
    return _flush(call, FlushMode.IDLE, database, None)


async def gracefully(call: Call, database: str | None = None, timeout: float | None = None) -> Flush:  # noqa: ASYNC109
    return _flush(call, FlushMode.GRACEFULLY, database, timeout)


async def all_(call: Call, database: str | None = None) -> Flush:
    return _flush(call, FlushMode.ALL, database, None)


def text(flush: Flush, dry_run: bool) -> Iterator[str]:
    latest = "" if flush.timeout_us is None else f", in {duration(flush.timeout_us)} at the latest"
    parts = (
        (flush.closed, "idle connection", "closed"),
        (flush.marked, "leased connection", f"closed on return{latest}"),
        (flush.killed, "leased connection", "closed while in use"),
        (flush.abandoned, "new connection", "closed once open"),
    )
    happens = [f"{counted(count, noun)} {are(count, dry_run)} {how}" for count, noun, how in parts if count]
    yield f"{spoken(flush.database)}: {'; '.join(happens) or 'there is no connection to close'}"


def _flush(call: Call, mode: FlushMode, word: str | None, timeout: float | None) -> Flush:
    database = of_word(word)
    done: Flushed = call.controls.flush(mode, database, timeout, dry_run=call.dry_run)
    return Flush(mode, database, done.closed, done.marked, done.killed, done.abandoned, done.timeout_us)
