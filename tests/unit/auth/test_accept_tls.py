"""What TLS adds to letting a client in: SCRAM that is bound to the connection, and certificates."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable

import pytest

from agroal.auth.accept import Accepted, accept
from agroal.auth.ident import Usermap
from agroal.auth.scram import MECHANISM, PLUS, ClientExchange, ServerExchange
from agroal.auth.users import Users
from agroal.config.model import IdentLine, Method, Name
from agroal.errors import AuthenticationFailed, NotPermitted, ProtocolViolation
from agroal.wire.talk import Conversation, Talk
from tests.unit.auth.test_accept import BOB, DICE, KEY, LISTED, UNKNOWN, USERS, initial
from tests.unit.script import Script, hold, run
from tests.unit.wire.messages import authentication, message

HASH = bytes(range(32))
OFFERED = authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
CHALLENGE = f"r=client{DICE.nonce},s={b64encode(BOB.salt).decode()},i=4096".encode()


def talk(user: str = "bob", method: Method = Method.SCRAM_SHA_256) -> Callable[[], Talk[Accepted]]:
    """A client that is connected over TLS."""
    return lambda: accept(method, user, USERS, False, DICE, binding=HASH)


def exchange(client: ClientExchange, mechanism: str) -> Script:
    """What this client says, and hears before it is judged."""
    begun = Script() << OFFERED >> initial(client.first(), mechanism.encode())
    return begun << authentication(11, CHALLENGE) >> message("p", client.final(CHALLENGE))


def proof(client: ClientExchange, mechanism: str) -> bytes:
    """What we say in the end when all is well."""
    server = ServerExchange("bob", BOB, DICE.nonce, doomed=False, binding=HASH)
    server.first(client.first(), mechanism)
    return authentication(12, server.final(client.final(CHALLENGE)))


class TestScram:
    @pytest.mark.parametrize("method", [Method.SCRAM_SHA_256, Method.ALL, Method.MD5])
    def test_over_tls_a_client_can_bind_it_to_the_connection(self, method: Method) -> None:
        client = ClientExchange("pencil", "client", binding=HASH)
        assert run(talk(method=method), exchange(client, PLUS) << proof(client, PLUS)) == Accepted(method)

    def test_a_client_that_can_not_bind_it_comes_in_without(self) -> None:
        client = ClientExchange("pencil", "client")
        script = exchange(client, MECHANISM) << proof(client, MECHANISM)
        assert run(talk(), script) == Accepted(Method.SCRAM_SHA_256)

    def test_a_client_to_whom_another_certificate_was_shown_is_refused(self) -> None:
        client = ClientExchange("pencil", "client", binding=HASH[::-1])
        with pytest.raises(NotPermitted, match=r"^SCRAM channel binding check failed$"):
            run(talk(), exchange(client, PLUS))

    def test_a_client_that_did_not_see_our_offer_is_refused(self) -> None:
        """Somebody in between has taken PLUS from the list."""
        client = ClientExchange("pencil", "client", could_bind=True)
        with pytest.raises(NotPermitted, match="channel binding negotiation error") as refusal:
            run(talk(), Script() << OFFERED >> initial(client.first()))
        assert (refusal.value.sqlstate, "thinks the server does not" in refusal.value.detail) == ("28000", True)

    @pytest.mark.parametrize(
        ("first", "mechanism", "words"),
        [
            (b"n,,n=,r=abc", b"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS was chosen without channel binding"),
            (b"y,,n=,r=abc", b"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS was chosen without channel binding"),
            (b"p=tls-server-end-point,,n=,r=abc", b"SCRAM-SHA-256", "SCRAM-SHA-256 was chosen with channel binding"),
            (b"p=tls-unique,,n=,r=abc", b"SCRAM-SHA-256-PLUS", "expected tls-server-end-point"),
        ],
    )
    def test_what_is_said_about_binding_must_fit_the_mechanism(
        self, first: bytes, mechanism: bytes, words: str
    ) -> None:
        with pytest.raises(ProtocolViolation, match="malformed SCRAM message") as refusal:
            run(talk(), Script() << OFFERED >> initial(first, mechanism))
        assert words in refusal.value.detail

    @pytest.mark.parametrize("binding", [HASH, HASH[::-1]], ids=["our certificate", "another"])
    def test_an_unknown_user_can_not_be_told_from_a_known_one(self, binding: bytes) -> None:
        def refused(users: Users) -> Exception | None:
            talk = accept(Method.SCRAM_SHA_256, "bob", users, False, DICE, binding=HASH)
            client = ClientExchange("wrong", "client", binding=binding)
            server = ServerExchange("bob", users.challenge("bob")[0], DICE.nonce, doomed=True, binding=HASH)
            challenge = server.first(client.first(), PLUS)
            script = Script() << OFFERED >> initial(client.first(), PLUS.encode()) << authentication(11, challenge)
            return hold(talk, script >> message("p", client.final(challenge))).error

        known, unknown = refused(Users({"bob": "pencil"}, KEY)), refused(Users({}, KEY))
        assert type(known) is type(unknown) is (AuthenticationFailed if binding == HASH else NotPermitted)
        assert str(known) == str(unknown)


MAP = Usermap(
    (IdentLine("", 1, "m", re.compile("^(.*)@shop$"), Name(r"\1")), IdentLine("", 2, "m", "web", Name("ann")))
)


class TestCertificate:
    @staticmethod
    def talk(
        user: str, certified: str | None, usermap: Usermap | None = None, unknown_allowed: bool = False
    ) -> Callable[[], Talk[Accepted]]:
        return lambda: accept(
            Method.CERT, user, USERS, unknown_allowed, DICE, binding=HASH, certified=certified, usermap=usermap
        )

    @pytest.mark.parametrize("user", LISTED)
    def test_whoever_has_one_with_the_users_name_comes_in(self, user: str) -> None:
        assert run(self.talk(user, user), Script()) == Accepted(Method.CERT)

    @pytest.mark.parametrize(("certified", "user"), [("ann@shop", "ann"), ("bob@shop", "bob"), ("web", "ann")])
    def test_with_a_map_that_decides(self, certified: str, user: str) -> None:
        assert run(self.talk(user, certified, MAP), Script()) == Accepted(Method.CERT)

    @pytest.mark.parametrize(
        ("user", "certified", "usermap"),
        [
            ("ann", "bob", None),
            ("ann", "ANN", None),
            ("ann", "", None),
            ("ann", "bob@shop", MAP),
            ("bob", "web", MAP),
            ("ann", "ann", MAP),  # its own name is not enough where there is a map
            ("ann", "ann", Usermap(())),
            ("ann", "", Usermap(())),
        ],
    )
    def test_anyone_else_is_told_that_it_failed(self, user: str, certified: str, usermap: Usermap | None) -> None:
        with pytest.raises(NotPermitted, match=f'^certificate authentication failed for user "{user}"$') as refusal:
            run(self.talk(user, certified, usermap, unknown_allowed=True), Script())
        assert refusal.value.sqlstate == "28000"

    @pytest.mark.parametrize("usermap", [None, MAP])
    def test_without_one_nobody_comes_in(self, usermap: Usermap | None) -> None:
        with pytest.raises(NotPermitted, match=r"^connection requires a valid client certificate$"):
            run(self.talk("ann", None, usermap, unknown_allowed=True), Script())

    def test_an_unknown_user_comes_in_only_where_they_are_allowed(self) -> None:
        assert run(self.talk(UNKNOWN, UNKNOWN, unknown_allowed=True), Script()) == Accepted(Method.CERT)
        with pytest.raises(NotPermitted, match="certificate authentication failed"):
            run(self.talk(UNKNOWN, UNKNOWN), Script())

    @pytest.mark.parametrize("method", [Method.PASSWORD, Method.MD5, Method.SCRAM_SHA_256, Method.ALL])
    def test_it_takes_the_place_of_no_password(self, method: Method) -> None:
        conversation = Conversation(accept(method, "ann", USERS, False, DICE, certified="ann"))
        conversation.start()
        assert conversation.to_send().startswith(b"R")
        assert not conversation.done
