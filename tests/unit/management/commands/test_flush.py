from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import flush
from agroal.management.commands.flush import Flush
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls

NOTHING = Flush("idle", None, closed=0, marked=0, killed=0, abandoned=0, timeout_us=None)


def done(command: Awaitable[Flush]) -> Flush:
    async def main() -> Flush:
        return await command

    return asyncio.run(main())


def call(controls: FakeControls, dry_run: bool = False) -> Call:
    return Call(controls, Role.ADMIN, dry_run=dry_run)


def test_a_flush_concerns_one_database_or_all() -> None:
    controls = FakeControls()
    assert done(flush.idle(call(controls), "shop")) == Flush("idle", "shop", 3, 0, 0, 0, None)
    assert done(flush.idle(call(controls), "*")).database is None
    assert done(flush.idle(call(controls))).database is None
    assert controls.done == [("flush", "idle", "shop", None)] + [("flush", "idle", None, None)] * 2


def test_a_graceful_flush_has_an_end() -> None:
    controls = FakeControls()
    assert done(flush.gracefully(call(controls), timeout=30)).timeout_us == 30_000_000
    assert done(flush.gracefully(call(controls), timeout=0)).timeout_us is None
    assert done(flush.gracefully(call(controls))) == Flush("gracefully", None, 3, 1, 0, 0, 60_000_000)
    assert [what[-1] for what in controls.done] == [30, 0, None]


def test_a_flush_of_all_spares_nobody() -> None:
    assert done(flush.all_(call(FakeControls()))) == Flush("all", None, 3, 0, 1, 2, None)


def test_a_database_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ManagementError, match="no pool and no limit knows the database"):
        done(flush.all_(call(FakeControls()), "absent"))


def test_a_dry_run_flushes_nothing() -> None:
    controls = FakeControls()
    assert done(flush.all_(call(controls, dry_run=True))).killed == 1
    assert controls.done == []


@pytest.mark.parametrize(
    ("answer", "line", "dry"),
    [
        (
            replace(NOTHING, database="shop", closed=12),
            "shop: 12 idle connections are closed",
            "shop: 12 idle connections would be closed",
        ),
        (
            replace(NOTHING, closed=1, marked=31, timeout_us=60_000_000),
            "all databases: 1 idle connection is closed; "
            "31 leased connections are closed on return, in 1m00s at the latest",
            "all databases: 1 idle connection would be closed; "
            "31 leased connections would be closed on return, in 1m00s at the latest",
        ),
        (
            replace(NOTHING, marked=1),
            "all databases: 1 leased connection is closed on return",
            "all databases: 1 leased connection would be closed on return",
        ),
        (
            replace(NOTHING, killed=43, abandoned=2),
            "all databases: 43 leased connections are closed while in use; 2 new connections are closed once open",
            "all databases: 43 leased connections would be closed while in use; "
            "2 new connections would be closed once open",
        ),
        (NOTHING, "all databases: there is no connection to close", "all databases: there is no connection to close"),
    ],
)
def test_a_flush_reads(answer: Flush, line: str, dry: str) -> None:
    assert list(flush.text(answer, dry_run=False)) == [line]
    assert list(flush.text(answer, dry_run=True)) == [dry]
