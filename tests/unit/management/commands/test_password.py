from __future__ import annotations

import asyncio

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import password
from agroal.management.controls import LONGEST_PASSWORD, Call, Password, Role
from tests.unit.management.fake import FakeControls


def told(user: str) -> Password:
    return asyncio.run(password.execute(Call(FakeControls(), Role.ADMIN), user))


def test_the_text_is_the_bare_password() -> None:
    assert [*password.text(told("web"))] == ["(Vr9'xQ!"]


def test_of_nobody_there_is_none() -> None:
    with pytest.raises(ManagementError, match="there is no user 'eve'"):
        told("eve")


def test_it_is_a_secret() -> None:
    assert repr(told("web")) == "Password(user='web')"


def test_the_longest_arrives_whole() -> None:
    longest = Password("web", "x" * LONGEST_PASSWORD)
    assert Password.from_json(longest.to_json()) == longest
