"""What can go wrong for a client, and the reasons that agroal gives."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from agroal import errors
from agroal.errors import ClientFacing, ServerRefused
from agroal.pool.effects import CloseReason, RefuseReason
from agroal.pool.waiters import WaitReason
from agroal.reference.page import Blocks, Heading, Table, Text, doc, literal

REASONS: tuple[tuple[str, type[StrEnum]], ...] = (
    ("Why a client waits", WaitReason),
    ("Why a client leaves the queue without a connection", RefuseReason),
    ("Why a connection to PostgreSQL ends", CloseReason),
)


def page() -> Blocks:
    return (
        Text(
            "What agroal itself tells a client, as PostgreSQL would: an `ErrorResponse` with severity `FATAL`, a "
            "SQLSTATE, a message, and where it helps DETAIL and HINT. Then the connection ends. What PostgreSQL says "
            "passes through as it is."
        ),
        Heading("Errors"),
        Table(("error", "when", "SQLSTATE"), tuple((literal(e.__name__), doc(e), _sqlstate(e)) for e in told())),
        Text("The codes of refused verbs are in [management-protocol.md](management-protocol.md)."),
        *(block for title, reasons in REASONS for block in (Heading(title), _reasons(reasons))),
        Heading("States of a slot"),
        Text("[slots.md](slots.md) has the states of a connection to PostgreSQL, and every way from one to another."),
    )


def told() -> Iterator[type[ClientFacing]]:
    """Every error that can reach a client, in the order of their declaration."""
    for declared in vars(errors).values():
        if isinstance(declared, type) and issubclass(declared, ClientFacing) and declared is not ClientFacing:
            yield declared


def _sqlstate(error: type[ClientFacing]) -> str:
    return doc(ServerRefused.server_sqlstate) if issubclass(error, ServerRefused) else literal(error.sqlstate)


def _reasons(reasons: type[StrEnum]) -> Table:
    return Table(("reason", "in words"), tuple((literal(reason.name), reason.value) for reason in reasons))
