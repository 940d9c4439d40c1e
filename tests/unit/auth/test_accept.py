from __future__ import annotations

import hashlib
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest

from agroal.auth.accept import Accepted, Dice, accept
from agroal.auth.md5 import md5_response, md5_secret
from agroal.auth.mock import salt_for
from agroal.auth.scram import ClientExchange, ServerExchange, Verifier
from agroal.auth.users import Users
from agroal.config.model import Method
from agroal.errors import AuthenticationFailed, ClientFacing, NotPermitted, ProtocolViolation
from agroal.wire.talk import Talk
from tests.unit.script import Script, hold, run
from tests.unit.wire.messages import authentication, message

KEY = b"a secret of this process"
SALT = b"\1\2\3\4"
DICE = Dice("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", SALT)
BOB = Verifier.derive("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
USERS = Users({"ann": "pencil", "bob": BOB.format(), "dave": md5_secret("pencil", "dave")}, KEY)
LISTED, UNKNOWN = ("ann", "bob", "dave"), "eve"
MECHANISMS = authentication(10, b"SCRAM-SHA-256\0\0")


def talk(method: Method, user: str, unknown_allowed: bool = False) -> Callable[[], Talk[Accepted]]:
    return lambda: accept(method, user, USERS, unknown_allowed, DICE)


def cleartext(secret: bytes) -> Script:
    return Script() << authentication(3) >> message("p", secret)


def md5(user: str, password: str) -> Script:
    response = md5_response(md5_secret(password, user), SALT).encode() + b"\0"
    return Script() << authentication(5, SALT) >> message("p", response)


def initial(data: bytes, mechanism: bytes = b"SCRAM-SHA-256") -> bytes:
    return message("p", mechanism + b"\0" + struct.pack("!i", len(data)) + data)


def scram(user: str, password: str) -> tuple[Script, bytes, bytes]:
    """The exchange up to the client's proof; the challenge in it, and the proof."""
    client = ClientExchange(password, "client")
    salt = BOB.salt if user == "bob" else salt_for(user, KEY)
    challenge = f"r=client{DICE.nonce},s={b64encode(salt).decode()},i=4096".encode()
    proof = client.final(challenge)
    script = Script() << MECHANISMS >> initial(client.first()) << authentication(11, challenge) >> message("p", proof)
    return script, client.first(), proof


def proved(user: str) -> Script:
    """The whole exchange with the right password."""
    script, first, proof = scram(user, "pencil")
    server = ServerExchange(user, USERS.challenge(user)[0], DICE.nonce, doomed=False)
    server.first(first)
    return script << authentication(12, server.final(proof))


def dialogue(method: Method, user: str, password: str) -> Script:
    """What a client with this password says, and hears before it is judged."""
    match method:
        case Method.PASSWORD:
            return cleartext(password.encode() + b"\0")
        case Method.MD5 if user != "bob":
            return md5(user, password)
        case _:
            return scram(user, password)[0]


class TestWhatIsLearned:
    """From a client that knows a password of which only a verifier or a hash is known."""

    @pytest.mark.parametrize("user", ["bob", "dave"])
    def test_the_password_that_it_sent(self, user: str) -> None:
        accepted = run(talk(Method.PASSWORD, user), cleartext(b"pencil\0"))
        assert (accepted.told, accepted.password, accepted.keys) == ("pencil", None, None)
        assert "pencil" not in repr(accepted)

    @pytest.mark.parametrize("method", [Method.MD5, Method.SCRAM_SHA_256, Method.ALL])
    def test_the_keys_that_its_proof_has_shown(self, method: Method) -> None:
        accepted = run(talk(method, "bob"), proved("bob"))
        assert accepted.keys
        assert (accepted.keys.salt, accepted.keys.server_key) == (BOB.salt, BOB.server_key)
        assert hashlib.sha256(accepted.keys.client_key).digest() == BOB.stored_key
        assert "client_key" not in repr(accepted)


class TestTrust:
    @pytest.mark.parametrize("user", LISTED)
    @pytest.mark.parametrize("unknown_allowed", [False, True])
    def test_lets_every_known_user_in(self, user: str, unknown_allowed: bool) -> None:
        assert run(talk(Method.TRUST, user, unknown_allowed), Script()) == Accepted(Method.TRUST)

    def test_lets_an_unknown_user_in_only_where_they_are_allowed(self) -> None:
        assert run(talk(Method.TRUST, UNKNOWN, unknown_allowed=True), Script()) == Accepted(Method.TRUST)
        with pytest.raises(AuthenticationFailed):
            run(talk(Method.TRUST, UNKNOWN), Script())


class TestPassword:
    @pytest.mark.parametrize("user", LISTED)
    def test_whoever_knows_the_password_comes_in(self, user: str) -> None:
        assert run(talk(Method.PASSWORD, user), cleartext(b"pencil\0")) == Accepted(Method.PASSWORD)

    def test_what_an_unknown_user_sends_is_left_to_the_server_where_they_are_allowed(self) -> None:
        sent = cleartext(b"p\xe4nc\xc3\xa4l\0")
        accepted = run(talk(Method.PASSWORD, UNKNOWN, unknown_allowed=True), sent)
        assert accepted == Accepted(Method.PASSWORD, password="p\udce4ncäl")
        assert "nc" not in repr(accepted)
        with pytest.raises(AuthenticationFailed):
            run(talk(Method.PASSWORD, UNKNOWN), sent)

    @pytest.mark.parametrize("user", [*LISTED, UNKNOWN])
    @pytest.mark.parametrize("unknown_allowed", [False, True])
    def test_an_empty_password_is_nobodys(self, user: str, unknown_allowed: bool) -> None:
        with pytest.raises(AuthenticationFailed, match="empty password returned by client"):
            run(talk(Method.PASSWORD, user, unknown_allowed), cleartext(b"\0"))

    def test_the_longest_password_is_taken(self) -> None:
        secret = b"x" * 65_000
        outcome = hold(
            talk(Method.PASSWORD, UNKNOWN, unknown_allowed=True)(), cleartext(secret + b"\0"), range(0, 65_000, 7919)
        )
        assert outcome.result == Accepted(Method.PASSWORD, password=secret.decode())


class TestMd5:
    @pytest.mark.parametrize("user", ["ann", "dave"])
    def test_whoever_knows_the_password_comes_in(self, user: str) -> None:
        assert run(talk(Method.MD5, user), md5(user, "pencil")) == Accepted(Method.MD5)

    def test_a_user_with_a_verifier_is_asked_by_scram(self) -> None:
        assert run(talk(Method.MD5, "bob"), proved("bob")) == Accepted(Method.MD5)


class TestScram:
    @pytest.mark.parametrize("user", ["ann", "bob"])
    @pytest.mark.parametrize("method", [Method.SCRAM_SHA_256, Method.ALL])
    def test_whoever_knows_the_password_comes_in_and_is_given_proof(self, method: Method, user: str) -> None:
        assert run(talk(method, user), proved(user)) == Accepted(method)

    def test_the_exchange_is_that_of_the_rfc(self) -> None:
        """RFC 7677 §3."""
        script = (
            Script()
            << MECHANISMS
            >> initial(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
            << authentication(
                11, b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
            )
            >> message(
                "p",
                b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            )
            << authentication(12, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        )
        assert run(talk(Method.SCRAM_SHA_256, "bob"), script) == Accepted(Method.SCRAM_SHA_256)

    @pytest.mark.parametrize("method", [Method.SCRAM_SHA_256, Method.ALL])
    def test_an_md5_hash_can_not_answer_for_its_user(self, method: Method) -> None:
        with pytest.raises(AuthenticationFailed):
            run(talk(method, "dave"), scram("dave", "pencil")[0])

    def test_all_leaves_an_unknown_user_to_the_server_where_they_are_allowed(self) -> None:
        assert run(talk(Method.ALL, UNKNOWN, unknown_allowed=True), Script()) == Accepted(Method.ALL, unproved=True)

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (message("p", b"SCRAM-SHA-256"), "no terminating zero byte"),
            (message("p", b"SCRAM-SHA-256\0\0\0"), "no length"),
            (message("p", b"SCRAM-SHA-256\0" + struct.pack("!i", 4) + b"n,,n=,r=abc"), "4 bytes announced, 11 found"),
            (message("p", b"SCRAM-SHA-256\0" + struct.pack("!i", 1 << 30)), "1073741824 bytes announced, 0 found"),
            (message("p", b"SCRAM-SHA-256\0" + struct.pack("!i", -1)), "malformed SCRAM message"),
            (initial(b""), "malformed SCRAM message"),
            (initial(b"n,,n=,r="), "malformed SCRAM message"),
            (initial(b"p=tls-server-end-point,,n=,r=abc"), "malformed SCRAM message"),
            (initial(b"n,,n=,r=abc", b"SCRAM-SHA-256-PLUS"), "invalid SASL authentication mechanism"),
            (initial(b"n,,n=,r=abc", b"PLAIN"), "invalid SASL authentication mechanism"),
            (message("Q", b"SELECT 1\0"), 'expected SASL response, got message type "Q"'),
            (message("X"), 'expected SASL response, got message type "X"'),
        ],
    )
    @pytest.mark.parametrize("user", ["ann", UNKNOWN])
    def test_a_malformed_first_answer_is_refused(self, user: str, sent: bytes, words: str) -> None:
        with pytest.raises(ProtocolViolation, match=words):
            run(talk(Method.SCRAM_SHA_256, user), Script() << MECHANISMS >> sent)

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (message("p", b""), "malformed SCRAM message"),
            (message("p", b"c=biws,r=client%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"), "malformed SCRAM message"),
            (message("p", b"c=biws,r=clientANOTHER,p=" + b64encode(bytes(32))), "malformed SCRAM message"),
            (
                message("p", b"c=eSws,r=client%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" + b64encode(bytes(32))),
                "malformed SCRAM message",
            ),
            (message("d", b""), 'expected SASL response, got message type "d"'),
        ],
    )
    @pytest.mark.parametrize("user", ["ann", UNKNOWN])
    def test_a_malformed_proof_is_refused(self, user: str, sent: bytes, words: str) -> None:
        asked = Script(dialogue(Method.SCRAM_SHA_256, user, "").steps[:-1])
        with pytest.raises(ProtocolViolation, match=words):
            run(talk(Method.SCRAM_SHA_256, user), asked >> sent)


