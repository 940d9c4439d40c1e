"""A server that does not let us in is asked again, but not all the time; and clients hear at once what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.fake_server import FakeServer, hangs_up, says, says_nothing
from tests.integration.postgres import Database, Login
from tests.unit.wire.messages import READY, authentication, error

STARTING_UP = error("SFATAL", "VFATAL", "C57P03", "Mthe database system is starting up")
AT_ONCE = 8
"""Connects of one pool that may be under way together."""

SHORTEST_PAUSE = 0.125
"""Seconds: half of the first pause after a failure, for the other half is left to chance. Later ones are longer."""


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, server: FakeServer) -> Agroal:
    """In front of that server. It knows no user, and lets in all."""
    there = {"host": server.host, "port": server.port}
    return module_agroal(database, users={}, server=there, connect_timeout="300ms", hba=TRUSTING)


def refusals(pool: Agroal, user: str, number: int) -> list[dict[str, str]]:
    """What so many clients are told who come at the same time."""
    told = []
    with ExitStack() as clients:
        for client in [clients.enter_context(Guest(pool, Login(user, ""))) for _ in range(number)]:
            with pytest.raises(Refused) as caught:
                client.enter()
            told.append(caught.value.fields)
    return told


BAD_SERVERS = {
    "starting up": (says(STARTING_UP), "57P03", "the database system is starting up"),
    "hangs up": (hangs_up, "08001", "closed the connection during the login"),
    "says nothing": (says_nothing, "08001", "did not answer within 0.3 s"),
    "speaks HTTP": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "08001", "does not speak PostgreSQL's protocol"),
    "wants Kerberos": (says(authentication(7)), "08001", "authentication method that agroal does not support"),
    "wants a password": (says(authentication(3)), "08001", "asks for the password of user"),
    "does not say why": (says(error()), "08004", "without saying why"),
    "says too much": (says(authentication(0), READY, READY), "08001", "said more than a login needs"),
}


@pytest.mark.parametrize("kind", BAD_SERVERS)
def test_a_client_hears_why_there_is_no_server_for_it(pool: Agroal, server: FakeServer, kind: str) -> None:
    server.behaviour, sqlstate, words = BAD_SERVERS[kind]
    [told] = refusals(pool, kind, 1)
    assert (told["S"], told["C"]) == ("FATAL", sqlstate)
    assert words in told["M"]


def test_a_server_that_refuses_us_is_not_stormed(pool: Agroal, server: FakeServer) -> None:
    server.behaviour = says(STARTING_UP)
    before, began = server.connections, time.monotonic()
    for _ in range(5):
        assert {told["C"] for told in refusals(pool, "crowd", 40)} == {"57P03"}
    took = time.monotonic() - began
    assert server.connections - before <= AT_ONCE + 1 + took / SHORTEST_PAUSE
