from __future__ import annotations

from base64 import b64encode
from contextlib import suppress

import pytest
import scramp
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.scram import MECHANISM, PLUS, ClientExchange, ServerExchange, Verifier
from agroal.errors import AuthenticationFailed, NotPermitted, ProtocolViolation
from tests.unit.auth.test_scram import damaged

SALT = b"sixteen bytes ok"
VERIFIER = Verifier.derive("pencil", SALT)
HASH = bytes(range(32))
LONG = bytes(range(64))
"""Of a certificate that is signed with SHA-512."""
HEADER = b"p=tls-server-end-point,,"


def serving(binding: bytes | None = HASH, *, doomed: bool = False) -> ServerExchange:
    return ServerExchange("alice", VERIFIER, "SERVER", doomed=doomed, binding=binding)


def calling(binding: bytes | None = HASH, password: str = "pencil", *, could_bind: bool = False) -> ClientExchange:
    return ClientExchange(password, "abcdef", binding=binding, could_bind=could_bind)


def hold(client: ClientExchange, server: ServerExchange, mechanism: str = PLUS) -> None:
    """The whole exchange."""
    client.verify(server.final(client.final(server.first(client.first(), mechanism))))


@pytest.mark.parametrize("binding", [HASH, LONG])
def test_both_sides_agree_on_the_connection(binding: bytes) -> None:
    hold(calling(binding), serving(binding))


def test_a_server_without_tls_offers_no_binding() -> None:
    assert serving(None).mechanisms == [MECHANISM]
    assert serving().mechanisms == [PLUS, MECHANISM]


@pytest.mark.parametrize("binding", [HASH[::-1], HASH[:-1], HASH + b"x", b"", LONG])
@pytest.mark.parametrize("doomed", [False, True])
def test_another_connection_is_refused_in_the_words_of_postgresql(binding: bytes, doomed: bool) -> None:
    with pytest.raises(NotPermitted) as refusal:
        hold(calling(binding), serving(doomed=doomed))
    assert (refusal.value.sqlstate, refusal.value.message) == ("28000", "SCRAM channel binding check failed")


def test_a_wrong_password_is_wrong_on_the_right_connection_too() -> None:
    with pytest.raises(AuthenticationFailed):
        hold(calling(password="wrong"), serving())


def test_a_client_may_leave_the_connection_unbound() -> None:
    hold(calling(None), serving(), MECHANISM)


def test_a_client_from_which_the_offer_was_hidden_is_refused() -> None:
    with pytest.raises(NotPermitted) as refusal:
        hold(calling(None, could_bind=True), serving(), MECHANISM)
    assert refusal.value.fields()["C"] == "28000"
    assert refusal.value.message == "SCRAM channel binding negotiation error"
    assert refusal.value.detail == (
        "The client supports SCRAM channel binding but thinks the server does not. "
        "However, this server does support channel binding."
    )


def test_a_client_that_could_have_bound_it_comes_in_where_nothing_was_offered() -> None:
    hold(calling(None, could_bind=True), serving(None), MECHANISM)


@pytest.mark.parametrize("channel", [b"biws", b"eSws", b64encode(HEADER), b64encode(HASH), b64encode(b"n,," + HASH)])
def test_what_a_client_began_to_bind_it_can_not_leave_unbound(channel: bytes) -> None:
    client, server = calling(), serving()
    final = client.final(server.first(client.first(), PLUS))
    with pytest.raises(NotPermitted, match="SCRAM channel binding check failed"):
        server.final(b"c=" + channel + b",r=" + final.partition(b",r=")[2])


def test_what_a_client_did_not_begin_to_bind_it_can_not_bind() -> None:
    client, server = calling(None), serving()
    final = client.final(server.first(client.first(), MECHANISM))
    with pytest.raises(ProtocolViolation) as refusal:
        server.final(b"c=" + b64encode(HEADER + HASH) + b",r=" + final.partition(b",r=")[2])
    assert "does not repeat the gs2 header" in refusal.value.detail


class TestAnIndependentImplementation:
    """scramp."""

    @pytest.mark.parametrize("binding", [HASH, LONG])
    @pytest.mark.parametrize("mechanisms", [[PLUS], [MECHANISM, PLUS]])
    def test_gets_in_as_a_client(self, mechanisms: list[str], binding: bytes) -> None:
        client = scramp.ScramClient(mechanisms, "alice", "pencil", channel_binding=("tls-server-end-point", binding))
        server = serving(binding)
        client.set_server_first(server.first(client.get_client_first().encode(), client.mechanism_name).decode())
        client.set_server_final(server.final(client.get_client_final().encode()).decode())

    def test_is_refused_as_a_client_that_did_not_see_the_offer(self) -> None:
        client = scramp.ScramClient([MECHANISM], "alice", "pencil", channel_binding=("tls-server-end-point", HASH))
        with pytest.raises(NotPermitted, match="negotiation error"):
            serving().first(client.get_client_first().encode())

    @pytest.mark.parametrize("binding", [HASH, LONG])
    def test_lets_us_in_as_a_server(self, binding: bytes) -> None:
        mechanism = scramp.ScramMechanism(PLUS)
        known = mechanism.make_auth_info("pencil", salt=SALT, iteration_count=4096)
        server = mechanism.make_server(lambda _name: known, channel_binding=("tls-server-end-point", binding))
        client = calling(binding)
        client._client_first = b"n=alice,r=abcdef"  # it does not take the empty name that libpq sends, and we too
        server.set_client_first(client.first().decode())
        server.set_client_final(client.final(server.get_server_first().encode()).decode())
        client.verify(server.get_server_final().encode())

    def test_refuses_us_as_a_server_to_which_another_connection_leads(self) -> None:
        mechanism = scramp.ScramMechanism(PLUS)
        known = mechanism.make_auth_info("pencil", salt=SALT, iteration_count=4096)
        server = mechanism.make_server(lambda _name: known, channel_binding=("tls-server-end-point", HASH[::-1]))
        client = calling()
        client._client_first = b"n=alice,r=abcdef"
        server.set_client_first(client.first().decode())
        with pytest.raises(scramp.ScramException):
            server.set_client_final(client.final(server.get_server_first().encode()).decode())


@given(st.data(), st.sampled_from([None, HASH]), st.sampled_from([MECHANISM, PLUS]))
def test_no_message_makes_a_server_fail_in_another_way(
    data: st.DataObject, binding: bytes | None, mechanism: str
) -> None:
    begin = damaged(HEADER + b"n=,r=abcdef") | damaged(b"y,,n=,r=abcdef") | damaged(b"n,,n=,r=abcdef") | st.binary()
    end = damaged(b"c=%s,r=abcdefSERVER,p=%s" % (b64encode(HEADER + HASH), b64encode(bytes(32)))) | st.binary()
    server = serving(binding)
    with suppress(ProtocolViolation, NotPermitted, AuthenticationFailed):
        server.first(data.draw(begin), mechanism)
        server.final(data.draw(end))
        pytest.fail("it let somebody in who proved nothing")
