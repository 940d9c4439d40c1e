"""What clients hear while they wait, and whom an administrator keeps out."""

from __future__ import annotations

import logging
import socket

import pytest

from agroal.config.model import Method
from agroal.daemon.session import State
from agroal.errors import AuthenticationFailed, IdleTooLong, ServerRefused
from agroal.wire.fields import parse_fields
from tests.unit.daemon.lobby import STARTUP, WELCOME, Lobby, let_in, lobby, served, told
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE, authentication, message, startup

pytestmark = pytest.mark.usefixtures("both_ways")


def notice(sock: socket.socket) -> dict[str, str]:
    """The fields of the NoticeResponse that a client got last."""
    data = received(sock)
    assert data[:1] == b"N", data
    assert len(data) == 1 + int.from_bytes(data[1:5], "big"), data
    return parse_fields(data[5:])


async def waiting(at: Lobby) -> socket.socket:
    """A client behind one that is being served."""
    await at.serve()
    second = at.enter()
    await play(Script() >> STARTUP << let_in(2), second)
    assert at.sessions[1].state is State.WAITING
    return second


class TestNotices:
    @in_a_loop
    async def test_a_client_that_waits_is_told_where_it_stands(self) -> None:
        async with lobby(max_connections=1, wait_notice_timeout=0.02) as at:
            client = await waiting(at)
            await until(lambda: waiting_for(client))
            assert notice(client) == {
                "S": "NOTICE",
                "V": "NOTICE",
                "C": "00000",
                "M": 'waiting for a connection of user "ann" to database "shop", position 1',
            }
            at.sessions[0].terminate()
            await play(Script() << WELCOME >> TERMINATE, client)

    @in_a_loop
    async def test_and_why_if_the_server_said_so(self) -> None:
        async with lobby(max_connections=1) as at:
            client = await waiting(at)
            at.sessions[1].notify(3, ServerRefused({"C": "57P03", "M": "the database system is starting up"}))
            fields = notice(client)
            assert fields["M"].endswith("position 3")
            assert fields["D"] == "The last connect failed: the database system is starting up"
            at.sessions[0].terminate()
            client.close()

    @in_a_loop
    async def test_and_that_the_database_is_paused_if_that_is_why(self) -> None:
        async with lobby(max_connections=1) as at:
            client = await waiting(at)
            at.sessions[1].notify(1, ServerRefused({"C": "57P03", "M": "the database system is down"}), paused=True)
            assert notice(client)["D"] == (
                "The database is paused by an administrator. Nobody is refused for that, and no timeout runs."
            )
            at.sessions[0].terminate()
            client.close()

    @in_a_loop
    async def test_whoever_has_not_been_let_in_yet_is_told_nothing(self) -> None:
        async with lobby(max_connections=1) as at:
            await at.serve()
            at.daemon.method = Method.ALL
            stranger = at.enter()
            stranger.send(startup("user", "eve", "database", "shop"))
            await until(lambda: at.on.shell.asking)
            at.sessions[1].notify(1, None)
            assert received(stranger) == b""
            stranger.close()
            at.sessions[0].terminate()

    @in_a_loop
    async def test_whoever_does_not_read_is_told_no_more(self) -> None:
        async with lobby(max_connections=1) as at:
            client = await waiting(at)
            session = at.sessions[1]
            while not session.client.unsent:
                session.notify(1, None)
            kept = session.client.unsent
            session.notify(1, None)
            assert session.client.unsent == kept
            client.close()
            at.sessions[0].terminate()

    @in_a_loop
    async def test_whoever_has_gone_is_noticed_elsewhere(self) -> None:
        async with lobby(max_connections=1) as at:
            client = await waiting(at)
            client.close()
            at.sessions[1].notify(1, None)
            at.sessions[1].notify(1, None)
            await at.lives[1]
            assert at.on.shell.asking == {}
            at.sessions[0].terminate()


