from __future__ import annotations

import asyncio
import socket

import pytest

from agroal.auth.login import Greeting
from agroal.errors import AgroalError, PeerGone, ProtocolViolation, ServerRefused, ServerUnavailable
from agroal.net.passthrough import MAX_QUESTIONS, log_in_through
from tests.unit.looping import in_a_loop, pumping
from tests.unit.net.pairs import channel
from tests.unit.postgres import SECRET, greeting
from tests.unit.script import Script, play
from tests.unit.wire.messages import authentication, error, message, startup

BEGUN = Script() << startup("user", "ann", "database", "shop")
NOTICE = message("N", b"SNOTICE\0Mhello\0\0")
CLEARTEXT, MD5 = authentication(3), authentication(5, b"salt")
MECHANISMS = authentication(10, b"SCRAM-SHA-256\0\0")
CHALLENGE, SIGNATURE = authentication(11, b"r=both,s=c2FsdA==,i=1"), authentication(12, b"v=c2lnbmF0dXJl")
FIRST, PROOF, SECRET_WORD = message("p", b"SCRAM-SHA-256\0first"), message("p", b"proof"), message("p", b"secret\0")


async def carry(server: Script, client: Script, hang_up: str = "") -> Greeting:
    """What comes of it when the two play these; one of them may hang up at the end of its script."""
    async with pumping() as pump:
        with channel(pump, "server") as (postgres, to_server), channel(pump, "client") as (person, to_client):

            async def act(script: Script, at: socket.socket, leaves: bool) -> None:
                await play(script, at)
                if leaves:
                    at.shutdown(socket.SHUT_RDWR)

            acts = [
                asyncio.create_task(act(server, postgres, hang_up == "server")),
                asyncio.create_task(act(client, person, hang_up == "client")),
            ]
            try:
                return await log_in_through(to_client, to_server, "ann", "shop")
            finally:
                await asyncio.gather(*acts)


class TestMethods:
    @pytest.mark.parametrize(
        ("server", "client"),
        [
            (BEGUN, Script()),
            (BEGUN >> CLEARTEXT << SECRET_WORD, Script() << CLEARTEXT >> SECRET_WORD),
            (BEGUN >> MD5 << SECRET_WORD, Script() << MD5 >> SECRET_WORD),
            (
                BEGUN >> MECHANISMS << FIRST >> CHALLENGE << PROOF >> SIGNATURE,
                Script() << MECHANISMS >> FIRST << CHALLENGE >> PROOF << SIGNATURE,
            ),
        ],
        ids=["trust", "password", "md5", "scram-sha-256"],
    )
    @in_a_loop
    async def test_questions_and_answers_are_carried_as_they_are(self, server: Script, client: Script) -> None:
        outcome = await carry(server >> NOTICE + greeting(TimeZone="UTC"), client)
        assert outcome == Greeting({"TimeZone": "UTC"}, 7, b"\0\0\0\7" + SECRET)

    @pytest.mark.parametrize("code", [2, 6, 7, 8, 9, 99])
    @in_a_loop
    async def test_a_method_that_can_not_be_carried_is_named(self, code: int) -> None:
        with pytest.raises(ServerUnavailable, match=rf"can't pass through \(code {code}\)"):
            await carry(BEGUN >> authentication(code), Script())


class TestFailures:
    @in_a_loop
    async def test_a_refusal_has_the_words_of_the_server(self) -> None:
        said = error("SFATAL", "C28P01", 'Mpassword authentication failed for user "ann"')
        with pytest.raises(ServerRefused) as refusal:
            await carry(BEGUN >> CLEARTEXT << SECRET_WORD >> said, Script() << CLEARTEXT >> SECRET_WORD)
        assert refusal.value.fields()["C"] == "28P01"

    @pytest.mark.parametrize(
        ("server", "client", "who"),
        [
            (BEGUN, Script(), "server"),
            (BEGUN >> CLEARTEXT << SECRET_WORD, Script() << CLEARTEXT >> SECRET_WORD, "server"),
            (BEGUN >> authentication(0), Script(), "server"),
            (BEGUN >> CLEARTEXT, Script() << CLEARTEXT, "client"),
            (BEGUN >> MECHANISMS << FIRST >> CHALLENGE, Script() << MECHANISMS >> FIRST << CHALLENGE, "client"),
        ],
    )
    @in_a_loop
    async def test_whoever_hangs_up_is_gone(self, server: Script, client: Script, who: str) -> None:
        with pytest.raises(PeerGone, match=f"{who} closed the connection"):
            await carry(server, client, hang_up=who)

    @in_a_loop
    async def test_a_client_that_hangs_up_before_the_signature_is_gone(self) -> None:
        server = BEGUN >> MECHANISMS << FIRST >> CHALLENGE << PROOF >> SIGNATURE
        with pytest.raises(PeerGone, match="client closed the connection"):
            await carry(server, Script() << MECHANISMS >> FIRST << CHALLENGE >> PROOF, hang_up="client")

    @pytest.mark.parametrize(
        ("server", "client", "failure", "words"),
        [
            (BEGUN >> message("Z", b"I"), Script(), ServerUnavailable, 'type "Z" in the middle of the login'),
            (BEGUN >> message("R"), Script(), ProtocolViolation, "malformed"),
            (BEGUN >> CLEARTEXT, Script() << CLEARTEXT >> message("Q", b"\0"), ProtocolViolation, "expected password"),
            (BEGUN >> CLEARTEXT, Script() << CLEARTEXT >> b"p\0\1\0\1", ProtocolViolation, "invalid message length"),
            (BEGUN >> authentication(0) + message("T", b""), Script(), ServerUnavailable, 'type "T"'),
        ],
    )
    @in_a_loop
    async def test_a_message_that_is_illegal_ends_it(
        self, server: Script, client: Script, failure: type[AgroalError], words: str
    ) -> None:
        with pytest.raises(failure, match=words):
            await carry(server, client)

    @in_a_loop
    async def test_a_server_that_asks_without_end_is_left(self) -> None:
        server, client = BEGUN >> CLEARTEXT, Script() << CLEARTEXT >> SECRET_WORD
        for _ in range(MAX_QUESTIONS - 1):
            server, client = server << SECRET_WORD >> CLEARTEXT, client << CLEARTEXT >> SECRET_WORD
        with pytest.raises(ProtocolViolation, match="does not come to the end"):
            await carry(server, client)

    @in_a_loop
    async def test_a_server_that_says_more_than_a_login_needs_is_left(self) -> None:
        with pytest.raises(ServerUnavailable, match="more than a login needs"):
            await carry(BEGUN >> greeting() + message("Z", b"I"), Script())
