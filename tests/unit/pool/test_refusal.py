from __future__ import annotations

import pytest

from agroal.errors import PoolIsFull
from agroal.pool.effects import RefuseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.shell import Shell

A, B = PoolKey("shop", "a", "digest"), PoolKey("shop", "b")


def refused(shell: Shell, waiter: int) -> dict[str, str]:
    error = shell.refusals[waiter].error
    assert isinstance(error, PoolIsFull)
    assert shell.refusals[waiter].reason is RefuseReason.POOL_IS_FULL
    return error.fields()


def test_who_waited_in_vain_is_told_which_limit_how_many_how_long_and_what_to_do() -> None:
    limit = Limit("shop", (), "a", 2, origin="agroal_databases.conf:3")
    shell = Shell(PoolSettings(blocking_timeout=30), [limit])
    shell.leases(2, A)
    waiter, *_ = shell.ask_all(3, A)
    shell.wait(30.04)
    fields = refused(shell, waiter)
    assert fields["C"] == "53300"
    assert fields["M"] == 'no connection became free for database "shop" and user "a"'
    assert fields["D"] == (
        "The limit shop/a (agroal_databases.conf:3) is reached: 2 of 2 connections. "
        "This client waited 30.0 s, 2 more wait behind it."
    )
    assert "max_size" in fields["H"]
    assert "digest" not in str(fields)


def test_where_no_limit_matches_max_connections_is_named() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=2))
    shell.lease(A)
    waiter = shell.ask(B)
    shell.wait(2.0)
    assert refused(shell, waiter)["D"] == "max_connections is reached: 1 of 1 connections. This client waited 2.0 s."
    assert "max_connections" in refused(shell, waiter)["H"]


def test_who_waited_for_a_slow_log_in_is_told_so() -> None:
    shell = Shell(PoolSettings(blocking_timeout=2))
    waiter = shell.ask(A)
    shell.wait(2.0)
    assert refused(shell, waiter)["D"] == "This client waited 2.0 s: a connection is being opened."
    assert "PostgreSQL" in refused(shell, waiter)["H"]


@pytest.mark.parametrize(
    ("limits", "seats", "at_once", "before", "reasons"),
    [
        ([], 9, 16, [], ["OPENING", "OPENING"]),
        ([], 9, 2, [], ["OPENING", "CONNECTS"]),
        ([], 1, 16, [], ["OPENING", "MAX_CONNECTIONS"]),
        ([Limit("all", (), "a", 1)], 9, 16, [], ["OPENING", "LIMIT"]),
        ([Limit("all", (), "a", 1)], 9, 16, ["lease"], ["LIMIT", "LIMIT"]),
        ([], 9, 16, ["fail"], ["RETRY", "RETRY"]),
    ],
)
def test_the_snapshot_says_what_each_waits_for(
    limits: list[Limit], seats: int, at_once: int, before: list[str], reasons: list[str]
) -> None:
    shell = Shell(PoolSettings(max_connections=seats, connects_at_once=at_once), limits)
    if "lease" in before:
        shell.lease(A)
    if "fail" in before:
        shell.ask(A)
        shell.fail()
    shell.ask_all(2, A)
    assert [row.reason.name for row in shell.pool.snapshot(0.0).waiters] == reasons


def test_who_waits_to_log_in_by_itself_does_not_wait_for_another_strangers_connection() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    shell.ask(A, private=True)
    shell.ask(A, private=True)
    assert [row.reason.name for row in shell.pool.snapshot(0.0).waiters] == ["MAX_CONNECTIONS"]
