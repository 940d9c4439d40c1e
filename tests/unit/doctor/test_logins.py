from __future__ import annotations

from dataclasses import replace

import pytest

from agroal.auth.scram import Verifier
from agroal.daemon.files import Secrets
from agroal.doctor.check import Grade
from agroal.doctor.patient import Asked, Login, Role
from tests.unit.doctor.patients import configuration, facts, patient, told

VERIFIER = Verifier.derive("pencil", b"0123456789abcdef").format()
MD5 = "md5aabbccddeeff00112233445566778899"


def test_who_cannot_log_in() -> None:
    refused = Login("web", "shop", "28P01", "password authentication failed")
    ((grade, text),) = told("logins", patient(seen={"logins": (refused,)}))
    assert grade is Grade.WRONG
    assert text == "primary: web can't log in to shop: password authentication failed"


def test_a_database_that_is_not_there_is_told_elsewhere() -> None:
    assert told("logins", patient(seen={"logins": (Login("web", "shop", "3D000", "no such database"),)})) == []


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({}, "PostgreSQL has no such role"),
        ({"web": Role("scram", can_login=False)}, "NOLOGIN"),
        ({"web": Role("scram", expired=True)}, "VALID UNTIL"),
        ({"web": Role(None)}, ""),
    ],
)
def test_users_are_roles_that_may_log_in(roles: dict[str, Role], expected: str) -> None:
    found = told("roles", patient(seen={"facts": facts(roles=roles)}))
    assert [expected in text for _, text in found] == ([True] if expected else [])


@pytest.mark.parametrize(
    ("secret", "kind", "hba", "expected"),
    [
        ("pencil", "scram", "host all all all scram-sha-256\n", []),
        (MD5, "md5", "host all all all md5\n", []),
        (MD5, "scram", "host all all all md5\n", [(Grade.WRONG, "agroal can't log in")]),
        (MD5, "md5", "host all all all scram-sha-256\n", [(Grade.WRONG, "it can't come in")]),
        (VERIFIER, "scram", "host all all all scram-sha-256\n", [(Grade.ADVICE, "only after a client has")]),
        (VERIFIER, "md5", "host all all all scram-sha-256\n", [(Grade.WRONG, "an md5 hash in PostgreSQL")]),
        (VERIFIER, "none", "host all all all scram-sha-256\n", [(Grade.WRONG, "no password in PostgreSQL")]),
    ],
)
def test_verifiers_fit(secret: str, kind: str, hba: str, expected: list[tuple[Grade, str]]) -> None:
    ill = patient(configuration(hba=hba), seen={"facts": facts(roles={"web": Role(kind)})})
    found = told("verifiers", replace(ill, secrets=Secrets({"web": secret})))
    assert [(grade, words in text) for (grade, text), (_, words) in zip(found, expected, strict=True)] == [
        (grade, True) for grade, _ in expected
    ]


def test_who_has_to_know_something_else_may_have_a_hash() -> None:
    secrets = Secrets({"web": MD5}, {"web": "chalk"})
    ill = patient(configuration(), seen={"facts": facts(roles={"web": Role("md5")})})
    assert told("verifiers", replace(ill, secrets=secrets)) == []


def test_md5_is_advised_against() -> None:
    found = facts(roles={"web": Role("md5")}, settings={"password_encryption": "md5"})
    grades = [grade for grade, _ in told("password-encryption", patient(seen={"facts": found}))]
    assert grades == [Grade.ADVICE, Grade.ADVICE]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, "there is nobody who could ask"),
        (Asked("asks", "postgres", "permission denied"), "can't read pg_authid in postgres: permission denied"),
        (Asked("asks", "postgres"), "no row came back"),
        (Asked("asks", "postgres", "", True, True), "is a superuser"),
        (Asked("asks", "postgres", "", False, True), ""),
    ],
)
def test_who_asks_for_secrets(asked: Asked | None, expected: str) -> None:
    found = told("auth-query", patient(configuration(auth_query=True), seen={"asked": asked}))
    assert [expected in text for _, text in found] == ([True] if expected else [])


def test_without_auth_query_nobody_asks() -> None:
    assert told("auth-query", patient()) == []
