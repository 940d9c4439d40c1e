from __future__ import annotations

import logging

import pytest

from agroal.config.model import Method
from agroal.daemon.session import State
from agroal.errors import ServerRefused
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP, let_in, lobby, served, told
from tests.unit.looping import in_a_loop
from tests.unit.net.pairs import received
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, TERMINATE, authentication, message, parameter, startup

pytestmark = pytest.mark.usefixtures("both_ways")


class TestComingIn:
    @in_a_loop
    async def test_a_client_that_is_let_in_is_served_until_it_says_goodbye(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with lobby() as at:
            with caplog.at_level(logging.INFO):
                client = at.enter()
                await play(served(), client)
                server, (session,) = at.on.dialler.peers[1], at.sessions
                assert session.state is State.ACTIVE
                assert session.serving is at.on.shell.servers[0]
                client.send(QUERY)
                await play(Script() << QUERY >> ANSWER, server)
                await play(Script() << ANSWER >> TERMINATE, client)
                await at.everybody_gone()
            assert client.recv(1) == b""
            assert (session.state, session.serving, session.lease) == (State.CLOSING, None, None)
            assert at.on.states() == ["free"]
            assert received(server) == b"", "the goodbye is for us"
            assert (session.traffic.queries, session.traffic.transactions) == (1, 1)
            assert at.on.shell.servers[0].totals == session.traffic
        came, went = caplog.messages
        assert came == "connect: client [local] user=ann database=shop application_name=psql"
        who, did = (
            "disconnect: client [local] user=ann database=shop after ",
            "(1 query, 1 transaction, 14 B in, 20 B out)",
        )
        assert went.startswith(who)
        assert went.endswith(f" ms: the client said goodbye {did}")

    @in_a_loop
    async def test_the_next_client_gets_the_same_server(self) -> None:
        async with lobby() as at:
            for number in (1, 2):
                client = at.enter()
                await play(
                    Script() >> STARTUP << let_in(number) + parameter("application_name", "psql") + READY, client
                )
                await play(Script() >> TERMINATE, client)
                await at.everybody_gone()
            assert list(at.on.dialler.peers) == [1]
            assert len(at.daemon.cancels) == 0, "their keys are forgotten"

    @in_a_loop
    async def test_a_password_is_asked_for_where_the_hba_file_says_so(self) -> None:
        async with lobby() as at:
            at.daemon.method = Method.PASSWORD
            client = at.enter()
            await play(Script() >> STARTUP << authentication(3) >> message("p", b"pencil\0"), client)
            await play(Script(served().steps[1:]), client)
            assert (at.daemon.totals.authenticated, at.daemon.totals.rejected) == (1, 0)
            client.close()

    @pytest.mark.parametrize("leaves_after", [b"", STARTUP[:3], STARTUP[:-1]])
    @in_a_loop
    async def test_a_client_that_only_knocks_is_not_worth_a_line(
        self, leaves_after: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with lobby() as at:
            with caplog.at_level(logging.INFO):
                client = at.enter()
                client.send(leaves_after)
                client.close()
                await at.everybody_gone()
        assert caplog.messages == []


class TestRefusals:
    @in_a_loop
    async def test_no_line_in_the_hba_file(self, caplog: pytest.LogCaptureFixture) -> None:
        async with lobby() as at:
            at.daemon.method = None
            client = at.enter()
            client.send(STARTUP)
            await at.everybody_gone()
            assert told(client)["C"] == "28000"
            assert at.daemon.totals.rejected == 1
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    @in_a_loop
    async def test_a_wrong_password(self, caplog: pytest.LogCaptureFixture) -> None:
        async with lobby() as at:
            at.daemon.method = Method.PASSWORD
            client = at.enter()
            await play(Script() >> STARTUP << authentication(3) >> message("p", b"crayon\0"), client)
            await at.everybody_gone()
            assert told(client)["C"] == "28P01"
            assert at.daemon.totals.rejected == 1
            assert at.on.dialler.asked == [], "a client authenticates before it may wait for a server"
        (line,) = caplog.messages
        assert (
            line
            == 'client [local] user=ann database=shop is refused: 28P01: password authentication failed for user "ann"'
        )

    @pytest.mark.parametrize("said", [b"", STARTUP[:9], STARTUP])
    @in_a_loop
    async def test_a_client_that_takes_too_long_to_log_in(self, said: bytes) -> None:
        async with lobby() as at:
            at.configure(authentication_timeout=0.02)
            at.daemon.method = Method.PASSWORD
            client = at.enter()
            client.send(said)
            await at.everybody_gone()
            assert received(client).endswith(b"Mcanceling authentication due to timeout\0\0")

    @in_a_loop
    async def test_garbage(self) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            await at.everybody_gone()
            assert told(client)["C"] == "08P01"

    @in_a_loop
    async def test_a_daemon_that_is_stopping(self) -> None:
        async with lobby() as at:
            at.daemon.stopping = True
            client = at.enter()
            client.send(STARTUP)
            await at.everybody_gone()
            assert told(client)["C"] == "57P03"

    @pytest.mark.parametrize(
        ("parameters", "sqlstate"),
        [(("replication", "database"), "0A000"), (("options", "-B 100"), "0A000"), (("options", "-c a"), "08P01")],
    )
    @in_a_loop
    async def test_a_setting_that_can_not_be_had_needs_no_server(
        self, parameters: tuple[str, str], sqlstate: str
    ) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(startup("user", "ann", *parameters))
            await at.everybody_gone()
            assert told(client)["C"] == sqlstate
            assert at.on.dialler.asked == []

    @in_a_loop
    async def test_a_server_that_refuses_us(self) -> None:
        async with lobby() as at:
            at.on.dialler.failures = [ServerRefused({"S": "FATAL", "C": "3D000", "M": "no such database", "F": "x.c"})]
            client = at.enter()
            await play(Script() >> STARTUP << let_in(), client)
            await at.everybody_gone()
            assert told(client) == {"S": "FATAL", "V": "FATAL", "C": "3D000", "M": "no such database", "F": "x.c"}

    @in_a_loop
    async def test_a_mistake_of_ours(self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
        async with lobby() as at:

            async def mistaken(_: object) -> None:
                raise KeyError("oops")

            monkeypatch.setattr(at.on.shell, "lease", mistaken)
            client = at.enter()
            client.send(STARTUP)
            await at.everybody_gone()
            assert told(client)["C"] == "XX000"
        assert "internal error: client [local] user=ann database=shop is disconnected" in caplog.text
        assert "KeyError: 'oops'" in caplog.text
