from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from agroal.auth.accept import Accepted, failed
from agroal.auth.login import Credentials
from agroal.auth.md5 import md5_response, md5_secret
from agroal.auth.scram import ClientExchange, ServerExchange, Verifier
from agroal.auth.users import Secret
from agroal.config.choices import ChannelBinding
from agroal.config.model import Method, Settings
from agroal.daemon.dialler import ServerDialler
from agroal.errors import AuthenticationFailed, ClientFacing, ServerRefused, ServerUnavailable
from agroal.management.event import EventKind
from agroal.net.chosen import Pump
from agroal.net.dial import Address, Route
from agroal.net.listen import SocketOptions
from agroal.pool.slot import PoolKey
from tests.unit.looping import in_a_loop, pumping
from tests.unit.net.pairs import channel
from tests.unit.postgres import greeting, postgres, silent_port
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE, authentication, error, message, startup

SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"))
KEY = PoolKey("shop", "ann")
EVES = PoolKey("shop", "eve", "a digest")


def dialler(pump: Pump, address: Address, **settings: object) -> ServerDialler:
    settled = replace(SETTINGS, **settings)  # type: ignore[arg-type]
    return ServerDialler(pump, Route(address), settled, {"ann": "pencil"}, bytes)


def asking(password: str | None = None, user: str = "ann") -> Script:
    """The server asks for the password, and gets this one."""
    begun = Script() << startup("user", user, "database", "shop", "application_name", "agroal") >> authentication(3)
    return begun if password is None else begun << message("p", password.encode() + b"\0") >> greeting()


def session(password: str | None) -> SimpleNamespace:
    return SimpleNamespace(accepted=Accepted(Method.PASSWORD, password=password))


class TestDialling:
    @in_a_loop
    async def test_uses_the_password_in_the_vault(self) -> None:
        async with pumping() as pump, postgres(asking("pencil")) as address:
            server = await dialler(pump, address).dial(KEY, None)
            assert server.pid == 7
            server.channel.close()

    @in_a_loop
    async def test_uses_what_the_client_said_for_a_key_of_its_own(self) -> None:
        async with pumping() as pump, postgres(asking("crayon", "eve")) as address:
            server = await dialler(pump, address).dial(EVES, session("crayon"))  # type: ignore[arg-type]
            server.channel.close()

    @pytest.mark.parametrize("left", [None, SimpleNamespace(accepted=None), session(None)])
    @in_a_loop
    async def test_a_client_that_has_left_said_nothing(self, left: object) -> None:
        async with pumping() as pump, postgres() as address:
            with pytest.raises(ServerUnavailable, match="has left"):
                await dialler(pump, address).dial(EVES, left)  # type: ignore[arg-type]

    @in_a_loop
    async def test_of_who_is_not_in_the_vault_nothing_is_known(self) -> None:
        async with pumping() as pump, postgres(asking(user="eve")) as address:
            with pytest.raises(ServerUnavailable, match=r'password of user "eve" .* knows none'):
                await dialler(pump, address).dial(PoolKey("shop", "eve"), None)

    @in_a_loop
    async def test_why_the_last_connect_did_not_reach_the_server_is_kept_until_one_does(self) -> None:
        async with pumping() as pump, postgres(asking("pencil")) as address:
            made = dialler(pump, address)
            assert made.failure is None
            with silent_port() as silent:
                made.reconfigure(Route(Address("pg", *silent.getsockname())), SETTINGS, SocketOptions())
                with pytest.raises(ServerUnavailable):
                    await made.dial(KEY, None)
            assert made.failure
            assert "Connection refused" in made.failure
            made.reconfigure(Route(address), SETTINGS, SocketOptions())
            server = await made.dial(KEY, None)
            assert made.failure is None
            server.channel.close()

    @in_a_loop
    async def test_a_server_that_refuses_a_user_can_be_reached(self) -> None:
        refused = asking("pencil").steps[:-1]
        async with pumping() as pump, postgres(Script(refused) >> error("SFATAL", "C28P01", "Mno")) as address:
            made = dialler(pump, address)
            with pytest.raises(ServerRefused):
                await made.dial(KEY, None)
            assert made.failure is None

    @in_a_loop
    async def test_a_stranger_whom_the_server_refuses_hears_what_every_stranger_hears(self) -> None:
        refused = Script(asking("crayon", "eve").steps[:-1]) >> error("SFATAL", "C28P01", "Mno", "Fauth.c", "L338")
        async with pumping() as pump, postgres(refused) as address:
            with pytest.raises(AuthenticationFailed) as refusal:
                await dialler(pump, address).dial(EVES, session("crayon"))  # type: ignore[arg-type]
        assert refusal.value.fields() == failed("eve").fields()

    @in_a_loop
    async def test_a_server_that_says_nothing_is_left_in_time(self) -> None:
        silent = Script(asking().steps[:1])
        async with pumping() as pump, postgres(silent) as address:
            with pytest.raises(ServerUnavailable, match=r"did not answer within 0\.02 s"):
                await dialler(pump, address, connect_timeout=0.02).dial(KEY, None)


