"""What a client has shown of a password that is not known logs in for it."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import replace

import pytest

from agroal.auth import scram
from agroal.auth.scram import ClientExchange, Keys, ServerExchange, Verifier
from agroal.errors import AuthenticationFailed, ServerUnavailable
from tests.unit.auth.test_scram import RFC_MESSAGES, RFC_NONCES, RFC_VERIFIER


def shown() -> Keys:
    """To the server of the example in RFC 7677."""
    exchange = ServerExchange("user", RFC_VERIFIER, RFC_NONCES[1], doomed=False)
    exchange.first(RFC_MESSAGES[0])
    exchange.final(RFC_MESSAGES[2])
    assert exchange.keys
    return exchange.keys


def log_in(client: ClientExchange, verifier: Verifier) -> None:
    server = ServerExchange("user", verifier, "server", doomed=False)
    client.verify(server.final(client.final(server.first(client.first()))))


class TestShown:
    def test_they_are_those_that_the_password_has(self) -> None:
        salted = hashlib.pbkdf2_hmac("sha256", b"pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
        keys = shown()
        assert keys.client_key == scram._hmac(salted, b"Client Key")
        assert keys.server_key == scram._hmac(salted, b"Server Key")
        assert (keys.salt, keys.iterations) == (RFC_VERIFIER.salt, RFC_VERIFIER.iterations)

    @pytest.mark.parametrize("doomed", [True, False])
    def test_a_proof_that_fails_shows_none(self, doomed: bool) -> None:
        verifier = RFC_VERIFIER if doomed else Verifier.derive("crayon", RFC_VERIFIER.salt)
        exchange = ServerExchange("user", verifier, RFC_NONCES[1], doomed=doomed)
        exchange.first(RFC_MESSAGES[0])
        with pytest.raises(AuthenticationFailed):
            exchange.final(RFC_MESSAGES[2])
        assert exchange.keys is None

    def test_a_repr_shows_none(self) -> None:
        assert repr(shown()) == f"Keys(iterations=4096, salt={RFC_VERIFIER.salt!r})"


class TestLoggingIn:
    def test_without_a_password_by_the_example_of_rfc_7677(self) -> None:
        exchange = ClientExchange(None, RFC_NONCES[0], keys=shown())
        exchange.first()
        with_name = RFC_MESSAGES[0].removeprefix(b"n,,")
        exchange._client_first = with_name  # of which PostgreSQL takes no notice, and so it is not sent
        assert exchange.final(RFC_MESSAGES[1]) == RFC_MESSAGES[2]
        exchange.verify(RFC_MESSAGES[3])

    def test_nothing_is_stretched_and_nothing_remembered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = shown()
        monkeypatch.setattr(scram, "_stretch", None)
        salted: dict[tuple[bytes, int], bytes] = {}
        log_in(ClientExchange(None, "client", salted, keys=keys), RFC_VERIFIER)
        assert salted == {}

    @pytest.mark.parametrize(
        "other",
        [
            Verifier.derive("pencil", b"another salt", 4096),
            Verifier.derive("pencil", RFC_VERIFIER.salt, 4097),
            Verifier.derive("crayon", b"another salt", 4096),
        ],
        ids=["salt", "iterations", "password"],
    )
    def test_a_verifier_that_they_do_not_fit_is_said(self, other: Verifier) -> None:
        with pytest.raises(ServerUnavailable, match="does not fit the server's verifier") as refusal:
            log_in(ClientExchange(None, "client", keys=shown()), other)
        assert refusal.value.hint

    def test_where_they_do_not_fit_a_password_helps(self) -> None:
        other = Verifier.derive("pencil", b"another salt", 1)
        log_in(ClientExchange("pencil", "client", keys=shown()), other)

    def test_a_server_that_does_not_know_the_user_is_still_found_out(self) -> None:
        impostor = replace(RFC_VERIFIER, server_key=bytes(32))
        with pytest.raises(ServerUnavailable, match="signature is wrong"):
            log_in(ClientExchange(None, "client", keys=shown()), impostor)

    def test_neither_a_password_nor_keys_is_an_error_in_words(self) -> None:
        with pytest.raises(ServerUnavailable, match="does not fit"):
            log_in(ClientExchange(None, "client"), RFC_VERIFIER)
