from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from contextlib import suppress

import pytest
import scramp
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth import scram
from agroal.auth.mac import Mac, Macs
from agroal.auth.mock import mock_verifier
from agroal.auth.scram import ClientExchange, ServerExchange, Verifier
from agroal.errors import AuthenticationFailed, ProtocolViolation, ServerUnavailable

KEY = b"a secret of this process"
SALT = b"sixteen bytes ok"
VERIFIER = Verifier.derive("pencil", SALT)
FIRST = b"n,,n=,r=abcdef"
NONCE = b"abcdefSERVER"

# RFC 7677 §3
RFC_VERIFIER = Verifier.derive("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
RFC_NONCES = ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
RFC_MESSAGES = (
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)

PASSWORDS = ["pencil", "p\u00e4ssw\u00f6rd \u2168", "x" * 8192, "tab\tin it", "\u06271", "=,=2C,%"]


def serving(verifier: Verifier = VERIFIER, *, doomed: bool = False) -> ServerExchange:
    """A server's side of an exchange whose first message has been answered."""
    exchange = ServerExchange("alice", verifier, "SERVER", doomed=doomed)
    exchange.first(FIRST)
    return exchange


def calling(salted: dict[tuple[bytes, int], bytes] | None = None, password: str = "pencil") -> ClientExchange:
    return ClientExchange(password, "abcdef", salted)


def challenge() -> bytes:
    """A right server-first-message to `calling()`."""
    return ServerExchange("alice", VERIFIER, "SERVER", doomed=False).first(FIRST)


def proof(password: str = "pencil") -> bytes:
    """A client-final-message to `serving()`, right with the right password."""
    return calling(password=password).final(challenge())


class TestVerifier:
    def test_is_what_pg_authid_stores(self) -> None:
        stored = (
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        )
        assert Verifier.parse(stored) == RFC_VERIFIER
        assert RFC_VERIFIER.format() == stored

    @given(st.text(), st.binary(min_size=1, max_size=40), st.integers(1, 3))
    def test_survives_being_written_and_read(self, password: str, salt: bytes, iterations: int) -> None:
        verifier = Verifier.derive(password, salt, iterations)
        assert Verifier.parse(verifier.format()) == verifier

    @pytest.mark.parametrize("password", PASSWORDS)
    def test_accepts_its_password_and_no_other(self, password: str) -> None:
        verifier = Verifier.derive(password, SALT)
        assert verifier.accepts(password)
        assert not verifier.accepts(password + "x")

    def test_is_the_same_for_passwords_that_saslprep_does_not_tell_apart(self) -> None:
        assert Verifier.derive("I\u00adX", SALT) == Verifier.derive("\u2168", SALT)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "pencil",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1$4096:{salt}${key}:{key}",
            "scram-sha-256$4096:{salt}${key}:{key}",
            "SCRAM-SHA-256$4096:{salt}${key}",
            "SCRAM-SHA-256$4096:{salt}${key}:{key}:",
            "SCRAM-SHA-256$4096:{salt}${key}:{key}\n",
            "SCRAM-SHA-256$:{salt}${key}:{key}",
            "SCRAM-SHA-256$0:{salt}${key}:{key}",
            "SCRAM-SHA-256$-1:{salt}${key}:{key}",
            "SCRAM-SHA-256$04096:{salt}${key}:{key}",
            "SCRAM-SHA-256$2147483648:{salt}${key}:{key}",
            "SCRAM-SHA-256$\u0664096:{salt}${key}:{key}",
            "SCRAM-SHA-256$4096:${key}:{key}",
            "SCRAM-SHA-256$4096:====${key}:{key}",
            "SCRAM-SHA-256$4096:{salt}$AAAA:{key}",
            "SCRAM-SHA-256$4096:{salt}${key}:AAAA",
            "SCRAM-SHA-256$4096:{salt}${key}:{key}AAAA",
        ],
    )
    def test_anything_else_is_not_a_verifier(self, text: str) -> None:
        key = b64encode(bytes(32)).decode()
        with pytest.raises(ValueError, match="verifier"):
            Verifier.parse(text.format(salt=b64encode(SALT).decode(), key=key))

    @given(st.text())
    def test_no_text_makes_parsing_fail_in_another_way(self, text: str) -> None:
        with pytest.raises(ValueError):
            Verifier.parse(text)
        with pytest.raises(ValueError):
            Verifier.parse(f"SCRAM-SHA-256$4096:{text}$A:{text}")

    def test_shows_no_keys(self) -> None:
        assert str(VERIFIER) == repr(VERIFIER) == f"Verifier(iterations=4096, salt={SALT!r})"


