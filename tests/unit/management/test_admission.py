from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.hba import peer_at
from agroal.auth.ident import Usermap
from agroal.auth.scram import MECHANISM, PLUS
from agroal.config.model import ClientCert, IdentLine, Method, Name
from agroal.errors import AuthenticationFailed, ClientFacing, ManagementError, NotPermitted, ProtocolViolation
from agroal.management.admission import LONGEST_NAME, Admitted, Arrival, admit
from agroal.management.controls import Role
from agroal.management.proof import proof
from tests.unit.management.door import EYE, LINE, NONCE, OPS, FakeDoor
from tests.unit.management.test_wire import json_values

FAR = Arrival(peer_at("10.0.3.7"))
HASH = bytes(range(32))
BOUND = Arrival(peer_at("10.0.3.7"), encrypted=True, binding=HASH)
CERT = replace(LINE, method=Method.CERT)


def coming(door: FakeDoor, arrival: Arrival = FAR) -> Generator[dict[str, object], Mapping[str, Any], Admitted]:
    talk = admit(arrival, door, NONCE)
    next(talk)
    return talk


def between(
    door: FakeDoor, user: str, password: str | None, arrival: Arrival = FAR, *, binding: bytes | None = None
) -> Admitted:
    """Both sides, until the door is open and the other has seen that it is the right one."""
    calling = proof(user, password, "abcdef", binding=binding)
    talk, args = coming(door, arrival), next(calling)
    while True:
        try:
            result = talk.send(args)
        except StopIteration as done:
            admitted: Admitted = done.value
            with pytest.raises(StopIteration):
                calling.send(admitted.result)
            return admitted
        args = calling.send(result)


@pytest.mark.parametrize(("user", "password", "role"), [("ops", OPS, Role.ADMIN), ("eye", EYE, Role.MONITOR)])
def test_who_knows_the_password_is_let_in_with_their_role(user: str, password: str, role: Role) -> None:
    door = FakeDoor()
    admitted = between(door, user, password)
    assert (admitted.user, admitted.role, admitted.secret) == (user, role, door.users[user])
    assert (admitted.result["user"], admitted.result["role"]) == (user, role.value)
    assert door.asked == [(user, "10.0.3.7", False)]


def test_over_tls_the_login_is_bound_to_the_connection() -> None:
    assert coming(FakeDoor()).send({"user": "ops"}) == {"mechanisms": [MECHANISM]}
    assert coming(FakeDoor(), BOUND).send({"user": "ops"}) == {"mechanisms": [PLUS, MECHANISM]}
    assert between(FakeDoor(), "ops", OPS, BOUND, binding=HASH).user == "ops"
    with pytest.raises(NotPermitted, match="channel binding check failed"):
        between(FakeDoor(), "ops", OPS, BOUND, binding=bytes(32))


def test_a_client_that_was_told_there_is_no_binding_is_refused() -> None:
    talk = coming(FakeDoor(), BOUND)
    talk.send({"user": "ops"})
    with pytest.raises(NotPermitted, match="negotiation error"):
        talk.send({"mechanism": MECHANISM, "data": "y,,n=,r=abc"})


def steps_of(user: str, password: str) -> tuple[list[set[str]], str, str]:
    """What each answer to a login consists of, the challenge, and how it ends."""
    shapes, calling, talk = [], proof(user, password, "abcdef"), coming(FakeDoor())
    args, challenge = next(calling), ""
    while True:
        try:
            result = talk.send(args)
        except AuthenticationFailed as refusal:
            return shapes, challenge, refusal.message.replace(user, "…")
        shapes.append(set(result))
        challenge = re.sub("s=[^,]+", "s=…", str(result.get("data", "")))
        args = calling.send(result)


def test_a_wrong_password_and_an_unknown_user_look_the_same() -> None:
    assert steps_of("ops", "wrong") == steps_of("nobody", "wrong")
    assert steps_of("ops", "wrong")[2] == 'password authentication failed for user "…"'


def test_a_stranger_gets_the_same_salt_every_time() -> None:
    def salt(user: str) -> object:
        talk = coming(FakeDoor())
        talk.send({"user": user})
        return talk.send({"mechanism": MECHANISM, "data": "n,,n=,r=abc"})["data"]

    assert salt("nobody") == salt("nobody")
    assert salt("nobody") != salt("noone")


def test_where_no_line_is_about_them_or_rejects_them_they_are_told_so() -> None:
    with pytest.raises(
        NotPermitted, match=r'no agroal_hba\.conf entry for host "10\.0\.3\.7", user "ops", database "admin"'
    ):
        coming(FakeDoor(hba=None)).send({"user": "ops"})
    with pytest.raises(NotPermitted, match="rejects connection"):
        coming(FakeDoor(hba=replace(LINE, method=Method.REJECT))).send({"user": "ops"})


