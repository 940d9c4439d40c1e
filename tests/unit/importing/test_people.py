from __future__ import annotations

import pytest

from agroal.auth.scram import Verifier
from tests.unit.importing.bringing import Bringer

VERIFIER = Verifier.derive("pencil", b"0123456789abcdef").format()
MD5 = "md5aabbccddeeff00112233445566778899"
SHOP = "shop = host=h"


def test_the_auth_file_becomes_the_vault(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, people=f'"ann" "pencil"\n"bob" "{MD5}"\n"cy" "{VERIFIER}"\n')
    assert brought.secrets.users == {"ann": "pencil", "bob": MD5, "cy": VERIFIER}
    assert brought.human("user bob: an md5 hash", "md5 and password")
    assert brought.human("user cy: a SCRAM verifier", "only after a client has")


def test_with_scram_an_md5_hash_is_of_no_use(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "auth_type = scram-sha-256", people=f'"bob" "{MD5}"\n')
    assert brought.human("bob", "By scram-sha-256 this user can't come in")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('"nobody" ""', "the password is empty"),
        ('"" "x"', "must not be empty"),
        ('" x" "x"', "begin or end with a blank"),
        ('"ann" "other"', "is there twice"),
        (f'"long" "{"x" * 8200}"', "at most 8192 bytes"),
    ],
)
def test_who_cannot_be_in_the_vault_is_told(bring: Bringer, line: str, why: str) -> None:
    brought = bring.bouncer(SHOP, people=f'"ann" "pencil"\n{line}\n')
    assert brought.secrets.users == {"ann": "pencil"}
    assert brought.human(why, "Left out")


def test_a_file_that_is_not_there_is_told(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "auth_file = missing.txt")
    assert brought.secrets.users == {}
    assert brought.human("missing.txt", "no such file")


def test_admins_and_who_may_only_look(bring: Bringer) -> None:
    people = f'"ann" "pencil"\n"bob" "brush"\n"old" "{MD5}"\n'
    brought = bring.bouncer(SHOP, "admin_users = ann, root\nstats_users = ann, bob, old", people=people)
    assert brought.secrets.admins == {"ann": "pencil", "bob": "brush"}
    assert brought.configuration.settings.monitors == "bob"
    assert brought.human("root needs a password")
    assert brought.human("old needs a password")


def test_who_asks_for_secrets(bring: Bringer) -> None:
    brought = bring.bouncer(
        SHOP, "auth_user = ann\nauth_query = select 1\nauth_dbname = ids", people='"ann" "pencil"\n'
    )
    assert brought.secrets.superuser == {"ann": "pencil"}
    assert brought.configuration.settings.auth_query
    assert brought.configuration.settings.auth_query_database == "ids"
    assert brought.human("auth_query = select 1", "A function of yours is not called")
    assert brought.human("auth_user = ann", "GRANT SELECT ON pg_catalog.pg_authid TO ann")


def test_who_asks_needs_a_password(bring: Bringer) -> None:
    brought = bring.bouncer(f"{SHOP} auth_user=bob", people=f'"bob" "{MD5}"\n')
    assert not brought.configuration.settings.auth_query
    assert brought.human("auth_user = bob", "its password is not known")


def test_there_is_one_who_asks(bring: Bringer) -> None:
    people = '"ann" "pencil"\n"bob" "brush"\n'
    brought = bring.bouncer(f"{SHOP} auth_user=bob", "auth_user = ann", people=people)
    assert brought.secrets.superuser == {"ann": "pencil"}
    assert brought.human("auth_user=bob", "asks as one user for all databases: ann")