def eves(password: str) -> Script:
    """The server asks eve for the password, and gets this one."""
    return asking(password, "eve")


async def connect(made: ServerDialler, user: str = "eve") -> None:
    """As a client that has proved to be this user wants it."""
    (await made.dial(PoolKey("shop", user), None)).channel.close()


def by_scram(password: str, salt: bytes = b"a salt") -> tuple[Secret, Accepted]:
    """The verifier of a client that has proved by SCRAM that it knows the password, and what that showed."""
    verifier = Verifier.derive(password, salt, 1)
    server, client = ServerExchange("eve", verifier, "ours", doomed=False), ClientExchange(password, "theirs")
    server.final(client.final(server.first(client.first())))
    return Secret(verifier.format()), Accepted(Method.SCRAM_SHA_256, keys=server.keys)


def by_password(password: str) -> tuple[Secret, Accepted]:
    return by_scram(password)[0], Accepted(Method.PASSWORD, told=password)


def wants_scram(password: str, salt: bytes = b"a salt") -> Script:
    """A server that lets in who knows the password, whatever the nonces: those of the dialler here are zeros."""
    server = ServerExchange("eve", Verifier.derive(password, salt, 1), "server", doomed=False)
    client = ClientExchange(password, bytes(18).hex())
    first = client.first()
    challenge = server.first(first)
    final = client.final(challenge)
    asked = (
        Script()
        << startup("user", "eve", "database", "shop", "application_name", "agroal")
        >> authentication(10, b"SCRAM-SHA-256\0\0")
        << message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
        >> authentication(11, challenge)
    )
    return asked << message("p", final) >> authentication(12, server.final(final)) + greeting()