class TestDisabled:
    @in_a_loop
    async def test_a_new_client_is_refused_in_words_once_it_has_proved_who_it_is(self) -> None:
        async with lobby() as at:
            at.on.shell.switch("shop", False)
            at.daemon.method = Method.PASSWORD
            client = at.enter()
            await play(Script() >> STARTUP << authentication(3) >> message("p", b"pencil\0"), client)
            await at.everybody_gone()
            assert told(client) == {
                "S": "FATAL",
                "V": "FATAL",
                "C": "55000",
                "M": 'database "shop" is not currently accepting connections',
                "H": "An administrator has disabled it in agroal. Clients that are connected go on.",
            }
            assert at.on.dialler.asked == []

    @in_a_loop
    async def test_a_stranger_learns_nothing_of_it(self) -> None:
        async with lobby() as at:
            at.on.shell.switch("shop", False)
            at.daemon.method = Method.PASSWORD
            client = at.enter()
            await play(Script() >> STARTUP << authentication(3) >> message("p", b"crayon\0"), client)
            await at.everybody_gone()
            assert told(client)["C"] == "28P01"

    @in_a_loop
    async def test_who_is_in_or_waits_goes_on(self) -> None:
        async with lobby(max_connections=1) as at:
            client = await waiting(at)
            at.on.shell.switch(None, False)
            at.sessions[0].terminate()
            await play(Script() << WELCOME >> TERMINATE, client)

    @in_a_loop
    async def test_enabled_again_it_takes_clients(self) -> None:
        async with lobby() as at:
            at.on.shell.switch("shop", False)
            at.on.shell.switch("shop", True)
            await play(served() >> TERMINATE, at.enter())


class TestTermination:
    IDLE = IdleTooLong("terminating connection due to idle-session timeout", detail="nothing crossed it")

    @in_a_loop
    async def test_it_may_have_a_reason_of_its_own(self) -> None:
        async with lobby() as at:
            client, _ = await at.serve()
            at.sessions[0].terminate(self.IDLE)
            await at.everybody_gone()
            fields = told(client)
            assert (fields["C"], fields["D"]) == ("57P05", "nothing crossed it")
            at.sessions[0].terminate(self.IDLE)

    @in_a_loop
    async def test_a_client_that_waits_can_be_ended_too(self) -> None:
        async with lobby(max_connections=1) as at:
            client = await waiting(at)
            at.sessions[1].terminate()
            await at.lives[1]
            assert told(client)["C"] == "57P01"
            assert at.on.shell.asking == {}
            at.sessions[0].terminate()


class TestFailures:
    @pytest.mark.parametrize(
        ("method", "error"),
        [
            (Method.PASSWORD, 'password authentication failed for user "ann"'),
            (None, "no agroal_hba.conf entry for host"),
        ],
    )
    @in_a_loop
    async def test_refused_logins_are_remembered(self, method: Method | None, error: str) -> None:
        async with lobby() as at:
            at.daemon.method = method
            for count in (1, 2):
                client = at.enter()
                client.send(STARTUP + message("p", b"crayon\0"))
                await at.everybody_gone()
                (failure,) = at.daemon.failures
                assert failure.error.startswith(error)
                assert (failure.user, failure.database, failure.address) == ("ann", "shop", "[local]")
                assert (failure.count, at.daemon.failures.total, at.daemon.totals.rejected) == (count, count, count)

    @in_a_loop
    async def test_one_that_postgresql_judges_is_a_refused_login_too(self) -> None:
        async with lobby() as at:
            at.on.dialler.failures = [AuthenticationFailed('password authentication failed for user "ann"')]
            at.enter().send(STARTUP)
            await at.everybody_gone()
            assert (at.daemon.failures.total, at.daemon.totals.rejected) == (1, 1)

    @in_a_loop
    async def test_other_errors_are_none(self, caplog: pytest.LogCaptureFixture) -> None:
        async with lobby() as at:
            at.on.dialler.failures = [ServerRefused({"C": "3D000", "M": "no such database"})]
            with caplog.at_level(logging.INFO):
                at.enter().send(STARTUP)
                await at.everybody_gone()
            assert (at.daemon.failures.total, at.daemon.totals.rejected) == (0, 0)
        assert "3D000" in caplog.text
