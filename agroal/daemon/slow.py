"""How long clients' queries take, and `log_min_duration`: a line for each that took long, with no values in it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from agroal.config.model import Settings
from agroal.daemon.about import What, said
from agroal.management.times import duration, microseconds
from agroal.net.chosen import Stopwatch
from agroal.pipeline.fingerprint import fingerprint
from agroal.pipeline.statements import Statement
from agroal.wire.codes import Frontend

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")


def stopwatch(session: Session) -> Stopwatch:
    """One for this client, whose times go to those of its pool."""
    timing = session.daemon.timings.of(session.key)
    return Stopwatch(timing.query, timing.transaction, slowest(session.daemon.settings), partial(_slow, session))


def slowest(settings: Settings) -> float | None:
    """From how many seconds on it is logged; None: never."""
    return settings.log_min_duration or None


def _slow(session: Session, words: bytes, took: float) -> None:
    report(session, asked(words, session.taker.turn.names if session.taker else {}), took)


def asked(words: bytes, names: Mapping[bytes, Statement]) -> bytes:
    """The first statement in what a client sent; it may be cut off. `names`: its prepared statements."""
    at = 0
    while at + 5 <= len(words):
        behind = at + 1 + int.from_bytes(words[at + 1 : at + 5])
        first, _, rest = words[at + 5 : behind].partition(b"\0")
        second = rest.partition(b"\0")[0]
        match words[at]:
            case Frontend.QUERY:
                return first
            case Frontend.PARSE:
                return second
            case Frontend.BIND:
                known = names.get(second)
                return known.parse.partition(b"\0")[0] if known else b"execute " + second
        at = behind
    return b""


def report(session: Session, statement: bytes, took: float) -> None:
    """A statement of this client took so many seconds. `statement` is its text as the client sent it."""
    seen = fingerprint(statement)
    fields = said(event=What.SLOW_STATEMENT, seconds=round(took, 6), fingerprint=seen.digest, statement=seen.text)
    lasted = duration(microseconds(took))
    log.info("slow statement: %s, %s, fingerprint %s: %s", lasted, session, seen.digest, seen.text, extra=fields)
