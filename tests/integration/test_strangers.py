"""Who is not in the vault, and what there is to be found out by guessing."""

from __future__ import annotations

import pytest

from agroal.auth.scram import ClientExchange
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, METHODS, door, limits, refusal
from tests.integration.postgres import IN_CLEAR, LET_IN, Database, Login
from tests.integration.raw import Message, RawClient, fields
from tests.unit.wire.messages import message, startup

WRONG = "not-the-password"


@pytest.fixture(scope="module")
def strangers(database: Database) -> list[Login]:
    """Roles of PostgreSQL that are not in the vault."""
    return [database.role(name, groups=groups) for name, groups in (("at_home", [LET_IN]), ("in_clear", [IN_CLEAR]))]


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    """Strangers are not allowed, and every database may be asked for."""
    return module_agroal(
        database,
        hba=f"{HBA}host all all all scram-sha-256\n",
        limits=limits(database),
        users={database.scram.name: database.scram.password},
        allow_unknown_users=False,
    )


@pytest.mark.parametrize("method", METHODS)
def test_strangers_stay_out_and_postgresql_never_hears_of_them(
    pool: Agroal, strangers: list[Login], method: str
) -> None:
    before = pool.snapshot().counters
    for stranger in strangers:
        told = refusal(pool, stranger, door(method))
        assert told.sqlstate == "28P01"
        assert told.message == f'password authentication failed for user "{stranger.name}"'
    after = pool.snapshot().counters

    assert (after.connects, after.connect_failures) == (before.connects, before.connect_failures)
    assert after.rejected == before.rejected + len(strangers)


class Dialogue:
    """What a client hears that answers with a wrong password, with all that is random left out."""

    def __init__(self, pool: Agroal, user: str, database: str) -> None:
        self.challenges: list[bytes] = []
        with RawClient(pool, startup("user", user, "database", database)) as client:
            heard = client.hear()
            exchange = ClientExchange(WRONG, "a-nonce-of-a-client")
            while heard and heard[0] == "R":
                client.say(message("p", self._answer(heard, exchange)))
                heard = client.hear()
            assert heard
            self.error = {letter: text.replace(user, "<user>") for letter, text in fields(heard[1]).items()}
            self.is_over = client.hear() is None

    def _answer(self, heard: Message, exchange: ClientExchange) -> bytes:
        code, data = int.from_bytes(heard[1][:4], "big"), heard[1][4:]
        match code:
            case 3:
                self.challenges.append(b"password")
                return WRONG.encode() + b"\0"
            case 5:
                self.challenges.append(b"md5, salt of %d bytes" % len(data))
                return b"md5" + b"0" * 32 + b"\0"
            case 10:
                self.challenges.append(data)
                first = exchange.first()
                return b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first
            case _:
                self.salt = data.split(b",")[1]
                self.challenges.append(b",".join(part[:2] + b"%d bytes" % len(part) for part in data.split(b",")))
                return exchange.final(data)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "trust"])
def test_a_wrong_password_and_an_unknown_user_can_not_be_told_apart(
    pool: Agroal, database: Database, strangers: list[Login], method: str
) -> None:
    """S16"""
    known = Dialogue(pool, database.scram.name, door(method))

    assert known.is_over
    assert known.error["M"] == 'password authentication failed for user "<user>"'
    for user in ("nobody_at_all", strangers[0].name):
        unknown = Dialogue(pool, user, door(method))
        assert (unknown.challenges, unknown.error, unknown.is_over) == (known.challenges, known.error, True)


def test_nobody_learns_which_databases_there_are(pool: Agroal, database: Database) -> None:
    """S16"""
    known = Dialogue(pool, database.scram.name, database.name)
    unknown = [Dialogue(pool, user, "no_such_database") for user in (database.scram.name, "nobody_at_all")]

    for other in unknown:
        assert (other.challenges, other.error) == (known.challenges, known.error)


def test_a_database_that_does_not_exist_is_named_to_those_who_are_known(pool: Agroal, database: Database) -> None:
    told = refusal(pool, database.scram, "no_such_database")

    assert told.sqlstate == "3D000"
    assert told.message == 'database "no_such_database" does not exist'


def test_everybody_is_challenged_with_a_salt_that_stays_the_same(pool: Agroal, database: Database) -> None:
    users = (database.scram.name, "somebody", "nobody")
    salts = [{Dialogue(pool, user, door("all")).salt for _ in range(3)} for user in users]

    assert [len(seen) for seen in salts] == [1, 1, 1]
    assert len(set.union(*salts)) == len(users)
