from __future__ import annotations

import pytest

from agroal.console.face import Face
from agroal.console.table import Column, Show, address, port, seconds
from agroal.console.values import Type
from tests.unit.console.sitting import view

SHOW: Show[int] = Show(
    "numbers",
    "numbers",
    lambda _: (1, 2),
    (
        Column("number", Type.INT4, "It.", lambda number: number),
        Column("twice", Type.INT4, "Twice as much.", lambda number: 2 * number, own=True),
    ),
)


def test_own_columns_are_for_agroals_own_name() -> None:
    assert list(SHOW.rows(view(Face.AGROAL))) == [(1, 2), (2, 4)]
    assert list(SHOW.rows(view(Face.PGBOUNCER))) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("label", "host", "number"),
    [("10.0.0.7:5432", "10.0.0.7", 5432), ("2001:db8::7:1", "2001:db8::7", 1), ("[local]", "unix", 0), ("", "unix", 0)],
)
def test_an_address_is_parted(label: str, host: str, number: int) -> None:
    assert (address(label), port(label)) == (host, number)


def test_times_are_told_as_pgbouncer_does() -> None:
    on = view()
    assert on.wall(on.snapshot.mono_us) == "2025-11-22 12:01:30 UTC"
    assert on.wall(on.snapshot.mono_us - 31_000_000) == "2025-11-22 12:00:59 UTC"
    assert seconds(1_999_999) == 1


def test_aliases_stand_for_their_database() -> None:
    assert [view().real(name) for name in ("shop", "store", "boutique", "other")] == ["shop", "shop", "shop", "other"]
