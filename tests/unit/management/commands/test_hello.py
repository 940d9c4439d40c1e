from __future__ import annotations

import asyncio

import pytest

from agroal.management.commands import hello
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls


@pytest.mark.parametrize("role", Role)
def test_hello_says_who_answers_and_what_the_caller_may_do(role: Role) -> None:
    assert asyncio.run(hello.execute(Call(FakeControls(), role))).to_json() == {
        "proto": 1,
        "version": "0.1.0",
        "instance_id": "5f0c9a12",
        "role": str(role),
        "features": list(hello.FEATURES),
        "started": "2025-11-22T12:00:00.000Z",
        "started_us": 5_000_000_000,
        "now_us": 5_090_500_000,
    }


def test_hello_reads() -> None:
    said = asyncio.run(hello.execute(Call(FakeControls(), Role.ADMIN)))
    assert list(hello.text(said)) == [
        "agroal 0.1.0, protocol 1, instance 5f0c9a12",
        "up 1m30s, since 2025-11-22T12:00:00.000Z",
    ]
