from __future__ import annotations

import pytest

from agroal.auth.md5 import is_md5_secret, md5_response, md5_secret

POSTGRES = "md53175bce1d3201d16594cebf9d7eb3f9d"
"""What `CREATE ROLE postgres PASSWORD 'postgres'` stores under `password_encryption = md5`."""


def test_the_secret_is_the_one_that_postgresql_stores() -> None:
    assert md5_secret("postgres", "postgres") == POSTGRES


def test_the_user_is_the_salt_of_the_secret() -> None:
    assert md5_secret("postgres", "alice") != POSTGRES


def test_the_response_hashes_the_digits_of_the_secret_and_the_salt() -> None:
    assert md5_response(POSTGRES, b"\x01\x02\xfe\xff") == "md5448dff32689248fb5636ac1de213ddc6"
    assert md5_response(POSTGRES, b"\x01\x02\xfe\x00") != md5_response(POSTGRES, b"\x01\x02\xfe\xff")


def test_a_password_that_is_not_utf_8_is_hashed_as_the_bytes_it_came_as() -> None:
    assert md5_secret(b"\xff".decode(errors="surrogateescape"), "") == "md500594fd4f42ba43fc1ca0427a0576295"


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        (POSTGRES, True),
        (POSTGRES.upper(), False),
        (POSTGRES[:-1], False),
        (POSTGRES + "0", False),
        (POSTGRES + "\n", False),
        ("md5" + "g" * 32, False),
        ("", False),
    ],
)
def test_a_stored_secret_is_told_from_a_password(text: str, is_secret: bool) -> None:
    assert is_md5_secret(text) is is_secret
