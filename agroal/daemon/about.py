"""What a line of the log is about, for programs: a small vocabulary, each word of it declared once.

    log.info("connect: %s", session, extra=said(event=What.CONNECT))

A line has what its call says, and what is known of the clients and servers among its arguments; whoever writes the
text has nothing else to do for it. In JSON the fields are members beside the message, in the journal they are called
`AGROAL_…`.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import singledispatch
from typing import Annotated, Final, TypedDict, Unpack, cast

from agroal.net.server import Server

_KEPT: Final = "agroal"
"""The attribute of a record that has its fields."""


class What(StrEnum):
    """What happened, beside the events that the management protocol knows."""

    CONNECT = "connect"
    DISCONNECT = "disconnect"
    REFUSED = "refused"
    VIOLATION = "violation"
    """Of the protocol."""
    CONNECT_FAILED = "connect-failed"
    """To a server."""
    SERVER_CLOSED = "server-closed"
    STEP = "step"
    """In the life of a slot or of a client, for the tracker."""
    SLOW_STATEMENT = "slow-statement"
    LEFT_OUT = "left-out"


class Fields(TypedDict, total=False):
    """All are optional. Docs: docs/logging.md, which a test compares."""

    event: Annotated[str, "What happened, in a word."]
    reason: Annotated[str, "Why, in a word: an SQLSTATE, or what ended it."]
    number: Annotated[int, "The client's number, as in `status details`."]
    client: Annotated[str, "The client's address and port, or [local]."]
    user: Annotated[str, "Who the client says it is."]
    database: Annotated[str, "The database that it asked for."]
    application: Annotated[str, "Its application_name when it came."]
    slot: Annotated[int, "The slot that it holds, or that this is about."]
    server: Annotated[str, "The PostgreSQL server, by its name in agroal.conf."]
    pid: Annotated[int, "The process of PostgreSQL that serves the connection."]
    seconds: Annotated[float, "How long it took, or lasted."]
    queries: Annotated[int, "Queries of the client."]
    transactions: Annotated[int, "Transactions of the client."]
    bytes_in: Annotated[int, "Bytes from the client."]
    bytes_out: Annotated[int, "Bytes to the client."]
    servers: Annotated[int, "How many servers the client had; not in the transaction pipeline."]
    fingerprint: Annotated[str, "Of the statement: the same for all that differ in their values only."]
    statement: Annotated[str, "The statement without its values, cut where it is long."]
    count: Annotated[int, "How many lines this one stands for."]


def said(**fields: Unpack[Fields]) -> dict[str, Fields]:
    """For `extra` of a call to the log."""
    return {_KEPT: fields}


@singledispatch
def about(subject: object) -> Fields:
    """What is known of something that a line is about. Whoever has such things registers how to describe them."""
    return {}


@about.register
def _(server: Server) -> Fields:
    return {"server": server.address.name, "pid": server.pid}


def keep(record: logging.LogRecord) -> None:
    """Add what its arguments tell to a record, which will lose them. What was said of it comes first."""
    found = Fields()
    for argument in record.args if isinstance(record.args, tuple) else ():
        found.update(about(argument))
    found.update(fields_of(record))
    setattr(record, _KEPT, found)


def fields_of(record: logging.LogRecord) -> Fields:
    """What was said of it, or has been kept."""
    return cast(Fields, getattr(record, _KEPT, {}))