class TestLearning:
    """A verifier or a hash lets clients in; what they show lets us in."""

    @in_a_loop
    async def test_with_the_keys_of_a_proof_one_can_log_in_where_the_verifier_is_the_same(self) -> None:
        async with pumping() as pump, postgres(wants_scram("crayon")) as address:
            made = dialler(pump, address)
            made.learn("eve", *by_scram("crayon"))
            await connect(made)

    @in_a_loop
    async def test_and_nowhere_else(self) -> None:
        other = wants_scram("crayon", b"another salt")
        async with pumping() as pump, postgres(Script(other.steps[:-2])) as address:
            made = dialler(pump, address)
            made.learn("eve", *by_scram("crayon"))
            with pytest.raises(ServerUnavailable, match="does not fit the server's verifier") as refusal:
                await connect(made)
        assert "when a client logs in" in refusal.value.hint

    @in_a_loop
    async def test_keys_are_no_password(self) -> None:
        async with pumping() as pump, postgres(asking(user="eve")) as address:
            made = dialler(pump, address)
            made.learn("eve", *by_scram("crayon"))
            with pytest.raises(ServerUnavailable, match="knows only a verifier of it"):
                await connect(made)

    @in_a_loop
    async def test_a_password_that_was_sent_logs_in_everywhere(self) -> None:
        async with pumping() as pump, postgres(eves("crayon"), wants_scram("crayon", b"another salt")) as address:
            made = dialler(pump, address)
            made.learn("eve", *by_password("crayon"))
            await connect(made)
            await connect(made)

    @in_a_loop
    async def test_of_an_md5_hash_there_is_nothing_more_to_learn(self) -> None:
        hashed = md5_secret("crayon", "eve")
        answer = message("p", md5_response(hashed, b"salt").encode() + b"\0")
        asked = Script(eves("").steps[:1]) >> authentication(5, b"salt") << answer >> greeting()
        async with pumping() as pump, postgres(asked) as address:
            made = dialler(pump, address)
            made.learn("eve", Secret(hashed), Accepted(Method.MD5))
            await connect(made)

    @in_a_loop
    async def test_a_password_does_not_give_way_to_keys_of_the_same(self) -> None:
        async with pumping() as pump, postgres(eves("crayon")) as address:
            made = dialler(pump, address)
            made.learn("eve", *by_password("crayon"))
            made.learn("eve", *by_scram("crayon"))
            await connect(made)

    @pytest.mark.parametrize("learn", [by_password, by_scram])
    @in_a_loop
    async def test_another_secret_replaces_what_was_learned(
        self, learn: Callable[[str], tuple[Secret, Accepted]]
    ) -> None:
        async with pumping() as pump, postgres(wants_scram("crayon"), wants_scram("chalk")) as address:
            made = dialler(pump, address)
            for password in ("crayon", "chalk"):
                made.learn("eve", *learn(password))
                await connect(made)

    @in_a_loop
    async def test_of_a_user_in_the_vault_with_a_verifier(self) -> None:
        secret, accepted = by_scram("crayon")
        async with pumping() as pump, postgres(Script(asking(user="eve").steps), wants_scram("crayon")) as address:
            made = dialler(pump, address)
            made.knows({"eve": secret.text})
            with pytest.raises(ServerUnavailable, match="knows only a verifier"):
                await connect(made)
            made.learn("eve", secret, accepted)
            await connect(made)
            made.knows({})
            assert made._learned == {}, "what was learned of others may not be so any more"

    @pytest.mark.parametrize("vault", ["pencil", by_scram("pencil")[0].text])
    @in_a_loop
    async def test_what_a_client_has_to_know_instead_of_the_vaults_is_never_sent_to_a_server(self, vault: str) -> None:
        async with pumping() as pump, postgres() as address:
            made = dialler(pump, address)
            made.knows({"eve": vault})
            made.learn("eve", *by_password("frontend"))
            assert made._learned == {}

    def test_nothing_of_it_is_in_a_repr(self) -> None:
        secret, accepted = by_scram("crayon")
        assert accepted.keys
        credentials = Credentials("eve", secret, "nonce", {}, accepted.keys)
        shown = f"{accepted} {credentials} {accepted.keys} {by_password('crayon')}"
        assert "crayon" not in shown
        assert repr(accepted.keys.client_key) not in shown
        assert repr(accepted.keys.server_key) not in shown


class TestReloadMeanwhile:
    """What was opened with the old facts is not used."""

    @in_a_loop
    async def test_a_login_with_an_old_password_is_done_again_with_the_new_one(self) -> None:
        first = asking("pencil") << TERMINATE
        async with pumping() as pump, postgres(first, asking("crayon"), hangs_up=True) as address:
            made = dialler(pump, address)
            dialling = asyncio.create_task(made.dial(KEY, None))
            await asyncio.sleep(0)
            made.knows({"ann": "crayon"})
            server = await dialling
            assert server.pid == 7
            server.channel.close()

    @in_a_loop
    async def test_a_server_that_is_not_the_primary_any_more_is_left(self) -> None:
        login = asking("pencil") << TERMINATE
        async with pumping() as pump, postgres(login, hangs_up=True) as old, postgres(asking("pencil")) as new:
            made = dialler(pump, old)
            dialling = asyncio.create_task(made.dial(KEY, None))
            await asyncio.sleep(0)
            made.reconfigure(Route(new), SETTINGS, SocketOptions())
            server = await dialling
            assert server.address == new
            server.channel.close()

    @in_a_loop
    async def test_that_the_old_server_can_not_be_reached_is_no_news(self) -> None:
        async with pumping() as pump:
            with silent_port() as silent:
                events: list[object] = []
                old = Route(Address("pg", *silent.getsockname()))
                made = ServerDialler(pump, old, SETTINGS, {}, bytes, lambda *event: events.append(event))
                dialling = asyncio.create_task(made.dial(KEY, None))
                await asyncio.sleep(0)
                made.reconfigure(Route(Address("pg", "/nowhere", 5432)), SETTINGS, SocketOptions())
                with pytest.raises(ServerUnavailable):
                    await dialling
                assert (made.failure, events) == (None, [])


