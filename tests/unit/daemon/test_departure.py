"""What is logged of clients that come and go; see test_session.py for whole lives."""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from agroal.daemon.about import fields_of
from agroal.daemon.departure import client_fields, followed
from agroal.errors import Cancelled, ClientFacing, IdleTooLong, PeerGone
from agroal.net.chosen import Traffic
from agroal.net.link import Parting
from agroal.net.server import Server


class Daemon:
    def __init__(self) -> None:
        self.settings = SimpleNamespace(log_connections=True, log_disconnections=True)
        self.time = 100.0

    def now(self) -> float:
        return self.time


class Session:
    def __init__(self, parting: Parting | None = None) -> None:
        self.daemon = Daemon()
        self.number, self.client, self.slot = 7, SimpleNamespace(label="10.0.0.1:5000"), None
        self.serving: Any = None
        self.startup = SimpleNamespace(user="ann", database="shop")
        self.application_name = "psql"
        self.traffic = Traffic(2, 1, 1200, 98_000)
        self.interruption: ClientFacing | None = None
        self.link: Any = None
        self.taker: Any = None
        if parting:
            self.link = SimpleNamespace(parting=parting)

    def __str__(self) -> str:
        return "client x"


def lived(session: Session, error: BaseException | None, caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What is logged of a life of 12.3 seconds that ends with this."""
    expectation = pytest.raises(type(error)) if error else nullcontext()
    with caplog.at_level(logging.INFO), expectation, followed(session):  # type: ignore[arg-type]
        session.daemon.time += 12.3
        if error:
            raise error
    return caplog.records


def test_coming_and_going_are_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    came, went = lived(Session(Parting.TERMINATED), None, caplog)
    assert came.getMessage() == "connect: client x application_name=psql"
    assert fields_of(came) == {"event": "connect"}
    assert went.getMessage() == (
        "disconnect: client x after 12.3 s: the client said goodbye (2 queries, 1 transaction, 1.2 kB in, 98 kB out)"
    )
    assert fields_of(went) == {
        "event": "disconnect",
        "reason": "terminated",
        "seconds": 12.3,
        "queries": 2,
        "transactions": 1,
        "bytes_in": 1200,
        "bytes_out": 98_000,
        "servers": 1,
    }


def test_of_one_that_took_turns_nobody_knows_how_many_servers_it_had(caplog: pytest.LogCaptureFixture) -> None:
    session = Session(Parting.TERMINATED)
    session.taker = object()
    _, went = lived(session, None, caplog)
    assert "servers" not in fields_of(went)


def interrupted() -> Session:
    session = Session(Parting.CLIENT_GONE)
    session.interruption = IdleTooLong("terminating connection due to idle-session timeout")
    return session


@pytest.mark.parametrize(
    ("session", "error", "reason", "words"),
    [
        (Session(Parting.SERVER_LOST), None, "server_lost", "the server closed the connection"),
        (Session(), Cancelled("canceling statement"), "57014", "canceling statement"),
        (Session(Parting.CLIENT_GONE), PeerGone("it hung up"), "client_gone", "it hung up"),
        (interrupted(), asyncio.CancelledError(), "57P05", "terminating connection due to idle-session timeout"),
        (Session(), asyncio.CancelledError(), "internal", "internal error of agroal: CancelledError"),
        (Session(), KeyError("x"), "internal", "internal error of agroal: KeyError"),
        (Session(), None, "terminated", "it was not served"),
    ],
    ids=["parting", "error", "gone", "interrupted", "cancelled", "mistake", "nothing"],
)
def test_why_it_went_is_said(
    session: Session, error: BaseException | None, reason: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, went = lived(session, error, caplog)
    assert fields_of(went)["reason"] == reason
    assert f" after 12.3 s: {words} (2 queries" in went.getMessage()


@pytest.mark.parametrize(
    ("comes", "goes", "lines"), [(False, False, []), (True, False, ["connect"]), (False, True, ["disconnect"])]
)
def test_it_is_logged_where_the_settings_say_so(
    comes: bool, goes: bool, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(Parting.TERMINATED)
    session.daemon.settings = SimpleNamespace(log_connections=comes, log_disconnections=goes)
    assert [fields_of(record)["event"] for record in lived(session, None, caplog)] == lines


def test_a_client_is_known_by_what_it_has_said_and_what_it_has() -> None:
    session: Any = Session()
    assert client_fields(session) == {
        "number": 7,
        "client": "10.0.0.1:5000",
        "user": "ann",
        "database": "shop",
        "application": "psql",
    }
    server = object.__new__(Server)
    server.address, server.pid = SimpleNamespace(name="pg-a"), 4711  # type: ignore[assignment]
    session.serving, session.slot = server, 0
    fields = client_fields(session)
    assert (fields["server"], fields["pid"], fields["slot"]) == ("pg-a", 4711, 0)
    session.startup = session.serving = session.slot = None
    assert client_fields(session) == {"number": 7, "client": "10.0.0.1:5000"}
