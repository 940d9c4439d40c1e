"""Clients whose users are not in the vault, and whom PostgreSQL may know (`auth_query`)."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from agroal.auth.hba import Peer
from agroal.auth.md5 import md5_response, md5_secret
from agroal.auth.scram import ClientExchange, Verifier
from agroal.config.model import Method
from agroal.daemon.encryption import Encryption
from agroal.errors import LookupFailed
from agroal.net.tls import TlsSocket, Upgrade
from tests.unit.daemon.lobby import FakeLookup, Lobby, lobby, told
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import TERMINATE, authentication, message, startup

pytestmark = pytest.mark.usefixtures("both_ways")

EVE = startup("user", "eve", "database", "shop", "application_name", "psql")
VERIFIER = Verifier.derive("pencil", b"a salt", 1)
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
BY_SECRET = (Method.PASSWORD, Method.MD5, Method.SCRAM_SHA_256, Method.ALL)
REFUSED = {"S": "FATAL", "V": "FATAL", "C": "28P01", "M": 'password authentication failed for user "eve"'}
LET_IN = authentication(0)


@asynccontextmanager
async def asked(method: Method, **secrets: str) -> AsyncIterator[tuple[Lobby, FakeLookup]]:
    """PostgreSQL knows these users."""
    async with lobby() as at:
        at.daemon.method = method
        at.daemon.lookup = found = FakeLookup()
        found.secrets = secrets
        yield at, found


async def question(client: socket.socket) -> tuple[int, bytes]:
    """Which authentication the client is asked for, and the data of that."""
    head = await read(client, 9)
    kind, length, code = struct.unpack("!cII", head)
    assert kind == b"R", head
    return code, await read(client, length - 8)


async def by_scram(client: socket.socket, password: str) -> None:
    """Says what a client with this password says, up to its proof."""
    exchange = ClientExchange(password, "nonce")
    first = exchange.first()
    client.send(message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
    code, challenge = await question(client)
    assert code == 11
    client.send(message("p", exchange.final(challenge)))


async def prove(client: socket.socket, password: str, user: str = "eve") -> list[int]:
    """Answers whatever is asked. Returns the codes of what was."""
    client.send(startup("user", user, "database", "shop", "application_name", "psql"))
    code, data = await question(client)
    match code:
        case 3:
            client.send(message("p", password.encode() + b"\0"))
        case 5:
            client.send(message("p", md5_response(md5_secret(password, user), data).encode() + b"\0"))
        case 10:
            await by_scram(client, password)
        case _:
            raise AssertionError(f"asked for {code}")
    return [code]


class TestStrangers:
    @pytest.mark.parametrize("method", BY_SECRET)
    @pytest.mark.parametrize("allowed", [False, True])
    @in_a_loop
    async def test_one_whom_postgresql_knows_comes_in_with_the_right_password(
        self, method: Method, allowed: bool
    ) -> None:
        async with asked(method, eve=VERIFIER.format()) as (at, found):
            at.configure(allow_unknown_users=allowed)
            client = at.enter()
            code = await prove(client, "pencil")
            await until(lambda: at.on.dialler.asked)
            assert (code, found.asked) == ([3 if method is Method.PASSWORD else 10], ["eve"])
            assert at.daemon.totals.authenticated == 1
            client.send(TERMINATE)

    @pytest.mark.parametrize("method", [Method.PASSWORD, Method.MD5])
    @in_a_loop
    async def test_also_where_it_has_an_md5_hash(self, method: Method) -> None:
        async with asked(method, eve=md5_secret("pencil", "eve")) as (at, _):
            client = at.enter()
            await prove(client, "pencil")
            await until(lambda: at.on.dialler.asked)
            client.send(TERMINATE)

    @pytest.mark.parametrize("method", BY_SECRET)
    @pytest.mark.parametrize("secrets", [{"eve": VERIFIER.format()}, {}], ids=["wrong", "unknown"])
    @in_a_loop
    async def test_unknown_ones_and_wrong_passwords_look_the_same(
        self, method: Method, secrets: dict[str, str]
    ) -> None:
        """Expired, without a password, not allowed to log in: the look-up finds nobody then."""
        async with asked(method, **secrets) as (at, _):
            at.configure(allow_unknown_users=True)
            client = at.enter()
            code = await prove(client, "crayon")
            await at.everybody_gone()
            assert code == [3 if method is Method.PASSWORD else 10]
            assert told(client) == REFUSED
            assert (at.daemon.totals.rejected, at.on.dialler.asked) == (1, [])
            assert at.daemon.dialler.learned == []

    @pytest.mark.parametrize("method", BY_SECRET)
    @in_a_loop
    async def test_a_question_that_fails_refuses_and_never_leaves_it_to_postgresql(self, method: Method) -> None:
        async with asked(method) as (at, found):
            at.configure(allow_unknown_users=True)
            found.failure = LookupFailed()
            client = at.enter()
            client.send(EVE)
            await at.everybody_gone()
            assert told(client)["C"] == "57P03"
            assert at.on.dialler.asked == []

    @pytest.mark.parametrize("method", BY_SECRET)
    @in_a_loop
    async def test_one_in_the_vault_is_not_asked_for(self, method: Method) -> None:
        async with asked(method) as (at, found):
            found.failure = LookupFailed()
            client = at.enter()
            await prove(client, "pencil", "ann")
            await until(lambda: at.on.dialler.asked)
            assert found.asked == []
            client.send(TERMINATE)

    @in_a_loop
    async def test_where_no_secret_is_wanted_nobody_is_asked(self) -> None:
        async with asked(Method.TRUST) as (at, found):
            found.failure = LookupFailed()
            client = at.enter()
            await play(Script() >> EVE << LET_IN, client)
            client.send(TERMINATE)
            assert found.asked == []

    @pytest.mark.parametrize("method", [None, Method.REJECT])
    @in_a_loop
    async def test_whom_the_hba_file_does_not_let_in_is_not_asked_for(self, method: Method | None) -> None:
        async with asked(Method.TRUST) as (at, found):
            at.daemon.method = method
            client = at.enter()
            client.send(EVE)
            await at.everybody_gone()
            assert (told(client)["C"], found.asked) == ("28000", [])

    @in_a_loop
    async def test_what_a_client_sends_ahead_is_not_lost_while_postgresql_is_asked(self) -> None:
        async with asked(Method.PASSWORD, eve=VERIFIER.format()) as (at, found):
            found.open.clear()
            client = at.enter()
            client.send(EVE + message("p", b"pencil\0"))
            await until(lambda: found.asked)
            found.open.set()
            await until(lambda: at.on.dialler.asked)
            client.send(TERMINATE)

    @in_a_loop
    async def test_the_question_counts_as_time_to_log_in(self) -> None:
        async with asked(Method.PASSWORD) as (at, found):
            at.configure(authentication_timeout=0.02)
            found.open.clear()
            client = at.enter()
            client.send(EVE)
            await at.everybody_gone()
            assert told(client)["C"] == "57014"


class TestReloadMeanwhile:
    """Somebody else is asked, or nobody."""

    @in_a_loop
    async def test_the_question_is_asked_again(self) -> None:
        async with asked(Method.PASSWORD) as (at, old):
            old.open.clear()
            old.failure = LookupFailed()
            client = at.enter()
            client.send(EVE + message("p", b"pencil\0"))
            await until(lambda: old.asked)
            at.daemon.lookup = new = FakeLookup()
            new.secrets = {"eve": VERIFIER.format()}
            old.open.set()
            await until(lambda: at.on.dialler.asked)
            assert new.asked == ["eve"]
            client.send(TERMINATE)

    @pytest.mark.parametrize("failure", [None, LookupFailed()])
    @in_a_loop
    async def test_where_it_is_switched_off_postgresql_does_not_judge_those_who_came_before(
        self, failure: LookupFailed | None
    ) -> None:
        async with asked(Method.PASSWORD) as (at, old):
            at.configure(allow_unknown_users=True)
            old.open.clear()
            old.failure = failure
            client = at.enter()
            client.send(EVE + message("p", b"pencil\0"))
            await until(lambda: old.asked)
            at.daemon.lookup = None
            old.open.set()
            await at.everybody_gone()
            assert told_last(client) == (b"57P03" if failure else b"28P01")
            assert at.on.dialler.asked == []


def told_last(client: socket.socket) -> bytes:
    """The SQLSTATE at the end of all that was said."""
    return received(client).partition(b"\0C")[2][:5]


class TestLearning:
    @in_a_loop
    async def test_the_dialler_hears_what_a_client_has_shown(self) -> None:
        async with asked(Method.SCRAM_SHA_256, eve=VERIFIER.format()) as (at, _):
            client = at.enter()
            await prove(client, "pencil")
            await until(lambda: at.daemon.dialler.learned)
            ((user, secret, accepted),) = at.daemon.dialler.learned
            assert (user, secret) == ("eve", VERIFIER.format())
            assert accepted.keys
            assert accepted.keys.server_key == VERIFIER.server_key
            client.send(TERMINATE)

    @in_a_loop
    async def test_of_a_password_that_is_known_there_is_nothing_to_learn(self) -> None:
        async with asked(Method.SCRAM_SHA_256) as (at, _):
            client = at.enter()
            await prove(client, "pencil", "ann")
            await until(lambda: at.on.dialler.asked)
            assert at.daemon.dialler.learned == []
            client.send(TERMINATE)


class TestTls:
    @pytest.mark.parametrize("request_first", [True, False])
    @in_a_loop
    async def test_a_handshake_that_fails_is_counted_and_told_once(
        self, request_first: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslsocket_class = TlsSocket
        async with lobby() as at:
            at.daemon.encryption = Encryption(Upgrade(context, server_side=True), {})
            client = at.enter(Peer(ip_address("192.0.2.1")))
            if request_first:
                await play(Script() >> SSL_REQUEST << b"S", client)
            client.send(b"\x16\x03\x01 and then garbage")
            with caplog.at_level("INFO"):
                client.shutdown(socket.SHUT_WR)
                await at.everybody_gone()
            assert at.daemon.totals.tls_failures == 1
            assert (at.daemon.totals.rejected, len(caplog.messages)) == (0, 1)