class TestMockVerifier:
    def test_of_a_user_is_the_same_every_time(self) -> None:
        assert mock_verifier("mallory", KEY) == mock_verifier("mallory", KEY)

    def test_of_another_user_or_process_is_another(self) -> None:
        salts = {mock_verifier(user, key).salt for user in ("mallory", "trudy") for key in (KEY, b"another")}
        assert len(salts) == 4

    def test_looks_like_a_verifier_that_postgresql_makes(self) -> None:
        mock = mock_verifier("mallory", KEY)
        assert (mock.iterations, len(mock.salt)) == (4096, 16)


class TestServerExchange:
    def test_follows_the_example_of_rfc_7677(self) -> None:
        exchange = ServerExchange("user", RFC_VERIFIER, RFC_NONCES[1], doomed=False)
        assert exchange.first(RFC_MESSAGES[0]) == RFC_MESSAGES[1]
        assert exchange.final(RFC_MESSAGES[2]) == RFC_MESSAGES[3]

    @pytest.mark.parametrize("password", ["pencil", "p\u00e4ssw\u00f6rd \u2168", "=,=2C,%"])
    def test_lets_an_independent_client_in(self, password: str) -> None:
        client = scramp.ScramClient([scram.MECHANISM], "ignored, name=", password)
        exchange = ServerExchange("alice", Verifier.derive(password, SALT), "SERVER", doomed=False)
        client.set_server_first(exchange.first(client.get_client_first().encode()).decode())
        client.set_server_final(exchange.final(client.get_client_final().encode()).decode())

    @pytest.mark.parametrize(
        ("first", "without_proof"),
        [
            (b"n,,n=,r=abcdef", b"c=biws,r=abcdefSERVER"),
            (b"y,,n=,r=abcdef", b"c=eSws,r=abcdefSERVER"),  # it could have bound the channel, and we offered nothing
            (b"n,,n=mallory,r=abcdef", b"c=biws,r=abcdefSERVER"),  # the start-up packet says who it is
            (b"n,,n=,r=abcdef,x=1,y=", b"c=biws,r=abcdefSERVER,z=whatever"),
        ],
    )
    def test_accepts_what_the_rfc_leaves_to_the_client(self, first: bytes, without_proof: bytes) -> None:
        exchange = ServerExchange("alice", VERIFIER, "SERVER", doomed=False)
        auth_message = b",".join((first[3:], exchange.first(first), without_proof))
        client_key = hmac.digest(hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096), b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), auth_message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        assert exchange.final(without_proof + b",p=" + b64encode(proof)).startswith(b"v=")

    def test_a_wrong_password_fails_in_postgresqls_words(self) -> None:
        with pytest.raises(AuthenticationFailed) as caught:
            serving().final(proof("pencil "))
        assert caught.value.message == 'password authentication failed for user "alice"'
        assert caught.value.sqlstate == "28P01"

    def test_a_doomed_exchange_fails_at_the_end_with_the_words_of_a_wrong_password(self) -> None:
        with pytest.raises(AuthenticationFailed) as wrong:
            serving().final(proof("wrong"))
        with pytest.raises(AuthenticationFailed) as doomed:
            serving(doomed=True).final(proof())  # with the right proof, even
        assert doomed.value.fields() == wrong.value.fields()

    @pytest.mark.parametrize("kept", [False, True])
    def test_a_doomed_exchange_does_the_same_work(self, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        def work(verifier: Verifier, *, doomed: bool) -> tuple[int, int]:
            made: list[bytes] = []
            signed: list[bytes] = []
            macs = Macs.of(verifier.stored_key, verifier.server_key) if kept else None
            make, sign = Mac.__init__, Mac.sign
            with monkeypatch.context() as patch:
                patch.setattr(Mac, "__init__", lambda mac, key: made.append(key) or make(mac, key))
                patch.setattr(Mac, "sign", lambda mac, message: signed.append(message) or sign(mac, message))
                exchange = ServerExchange("alice", verifier, "SERVER", doomed=doomed, macs=macs)
                exchange.first(FIRST)
                with pytest.raises(AuthenticationFailed):
                    exchange.final(final)
            return len(made), len(signed)

        final = proof("wrong")
        assert work(mock_verifier("mallory", KEY), doomed=True) == work(VERIFIER, doomed=False) == (0 if kept else 2, 2)

    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (b"", "gs2 header"),
            (b"n", "gs2 header"),
            (b"n,", "gs2 header"),
            (b"x,,n=,r=a", "gs2 header"),
            (b"nn,,n=,r=a", "gs2 header"),
            (b",,n=,r=a", "gs2 header"),
            (b"p=tls-server-end-point,,n=,r=a", "with channel binding"),
            (b"p=,,n=,r=a", "with channel binding"),
            (b"p=tls-server-end-point,a=bob,n=,r=a", "authorization identity"),
            (b"n,a=bob,n=,r=a", "authorization identity"),
            (b"y,a=bob,n=,r=a", "authorization identity"),
            (b"n,,", "list of attributes"),
            (b"n,,n=", "n, r"),
            (b"n,,r=a", "n, r"),
            (b"n,,r=a,n=", "n, r"),
            (b"n,,n=,x=1,r=a", "n, r"),
            (b"n,,m=ext,n=,r=a", "extension"),
            (b"n,,n=,r=a,m=ext", "extension"),
            (b"n,,n=,r=a,", "list of attributes"),
            (b"n,,n=,r=a,1=x", "list of attributes"),
            (b"n,,n=,r=a,xx", "list of attributes"),
            (b"n,,n=,r=a\0", "list of attributes"),
            (b"n,,n=a,b,r=a", "list of attributes"),
            (b"n,,n=,r=", "nonce"),
            (b"n,,n=,r=a b", "nonce"),
            (b"n,,n=,r=\xc3\xa4", "nonce"),
            (b"n,,n=,r=\x7f", "nonce"),
            (b"n,,n=,r=a\n", "nonce"),
            (b"n,,n=,r=" + b"a" * 1025, "nonce"),
        ],
    )
    def test_refuses_a_first_message_that_is_not_scram(self, message: bytes, why: str) -> None:
        with pytest.raises(ProtocolViolation, match="malformed SCRAM message") as caught:
            ServerExchange("alice", VERIFIER, "SERVER", doomed=False).first(message)
        assert caught.value.detail.startswith("client-first-message: ")
        assert why in caught.value.detail

    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (b"", "proof must come last"),
            (b"c=biws,r=%n", "proof must come last"),
            (b"c=biws,r=%n,p=%p,x=1", "proof must come last"),
            (b"p=%p", "proof must come last"),
            (b",p=%p", "list of attributes"),
            (b"c=biws,p=%p", "c, r"),
            (b"r=%n,c=biws,p=%p", "c, r"),
            (b"c=biws,r=%n,m=x,p=%p", "extension"),
            (b"c=biws,r=%n,,p=%p", "list of attributes"),
            (b"c=biws,r=%n\0,p=%p", "list of attributes"),
            (b"c=eSws,r=%n,p=%p", "gs2 header"),
            (b"c=,r=%n,p=%p", "gs2 header"),
            (b"c=biwsAAAA,r=%n,p=%p", "gs2 header"),
            (b"c=biws,r=abcdef,p=%p", "nonce"),
            (b"c=biws,r=%nX,p=%p", "nonce"),
            (b"c=biws,r=,p=%p", "nonce"),
            (b"c=biws,r=SERVERabcdef,p=%p", "nonce"),
            (b"c=biws,r=%n,p=", "32 bytes"),
            (b"c=biws,r=%n,p=AAAA", "32 bytes"),
            (b"c=biws,r=%n,p=%pAAAA", "base64"),
            (b"c=biws,r=%n,p=!", "base64"),
            (b"c=biws,r=%n,p=%p\n", "base64"),
        ],
    )
    def test_refuses_a_final_message_that_does_not_belong_to_the_exchange(self, message: bytes, why: str) -> None:
        message = message.replace(b"%n", NONCE).replace(b"%p", b64encode(bytes(32)))
        with pytest.raises(ProtocolViolation, match="malformed SCRAM message") as caught:
            serving().final(message)
        assert caught.value.detail.startswith("client-final-message: ")
        assert why in caught.value.detail

    @given(st.data())
    def test_no_first_message_makes_it_fail_in_another_way(self, data: st.DataObject) -> None:
        message = data.draw(st.binary() | damaged(FIRST))
        exchange = ServerExchange("alice", VERIFIER, "SERVER", doomed=False)
        with suppress(ProtocolViolation):
            assert exchange.first(message).startswith(b"r=")

    @given(st.data())
    def test_no_final_message_makes_it_fail_in_another_way(self, data: st.DataObject) -> None:
        right = b"c=biws,r=%s,p=%s" % (NONCE, b64encode(bytes(32)))
        message = data.draw(st.binary() | damaged(right))
        with pytest.raises((ProtocolViolation, AuthenticationFailed)):
            serving().final(message)