class TestEvents:
    @in_a_loop
    async def test_that_the_server_is_down_and_up_again_is_told_once_each(self) -> None:
        events: list[tuple[EventKind, str]] = []
        users = {"ann": "pencil"}
        async with pumping() as pump, postgres(asking("pencil"), asking("pencil")) as address:
            with silent_port() as silent:
                down = Address("pg", *silent.getsockname())
                made = ServerDialler(pump, Route(down), SETTINGS, users, bytes, lambda *event: events.append(event))
                for _ in range(2):
                    with pytest.raises(ServerUnavailable):
                        await made.dial(KEY, None)
                assert [kind for kind, _ in events] == [EventKind.SERVER_DOWN]
                assert "Connection refused" in events[0][1]
            made._route = Route(address)
            for _ in range(2):
                (await made.dial(KEY, None)).channel.close()
            assert events[1:] == [(EventKind.SERVER_UP, f'server "pg" at {address} can be reached again')]

    @in_a_loop
    async def test_of_strangers_nothing_is_remembered(self) -> None:
        async with pumping() as pump, postgres(asking(user="eve")) as address:
            made = dialler(pump, address)
            with pytest.raises(ServerUnavailable):
                await made.dial(PoolKey("shop", "eve"), None)
            assert made._salted == {}


TOO_LATE = "took too long|did not answer within"


class TestDiallingThrough:
    """The client is asked by the server itself."""

    ASKED = Script() << startup("user", "ann", "database", "shop") >> authentication(3)

    @in_a_loop
    async def test_ends_with_a_server_that_the_client_has_logged_in_to(self) -> None:
        script = self.ASKED << message("p", b"pencil\0") >> greeting()
        async with pumping() as pump, postgres(script) as address:
            with channel(pump, "client") as (person, ours):
                person.send(message("p", b"pencil\0"))
                server = await dialler(pump, address).dial_through(KEY, SimpleNamespace(client=ours))  # type: ignore[arg-type]
                await play(Script() << authentication(3), person)
                assert (server.pid, server.address) == (7, address)
                server.channel.close()

    @pytest.mark.parametrize(
        ("script", "told"),
        [
            (ASKED, TOO_LATE),
            (Script(ASKED.steps[:1]), TOO_LATE),
            (Script(ASKED.steps[:1]) >> error("SFATAL", "C3D000", "Mno such database"), "no such database"),
        ],
    )
    @in_a_loop
    async def test_what_fails_leaves_no_connection_behind(self, script: Script, told: str) -> None:
        async with pumping() as pump, postgres(script) as address:
            with channel(pump, "client") as (_, ours):
                made = dialler(pump, address, connect_timeout=0.01, authentication_timeout=0.01)
                with pytest.raises(ClientFacing, match=told):
                    await made.dial_through(KEY, SimpleNamespace(client=ours))  # type: ignore[arg-type]

    @in_a_loop
    async def test_a_server_that_can_not_be_reached_is_said(self) -> None:
        with silent_port() as silent:
            async with pumping() as pump:
                with channel(pump, "client") as (_, ours):
                    made = dialler(pump, Address("pg", *silent.getsockname()))
                    with pytest.raises(ServerUnavailable, match="Connection refused"):
                        await made.dial_through(KEY, SimpleNamespace(client=ours))  # type: ignore[arg-type]

    @in_a_loop
    async def test_what_can_not_be_bound_is_not_passed_through_where_it_must_be(self) -> None:
        async with pumping() as pump:
            route = Route(Address("pg", "/nowhere", 5432), binding=ChannelBinding.REQUIRE)
            made = ServerDialler(pump, route, SETTINGS, {}, bytes)
            with (
                channel(pump, "client") as (_, ours),
                pytest.raises(ServerUnavailable, match="channel_binding = require"),
            ):
                await made.dial_through(KEY, SimpleNamespace(client=ours))  # type: ignore[arg-type]
