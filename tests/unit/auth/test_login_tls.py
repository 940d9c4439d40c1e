"""What TLS adds to logging in to a server: SCRAM that is bound to the connection."""

from __future__ import annotations

import pytest

from agroal.auth.login import Encryption
from agroal.config.choices import ChannelBinding
from agroal.errors import ServerRefused, ServerUnavailable
from tests.unit.auth.logins import BEGUN, CHALLENGE, GREETING, OUTCOME, offered, proved, sasl, scram, talk
from tests.unit.script import Script, run
from tests.unit.wire.messages import authentication, message

SCRAM, PLUS, OTHER = b"SCRAM-SHA-256", b"SCRAM-SHA-256-PLUS", b"OAUTHBEARER"
HASH = bytes(range(32))
BOUND = b"p=tls-server-end-point"
DISABLE, PREFER, REQUIRE = ChannelBinding.DISABLE, ChannelBinding.PREFER, ChannelBinding.REQUIRE
WITH_PLUS = [[PLUS, SCRAM], [SCRAM, PLUS], [PLUS], [OTHER, PLUS, SCRAM]]
WITHOUT_PLUS = [[SCRAM], [SCRAM, OTHER]]


def secured(wanted: ChannelBinding, binding: bytes | None = HASH) -> Encryption:
    return Encryption(True, binding, wanted)


@pytest.mark.parametrize("wanted", [PREFER, REQUIRE])
@pytest.mark.parametrize("mechanisms", WITH_PLUS)
def test_the_login_is_bound_where_that_is_offered(mechanisms: list[bytes], wanted: ChannelBinding) -> None:
    script = proved(mechanisms, flag=BOUND, binding=HASH) >> GREETING
    assert run(talk(encryption=secured(wanted)), script) == OUTCOME


@pytest.mark.parametrize("mechanisms", WITHOUT_PLUS)
def test_that_it_could_have_been_bound_is_said_where_it_was_not_offered(mechanisms: list[bytes]) -> None:
    """If somebody has taken PLUS from the list, the server sees it by this."""
    assert run(talk(encryption=secured(PREFER)), proved(mechanisms, flag=b"y") >> GREETING) == OUTCOME


@pytest.mark.parametrize("mechanisms", [[SCRAM], [PLUS, SCRAM], [SCRAM, PLUS]])
def test_it_is_not_bound_where_that_is_disabled(mechanisms: list[bytes]) -> None:
    assert run(talk(encryption=secured(DISABLE)), proved(mechanisms) >> GREETING) == OUTCOME
    assert run(talk(encryption=Encryption(wanted=DISABLE)), proved(mechanisms) >> GREETING) == OUTCOME


@pytest.mark.parametrize("mechanisms", [[SCRAM], [PLUS, SCRAM]])
def test_a_certificate_without_a_hash_binds_nothing(mechanisms: list[bytes]) -> None:
    assert run(talk(encryption=secured(PREFER, None)), proved(mechanisms) >> GREETING) == OUTCOME


@pytest.mark.parametrize("wanted", [PREFER, REQUIRE])
def test_where_another_certificate_was_seen_the_proof_is_another(wanted: ChannelBinding) -> None:
    right, other = (scram(flag=BOUND, binding=binding)[0] for binding in (HASH, HASH[::-1]))
    assert right != other
    script = sasl([PLUS], BOUND, PLUS) >> authentication(11, CHALLENGE) << message("p", other) >> message("E", b"\0")
    with pytest.raises(ServerRefused):
        run(talk(encryption=secured(wanted, HASH[::-1])), script)


@pytest.mark.parametrize(
    ("encryption", "why"),
    [
        (Encryption(False, None, REQUIRE), "TLS is not in use"),
        (Encryption(True, None, REQUIRE), "the server's certificate has no hash to bind to"),
    ],
)
def test_what_is_required_and_impossible_is_refused_before_anything_is_said(encryption: Encryption, why: str) -> None:
    with pytest.raises(ServerUnavailable, match=why) as refusal:
        run(talk(encryption=encryption), Script())
    assert "channel_binding = require" in refusal.value.message


@pytest.mark.parametrize("mechanisms", WITHOUT_PLUS)
def test_a_server_that_does_not_offer_what_is_required_is_left(mechanisms: list[bytes]) -> None:
    with pytest.raises(ServerUnavailable, match=r"channel binding is required .* does not offer SCRAM-SHA-256-PLUS"):
        run(talk(encryption=secured(REQUIRE)), BEGUN >> offered(mechanisms))


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (authentication(0), "wants no password"),
        (authentication(3), r"asks for another authentication \(code 3\)"),
        (authentication(5, b"salt"), r"asks for another authentication \(code 5\)"),
        (authentication(7), r"asks for another authentication \(code 7\)"),
    ],
)
def test_any_other_authentication_is_refused_where_binding_is_required(question: bytes, why: str) -> None:
    """The password must not be sent to whoever it is that asks."""
    with pytest.raises(ServerUnavailable, match=f"channel binding is required .* the server {why}"):
        run(talk(encryption=secured(REQUIRE)), BEGUN >> question)


@pytest.mark.parametrize("mechanisms", WITH_PLUS)
def test_an_offer_to_bind_what_is_not_encrypted_is_suspicious(mechanisms: list[bytes]) -> None:
    with pytest.raises(ServerUnavailable, match="but the connection is not encrypted") as refusal:
        run(talk(), BEGUN >> offered(mechanisms))
    assert "channel_binding = disable" in refusal.value.hint


@pytest.mark.parametrize("encryption", [secured(DISABLE), secured(PREFER, None)])
def test_where_only_a_bound_login_is_offered_and_none_is_possible_the_offer_is_named(encryption: Encryption) -> None:
    with pytest.raises(ServerUnavailable, match=r"can use: SCRAM-SHA-256-PLUS$"):
        run(talk(encryption=encryption), BEGUN >> offered([PLUS]))