class TestClientExchange:
    def test_follows_the_example_of_rfc_7677(self) -> None:
        exchange = ClientExchange("pencil", RFC_NONCES[0])
        exchange._client_first = b"n=user,r=rOprNGfwEbeRWgbNEkqO"  # the example has the name that we leave out
        assert exchange.first() == RFC_MESSAGES[0]
        assert exchange.final(RFC_MESSAGES[1]) == RFC_MESSAGES[2]
        exchange.verify(RFC_MESSAGES[3])

    @pytest.mark.parametrize("password", PASSWORDS)
    @pytest.mark.parametrize("salt", [b"x", SALT, bytes(1024)])
    def test_gets_into_our_own_server(self, password: str, salt: bytes) -> None:
        client = calling(password=password)
        server = ServerExchange("alice", Verifier.derive(password, salt), "SERVER", doomed=False)
        client.verify(server.final(client.final(server.first(client.first()))))

    @pytest.mark.parametrize("password", ["pencil", "p\u00e4ssw\u00f6rd \u2168", "=,=2C,%"])
    @pytest.mark.parametrize("salt", [bytes(12), SALT, bytes(1024)])
    def test_gets_into_an_independent_server(self, password: str, salt: bytes) -> None:
        mechanism = scramp.ScramMechanism(scram.MECHANISM)
        known = mechanism.make_auth_info(password, salt=salt, iteration_count=4096)
        server = mechanism.make_server(lambda _name: known)
        client = calling(password=password)
        client._client_first = b"n=alice,r=abcdef"  # it does not take the empty name that libpq sends, and we too
        server.set_client_first(client.first().decode())
        server.set_client_final(client.final(server.get_server_first().encode()).decode())
        client.verify(server.get_server_final().encode())

    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (b"", "list of attributes"),
            (b"r=%n,s=%s", "r, s, i"),
            (b"s=%s,r=%n,i=4096", "r, s, i"),
            (b"m=x,r=%n,s=%s,i=4096", "extension"),
            (b"r=%n,s=%s,i=4096,", "list of attributes"),
            (b"r=abcdef,s=%s,i=4096", "begin with ours and be longer"),
            (b"r=abcdeXSERVER,s=%s,i=4096", "begin with ours and be longer"),
            (b"r=SERVER,s=%s,i=4096", "begin with ours and be longer"),
            (b"r=,s=%s,i=4096", "1 to 1024 printable"),
            (b"r=abcdef\x01,s=%s,i=4096", "1 to 1024 printable"),
            (b"r=abcdef" + b"x" * 1019 + b",s=%s,i=4096", "1 to 1024 printable"),
            (b"r=%n,s=,i=4096", "salt must be 1 to 1024 bytes"),
            (b"r=%n,s=" + b64encode(bytes(1025)) + b",i=4096", "salt must be 1 to 1024 bytes"),
            (b"r=%n,s=%s!,i=4096", "salt is not base64"),
            (b"r=%n,s=QQ,i=4096", "salt is not base64"),
            (b"r=%n,s=%s,i=", "iterations must be 1 to 100000"),
            (b"r=%n,s=%s,i=0", "iterations must be 1 to 100000"),
            (b"r=%n,s=%s,i=-1", "iterations must be 1 to 100000"),
            (b"r=%n,s=%s,i=4096.0", "iterations must be 1 to 100000"),
            (b"r=%n,s=%s,i=100001", "iterations must be 1 to 100000"),
            (b"r=%n,s=%s,i=" + b"9" * 5000, "iterations must be 1 to 100000"),
        ],
    )
    def test_refuses_a_challenge_that_is_malformed_or_out_of_bounds(self, message: bytes, why: str) -> None:
        message = message.replace(b"%n", NONCE).replace(b"%s", b64encode(SALT))
        with pytest.raises(ServerUnavailable, match="the server's SCRAM message can't be used") as caught:
            calling().final(message)
        assert caught.value.detail.startswith("server-first-message: ")
        assert why in caught.value.detail

    def test_takes_as_many_iterations_as_it_bears_and_ignores_extensions(self) -> None:
        calling().final(b"r=%s,s=%s,i=100000,x=1" % (NONCE, b64encode(SALT)))

    def test_refuses_a_server_that_does_not_know_the_password(self) -> None:
        client = calling()
        client.final(challenge())
        with pytest.raises(ServerUnavailable, match="the server's SCRAM signature is wrong"):
            client.verify(b"v=" + b64encode(bytes(32)))

    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (b"", "list of attributes"),
            (b"x=1", "attributes v"),
            (b"v=!", "signature is not base64"),
            (b"m=x,v=AAAA", "extension"),
            (b"e=invalid-proof", "the server reports invalid-proof."),
            (b"e=invalid-proof,x=1", "the server reports invalid-proof."),
            (b"e=\x1b[31mred", "the server reports an unreadable error."),
            (b"e=", "the server reports an unreadable error."),
        ],
    )
    def test_refuses_a_final_message_without_a_signature(self, message: bytes, why: str) -> None:
        client = calling()
        client.final(challenge())
        with pytest.raises(ServerUnavailable, match="the server's SCRAM message can't be used") as caught:
            client.verify(message)
        assert caught.value.detail.startswith("server-final-message: ")
        assert why in caught.value.detail

    @given(st.data())
    def test_no_message_of_a_server_makes_it_fail_in_another_way(self, data: st.DataObject) -> None:
        first = data.draw(st.binary() | damaged(b"r=%s,s=%s,i=1" % (NONCE, b64encode(SALT))))
        outcome = data.draw(st.binary() | damaged(b"v=" + b64encode(bytes(32))))

        def log_in(client: ClientExchange) -> None:
            client.final(first)
            client.verify(outcome)

        with pytest.raises(ServerUnavailable):
            log_in(calling())


