from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from agroal.auth.scram import MECHANISM, PLUS, ServerExchange, Verifier
from agroal.errors import ManagementError
from agroal.management.proof import proof

HASH = bytes(range(32))
SALT = b"sixteen bytes ok"
CHALLENGE = {"data": f"r=abcdefSERVER,s={b64encode(SALT).decode()},i=4096"}


def refusal(*results: dict[str, Any], password: str | None = "pencil", **options: Any) -> ManagementError:
    """What is said of these answers, the last of which is refused."""
    talk = proof("ops", password, "abcdef", **options)
    assert next(talk) == {"user": "ops"}
    *fine, last = results
    for result in fine:
        talk.send(result)
    with pytest.raises(ManagementError) as refused:
        talk.send(last)
    return refused.value


@pytest.mark.parametrize(
    ("offered", "binding", "chosen", "flag"),
    [
        ([MECHANISM], None, MECHANISM, "n"),
        ([PLUS, MECHANISM], None, MECHANISM, "n"),
        ([MECHANISM], HASH, MECHANISM, "y"),
        ([MECHANISM, PLUS], HASH, PLUS, "p=tls-server-end-point"),
    ],
)
def test_the_login_is_bound_where_both_sides_can(
    offered: list[str], binding: bytes | None, chosen: str, flag: str
) -> None:
    talk = proof("ops", "pencil", "abcdef", binding=binding)
    next(talk)
    assert talk.send({"mechanisms": offered}) == {"mechanism": chosen, "data": f"{flag},,n=,r=abcdef"}


def test_it_ends_when_the_other_side_has_proved_itself() -> None:
    server = ServerExchange("ops", Verifier.derive("pencil", SALT), "SERVER", doomed=False)
    talk = proof("ops", "pencil", "abcdef")
    next(talk)
    first = talk.send({"mechanisms": [MECHANISM]})
    final = talk.send({"data": server.first(str(first["data"]).encode()).decode()})
    with pytest.raises(StopIteration):
        talk.send({"data": server.final(str(final["data"]).encode()).decode(), "user": "ops", "role": "admin"})


def test_who_does_not_know_the_password_is_not_believed() -> None:
    error = refusal({"mechanisms": [MECHANISM]}, CHALLENGE, {"data": f"v={b64encode(HASH).decode()}", "role": "admin"})
    assert (error.code, str(error)) == (
        "denied",
        "this is not the agroal that knows ops: the server's SCRAM signature is wrong: It does not know the password.",
    )


def test_who_says_welcome_without_a_proof_is_not_believed() -> None:
    assert refusal({"user": "ops", "role": "admin"}).code == "denied"
    assert refusal({"mechanisms": [MECHANISM]}, CHALLENGE, {"role": "admin"}).code == "malformed"


def test_who_has_proved_itself_by_its_certificate_may_let_us_in_by_ours() -> None:
    talk = proof("ops", None, "abcdef", verified=True)
    next(talk)
    with pytest.raises(StopIteration):
        talk.send({"user": "ops", "role": "admin"})


def test_a_password_that_is_wanted_and_not_there_is_asked_for_in_words() -> None:
    error = refusal({"mechanisms": [MECHANISM]}, password=None)
    assert (error.code, "set AGROAL_PASSWORD" in str(error)) == ("denied", True)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([{}], "malformed"),
        ([{"mechanisms": "SCRAM-SHA-256"}], "malformed"),
        ([{"mechanisms": []}], "denied"),
        ([{"mechanisms": [PLUS, "PLAIN"]}], "denied"),
        ([{"mechanisms": [MECHANISM]}, {}], "malformed"),
        ([{"mechanisms": [MECHANISM]}, {"data": "ü"}], "malformed"),
        ([{"mechanisms": [MECHANISM]}, {"data": "r=other,s=QUJD,i=4096"}], "denied"),
        ([{"mechanisms": [MECHANISM]}, {"data": "r=abcdefX,s=QUJD,i=2000000000"}], "denied"),
        ([{"mechanisms": [MECHANISM]}, CHALLENGE, {"data": 7}], "malformed"),
        ([{"mechanisms": [MECHANISM]}, CHALLENGE, {"data": "e=\x1b[2J"}], "denied"),
    ],
)
def test_an_agroal_that_is_none_is_not_believed(results: list[dict[str, Any]], code: str) -> None:
    error = refusal(*results)
    assert error.code == code
    assert str(error).isprintable()
