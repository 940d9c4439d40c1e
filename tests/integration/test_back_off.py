"""A server that does not let us in is asked again, but not all the time; and clients hear at once what it says."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.fake_server import Behaviour, FakeServer, hangs_up, says, says_nothing
from tests.integration.postgres import Database
from tests.unit.wire.messages import READY, authentication, error

STARTING_UP = error("SFATAL", "VFATAL", "C57P03", "Mthe database system is starting up")
AT_ONCE = 8
"""Connects of one pool that may be under way together."""

SHORTEST_PAUSE = 0.125
"""Seconds: half of the first pause after a failure, for the other half is left to chance. Later ones are longer."""


def refusals(pool: Agroal, database: Database, number: int) -> list[dict[str, str]]:
    """What so many clients are told who come at the same time."""
    told = []
    with ExitStack() as clients:
        for client in [clients.enter_context(Guest(pool, database.scram)) for _ in range(number)]:
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
    "does not say why": (says(error()), "08004", "without saying why"),
    "says too much": (says(authentication(0), READY, READY), "08001", "said more than a login needs"),
}


@pytest.mark.parametrize(("behaviour", "sqlstate", "words"), BAD_SERVERS.values(), ids=BAD_SERVERS)
def test_a_client_hears_at_once_why_there_is_no_server(
    agroal: Launch, database: Database, behaviour: Behaviour, sqlstate: str, words: str
) -> None:
    with FakeServer(behaviour) as server:
        pool = agroal(database, server={"port": server.port}, connect_timeout="300ms", hba=TRUSTING)
        [told] = refusals(pool, database, 1)
    assert (told["S"], told["C"]) == ("FATAL", sqlstate)
    assert words in told["M"]


def test_a_server_that_refuses_us_is_not_stormed(agroal: Launch, database: Database) -> None:
    with FakeServer(says(STARTING_UP)) as server:
        pool = agroal(database, server={"port": server.port}, hba=TRUSTING)
        began = time.monotonic()
        for _ in range(5):
            assert {told["C"] for told in refusals(pool, database, 40)} == {"57P03"}
        took = time.monotonic() - began
    assert server.connections <= AT_ONCE + 1 + took / SHORTEST_PAUSE