class TestRememberedPasswords:
    def log_in(self, salted: dict[tuple[bytes, int], bytes], verifier: Verifier = VERIFIER) -> None:
        client, server = calling(salted), ServerExchange("alice", verifier, "SERVER", doomed=False)
        client.verify(server.final(client.final(server.first(client.first()))))

    def test_the_second_login_to_a_server_stretches_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        salted: dict[tuple[bytes, int], bytes] = {}
        self.log_in(salted)
        assert list(salted) == [(SALT, 4096)]
        monkeypatch.delattr(hashlib, "pbkdf2_hmac")
        self.log_in(salted)

    def test_a_new_salt_or_other_iterations_are_stretched_anew(self) -> None:
        salted: dict[tuple[bytes, int], bytes] = {}
        for verifier in (VERIFIER, Verifier.derive("pencil", b"new"), Verifier.derive("pencil", SALT, 1)):
            self.log_in(salted, verifier)
        assert list(salted) == [(SALT, 4096), (b"new", 4096), (SALT, 1)]

    def test_a_server_that_has_not_proved_itself_leaves_nothing_behind(self) -> None:
        salted: dict[tuple[bytes, int], bytes] = {}
        client = calling(salted)
        client.final(challenge())
        with pytest.raises(ServerUnavailable):
            client.verify(b"v=" + b64encode(bytes(32)))
        assert salted == {}


def damaged(message: bytes) -> st.SearchStrategy[bytes]:
    """`message` with a piece of it replaced: closer to what a hostile peer sends than random bytes are."""
    offsets = st.integers(0, len(message))
    pieces = st.binary(max_size=4) | st.sampled_from([b",", b"=", b",p=", b",m=x", b"a=b,", b"\0", b"\xff"])
    return st.builds(lambda start, end, piece: message[:start] + piece + message[end:], offsets, offsets, pieces)
