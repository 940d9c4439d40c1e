from __future__ import annotations

import hashlib

import pytest

from agroal.auth.md5 import md5_response, md5_secret
from agroal.auth.mock import mock_verifier
from agroal.auth.scram import MECHANISM, Verifier
from agroal.auth.users import Secret, Users

KEY = b"a secret of this process"
VERIFIER = Verifier.derive("pencil", b"a salt of its own")
HASH = md5_secret("pencil", "dave")
SALT = b"\x00\x01\xfe\xff"


@pytest.fixture(scope="module")
def users() -> Users:
    return Users({"alice": "pencil", "bob": VERIFIER.format(), "dave": HASH}, KEY)


class TestSecret:
    def test_a_password_is_just_that(self) -> None:
        secret = Secret("pencil")
        assert (secret.password, secret.verifier, secret.md5) == ("pencil", None, None)

    def test_a_verifier_is_not_a_password(self) -> None:
        secret = Secret(VERIFIER.format())
        assert (secret.password, secret.verifier, secret.md5) == (None, VERIFIER, None)

    def test_an_md5_hash_is_not_a_password(self) -> None:
        secret = Secret(HASH)
        assert (secret.password, secret.verifier, secret.md5) == (None, None, HASH)

    @pytest.mark.parametrize("text", ["md5", "md5 is old", MECHANISM, f"{MECHANISM}$4096:a$b:c"])
    def test_what_only_begins_like_a_hash_or_a_verifier_is_a_password(self, text: str) -> None:
        assert Secret(text).password == text

    @pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>40}".format, lambda secret: "%s" % secret])  # noqa: UP031
    def test_is_never_shown(self, show: object) -> None:
        assert callable(show)
        assert "pencil" not in show(Secret("pencil"))


class TestUsers:
    def test_is_a_mapping_from_name_to_secret(self, users: Users) -> None:
        assert list(users) == ["alice", "bob", "dave"]
        assert len(users) == 3
        assert users["alice"] == Secret("pencil")
        assert users.get("mallory") is None
        assert "mallory" not in users

    def test_shows_no_secret(self, users: Users) -> None:
        assert "pencil" not in repr(users)
        assert "pencil" not in repr(dict(users))


class TestScram:
    def test_a_stored_verifier_is_the_challenge(self, users: Users) -> None:
        assert users.challenge("bob") == (VERIFIER, False)

    def test_a_password_becomes_a_verifier_with_a_salt_that_stays(self, users: Users) -> None:
        verifier, doomed = users.challenge("alice")
        assert verifier.accepts("pencil")
        assert not doomed
        assert Users({"alice": "pencil"}, KEY).challenge("alice")[0] == verifier

    @pytest.mark.parametrize("name", ["mallory", "dave", "\udcff"])
    def test_who_is_unknown_or_has_an_md5_hash_is_doomed_to_a_mock(self, users: Users, name: str) -> None:
        assert users.challenge(name) == (mock_verifier(name, KEY), True)

    def test_an_unknown_user_is_challenged_like_one_whose_password_is_known(self, users: Users) -> None:
        known, unknown = users.challenge("alice")[0], Users({}, KEY).challenge("alice")[0]
        assert (known.salt, known.iterations) == (unknown.salt, unknown.iterations)


class TestPassword:
    @pytest.mark.parametrize("name", ["alice", "bob", "dave"])
    def test_the_right_one_is_accepted_however_it_is_stored(self, users: Users, name: str) -> None:
        assert users.accepts_password(name, "pencil")
        assert not users.accepts_password(name, "pencil2")

    @pytest.mark.parametrize("password", ["", "pencil", "\udcff"])
    def test_an_unknown_user_has_none(self, users: Users, password: str) -> None:
        assert not users.accepts_password("mallory", password)

    @pytest.mark.parametrize(("name", "stored"), [("bob", VERIFIER.format()), ("dave", HASH)])
    def test_what_is_stored_is_not_the_password(self, users: Users, name: str, stored: str) -> None:
        assert not users.accepts_password(name, stored)

    @pytest.mark.parametrize("name", ["alice", "bob", "dave", "mallory"])
    def test_is_stretched_once_whoever_asks(self, users: Users, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        rounds: list[int] = []
        genuine = hashlib.pbkdf2_hmac

        def counting(algorithm: str, password: bytes, salt: bytes, iterations: int) -> bytes:
            rounds.append(iterations)
            return genuine(algorithm, password, salt, iterations)

        monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
        users.accepts_password(name, "guess")
        assert rounds == [4096]


class TestMd5:
    @pytest.mark.parametrize("name", ["alice", "dave"])
    def test_the_right_response_is_accepted_from_a_password_or_a_hash(self, users: Users, name: str) -> None:
        response = md5_response(md5_secret("pencil", name), SALT).encode()
        assert users.accepts_md5(name, SALT, response)
        assert not users.accepts_md5(name, b"salt", response)

    @pytest.mark.parametrize("password", ["", "pencil"])
    @pytest.mark.parametrize("name", ["mallory", "bob"])
    def test_without_a_password_or_a_hash_there_is_no_right_response(
        self, users: Users, name: str, password: str
    ) -> None:
        assert not users.accepts_md5(name, SALT, md5_response(md5_secret(password, name), SALT).encode())

    @pytest.mark.parametrize("response", [b"", b"pencil", b"md5\xff", "md5\u00e4".encode()])
    def test_anything_else_is_a_wrong_response(self, users: Users, response: bytes) -> None:
        assert not users.accepts_md5("alice", SALT, response)


def test_md5_is_wanted_of_whom_there_is_no_verifier_and_the_unknown_are_like_them() -> None:
    verifier = Verifier.derive("pencil", bytes(16), 1).format()
    mixed = Users({"ann": "pencil", "bob": verifier, "dave": md5_secret("pencil", "dave")}, b"key")
    assert [mixed.wants_md5(name) for name in ("ann", "bob", "dave", "eve")] == [True, False, True, True]
    assert [Users({"bob": verifier}, b"key").wants_md5(name) for name in ("bob", "eve")] == [False, False]
    assert not Users({}, b"key").wants_md5("eve"), "when PostgreSQL is asked, it is the only one"