class TestRefusals:
    @pytest.mark.parametrize("method", [Method.PASSWORD, Method.MD5, Method.SCRAM_SHA_256, Method.ALL])
    @pytest.mark.parametrize("user", [*LISTED, UNKNOWN])
    def test_a_wrong_password_and_an_unknown_user_are_told_the_same(self, method: Method, user: str) -> None:
        with pytest.raises(AuthenticationFailed) as refusal:
            run(talk(method, user), dialogue(method, user, "wrong"))
        assert refusal.value.fields() == {
            "S": "FATAL",
            "V": "FATAL",
            "C": "28P01",
            "M": f'password authentication failed for user "{user}"',
        }

    @pytest.mark.parametrize("method", [Method.PASSWORD, Method.MD5, Method.SCRAM_SHA_256, Method.ALL])
    @pytest.mark.parametrize("user", LISTED)
    def test_that_unknown_users_are_allowed_does_not_help_a_known_one(self, method: Method, user: str) -> None:
        with pytest.raises(AuthenticationFailed):
            run(talk(method, user, unknown_allowed=True), dialogue(method, user, "wrong"))

    @pytest.mark.parametrize("method", [Method.MD5, Method.SCRAM_SHA_256])
    def test_an_unknown_user_fails_where_the_password_is_not_seen_also_where_they_are_allowed(
        self, method: Method
    ) -> None:
        with pytest.raises(AuthenticationFailed):
            run(talk(method, UNKNOWN, unknown_allowed=True), dialogue(method, UNKNOWN, "pencil"))

    @pytest.mark.parametrize("method", [Method.PASSWORD, Method.MD5, Method.SCRAM_SHA_256, Method.ALL])
    def test_an_unknown_user_can_not_be_told_from_a_known_one_on_the_wire(self, method: Method) -> None:
        """The same name, known to the one and unknown to the other: every byte is the same, the salt included."""

        def refused(users: Users) -> ClientFacing:
            outcome = hold(accept(method, "ann", users, False, DICE), dialogue(method, "ann", "wrong"))
            assert isinstance(outcome.error, ClientFacing)
            return outcome.error

        known, unknown = refused(USERS), refused(Users({"bob": "crayon"}, KEY))
        assert known.fields() == unknown.fields()

    @pytest.mark.parametrize("user", ["bob", UNKNOWN])
    def test_where_everybody_has_a_verifier_the_unknown_too_are_asked_for_scram(self, user: str) -> None:
        """The question for an md5 answer would tell that there is no such user."""
        users = Users({"bob": BOB.format()}, KEY)
        with pytest.raises(AuthenticationFailed):
            run(lambda: accept(Method.MD5, user, users, False, DICE), scram(user, "wrong")[0])

    @pytest.mark.parametrize("method", [Method.PASSWORD, Method.MD5])
    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (message("Q", b"SELECT 1\0"), 'expected password response, got message type "Q"'),
            (message("p", b"pencil"), "invalid password packet size"),
            (message("p", b"pencil\0pencil\0"), "invalid password packet size"),
            (message("p", b""), "invalid password packet size"),
            (b"p\0\0\0\3", "invalid message length"),
            (b"p\0\1\0\1", "invalid message length"),
            (b"p\xff\xff\xff\xff", "invalid message length"),
        ],
    )
    def test_an_answer_that_is_no_password_is_refused(self, method: Method, sent: bytes, words: str) -> None:
        asked = Script(dialogue(method, "ann", "").steps[:1])
        with pytest.raises(ProtocolViolation, match=words):
            run(talk(method, "ann"), asked >> sent)

    @pytest.mark.parametrize("user", [*LISTED, UNKNOWN])
    def test_reject_lets_nobody_in(self, user: str) -> None:
        with pytest.raises(NotPermitted, match=f'^authentication failed for user "{user}": host rejected$'):
            run(talk(Method.REJECT, user, unknown_allowed=True), Script())
