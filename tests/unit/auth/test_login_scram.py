from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest

from agroal.errors import ServerUnavailable
from tests.unit.auth.logins import (
    BEGUN,
    CHALLENGE,
    GREETING,
    NONCE,
    NONCES,
    ONLY_SCRAM,
    OUTCOME,
    SALT,
    Salted,
    offered,
    proved,
    sasl,
    scram,
    talk,
)
from tests.unit.script import hold, run
from tests.unit.wire.messages import authentication, message

CHEAP = b"r=%s,s=%s,i=1" % (NONCES, SALT)
CHEAPLY = hashlib.pbkdf2_hmac("sha256", b"pencil", b64decode(SALT), 1)


@pytest.mark.parametrize(
    "mechanisms",
    [[b"SCRAM-SHA-256"], [b"SCRAM-SHA-256", b"OAUTHBEARER"], [b"OAUTHBEARER", b"SCRAM-SHA-256"]],
)
def test_the_mechanism_is_found_wherever_it_stands(mechanisms: list[bytes]) -> None:
    assert run(talk(), proved(mechanisms) >> GREETING) == OUTCOME


@pytest.mark.parametrize("mechanisms", [[], [b"SCRAM-SHA-1"], [b"PLAIN", b"OAUTHBEARER"]])
def test_mechanisms_that_are_not_there_are_named(mechanisms: list[bytes]) -> None:
    with pytest.raises(ServerUnavailable, match="can use: " + b", ".join(mechanisms).decode() + "$"):
        run(talk(), BEGUN >> offered(mechanisms))


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=%s,s=%s,i=1" % (NONCES, SALT),
        b"r=%s,s=%s,i=100000" % (NONCES, SALT),
        b"r=%s,s=%s,i=4096" % (NONCES, b64encode(b"short")),
        b"r=%s,s=%s,i=4096" % (NONCES, b64encode(bytes(1024))),
        b"r=%s,s=%s,i=4096" % (NONCES + b"x" * (1024 - len(NONCES)), SALT),
        CHALLENGE + b",z=of the future",
    ],
    ids=["one-round", "most-rounds", "short-salt", "longest-salt", "longest-nonce", "extension"],
)
def test_a_server_may_choose_other_sizes_than_postgresql(challenge: bytes) -> None:
    _, salt64, count, *_ = (attribute[2:] for attribute in challenge.split(b","))
    salt, iterations = b64decode(salt64), int(count)
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, iterations)
    script = proved(challenge=challenge, salted=salted) >> GREETING
    outcome = hold(talk(salted={(salt, iterations): salted})(), script, range(0, 2000, 7))
    assert outcome.result == OUTCOME


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (b"r=%s,s=%s,i=100001" % (NONCES, SALT), "iterations"),
        (b"r=%s,s=%s,i=99999999999999999999" % (NONCES, SALT), "iterations"),
        (b"r=%s,s=%s,i=0" % (NONCES, SALT), "iterations"),
        (b"r=%s,s=%s,i=-1" % (NONCES, SALT), "iterations"),
        (b"r=%s,s=%s,i=4096" % (NONCES + b"x" * 1024, SALT), "nonce"),
        (b"r=%s,s=%s,i=4096" % (b"x" + NONCES, SALT), "nonce"),
        (b"r=%s,s=%s,i=4096" % (NONCE.encode(), SALT), "nonce"),
        (b"r=%s,s=,i=4096" % NONCES, "salt"),
        (b"r=%s,s=%s,i=4096" % (NONCES, b64encode(bytes(1025))), "salt"),
        (b"", "list of attributes"),
    ],
)
def test_what_a_server_may_ask_for_is_bounded(challenge: bytes, words: str) -> None:
    """CVE-2026-6665."""
    with pytest.raises(ServerUnavailable) as refusal:
        run(talk(), sasl(ONLY_SCRAM) >> authentication(11, challenge))
    assert words in refusal.value.detail


@pytest.mark.parametrize("final", [b"v=" + b64encode(bytes(32)), b"v=", b"", b"e=invalid-proof"])
def test_a_server_that_does_not_prove_itself_is_left_and_nothing_of_it_is_remembered(final: bytes) -> None:
    salted: Salted = {}
    asked = sasl(ONLY_SCRAM) >> authentication(11, CHEAP) << message("p", scram(CHEAP, CHEAPLY)[0])
    with pytest.raises(ServerUnavailable, match="SCRAM"):
        run(talk(salted=salted), asked >> authentication(12, final))
    assert salted == {}


def test_what_a_proved_server_asked_for_is_remembered() -> None:
    salted: Salted = {}
    run(talk(salted=salted), proved(challenge=CHEAP, salted=CHEAPLY) >> GREETING)
    assert salted == {(b64decode(SALT), 1): CHEAPLY}


@pytest.mark.parametrize("code", [0, 3, 10, 12])
def test_a_server_may_not_leave_the_exchange_before_its_challenge(code: int) -> None:
    with pytest.raises(ServerUnavailable, match=rf"\(code {code} instead of a challenge\)"):
        run(talk(), sasl(ONLY_SCRAM) >> authentication(code))


@pytest.mark.parametrize("code", [0, 3, 11])
def test_a_server_may_not_leave_the_exchange_before_its_signature(code: int) -> None:
    asked = sasl(ONLY_SCRAM) >> authentication(11, CHALLENGE) << message("p", scram()[0])
    with pytest.raises(ServerUnavailable, match=rf"\(code {code} instead of its signature\)"):
        run(talk(), asked >> authentication(code))