@pytest.mark.parametrize("method", [Method.TRUST, Method.PASSWORD, Method.MD5, Method.ALL])
def test_a_method_that_is_too_weak_lets_nobody_in(method: Method) -> None:
    with pytest.raises(NotPermitted, match=f"{method} is too weak"):
        coming(FakeDoor(hba=replace(LINE, method=method))).send({"user": "ops"})


class TestCertificates:
    def admitted(self, door: FakeDoor, user: str, certified: str | None) -> Admitted:
        with pytest.raises(StopIteration) as done:
            coming(door, replace(BOUND, certified=certified)).send({"user": user})
        admitted: Admitted = done.value.value
        return admitted

    def test_one_of_that_name_is_proof_enough(self) -> None:
        admitted = self.admitted(FakeDoor(hba=CERT), "ops", "ops")
        assert admitted.result == {"user": "ops", "role": "admin"}

    def test_a_map_may_say_who_may_be_whom(self) -> None:
        usermap = Usermap((IdentLine("f", 1, "m", "Olga Peters", Name("ops")),))
        assert self.admitted(FakeDoor(hba=CERT, map=usermap), "ops", "Olga Peters").role is Role.ADMIN
        with pytest.raises(NotPermitted):
            coming(FakeDoor(hba=CERT, map=usermap), replace(BOUND, certified="ops")).send({"user": "ops"})

    @pytest.mark.parametrize(("user", "certified"), [("ops", "eye"), ("nobody", "nobody")])
    def test_another_ones_or_that_of_no_admin_is_none(self, user: str, certified: str) -> None:
        with pytest.raises(NotPermitted, match=f'certificate authentication failed for user "{user}"'):
            coming(FakeDoor(hba=CERT), replace(BOUND, certified=certified)).send({"user": user})

    @pytest.mark.parametrize("line", [CERT, replace(LINE, clientcert=ClientCert.VERIFY_CA)])
    def test_without_one_nobody_comes_in_where_it_is_wanted(self, line: object) -> None:
        with pytest.raises(NotPermitted, match="requires a valid client certificate"):
            coming(FakeDoor(hba=line), BOUND).send({"user": "ops"})  # type: ignore[arg-type]

    def test_a_certificate_beside_the_password_must_be_theirs(self) -> None:
        line = replace(LINE, clientcert=ClientCert.VERIFY_FULL)
        assert between(FakeDoor(hba=line), "ops", OPS, replace(BOUND, certified="ops"), binding=HASH).user == "ops"
        with pytest.raises(NotPermitted):
            coming(FakeDoor(hba=line), replace(BOUND, certified="eye")).send({"user": "ops"})


def test_who_is_no_admin_any_more_at_the_end_is_refused() -> None:
    door = FakeDoor()
    del door.roles["ops"]
    with pytest.raises(AuthenticationFailed):
        between(door, "ops", OPS)


@pytest.mark.parametrize("user", [None, "", 7, ["ops"], "x" * (LONGEST_NAME + 1)])
def test_a_user_is_a_text_that_is_not_too_long(user: object) -> None:
    with pytest.raises(ProtocolViolation, match="“user” must be a text"):
        coming(FakeDoor()).send({"user": user})


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({}, "“mechanism” must be a text"),
        ({"mechanism": "PLAIN", "data": "x"}, f"“mechanism” must be one of {MECHANISM}"),
        ({"mechanism": PLUS, "data": "x"}, f"“mechanism” must be one of {MECHANISM}"),
        ({"mechanism": MECHANISM}, "“data” must be a text"),
        ({"mechanism": MECHANISM, "data": b"n,,n=,r=x"}, "“data” must be a text"),
        ({"mechanism": MECHANISM, "data": "\ud800"}, "“data” must be a text that UTF-8 has"),
        ({"mechanism": MECHANISM, "data": "hello"}, "malformed SCRAM message"),
    ],
)
def test_what_is_no_scram_is_said_to_be_none(args: dict[str, object], why: str) -> None:
    talk = coming(FakeDoor())
    talk.send({"user": "ops"})
    with pytest.raises(ProtocolViolation, match=re.escape(why)):
        talk.send(args)


@given(st.lists(st.dictionaries(st.sampled_from(["user", "mechanism", "data", "x"]), json_values), max_size=4))
def test_whatever_is_said_nobody_gets_in_by_chance(said: list[dict[str, Any]]) -> None:
    talk = coming(FakeDoor())
    for args in [{"user": "ops"}, *said]:
        try:
            talk.send(args)
        except (ClientFacing, ManagementError):
            return
