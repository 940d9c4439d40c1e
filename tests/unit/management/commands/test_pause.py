from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agroal.management.commands import pause
from agroal.management.commands.pause import Pause, Reconnect, Resume
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import SLOT, snapshot


def test_a_database_is_paused_and_resumed() -> None:
    controls = FakeControls()
    call = Call(controls, Role.ADMIN)
    assert asyncio.run(pause.pause(call, "shop")) == Pause("shop", ("shop",), 1, 3, 2, None)
    assert asyncio.run(pause.pause(call, "all", 30.0)).database is None
    assert asyncio.run(pause.resume(call, "shop")) == Resume("shop", ("shop",), 2)
    assert asyncio.run(pause.resume(call)).database is None
    assert controls.done == [("pause", "shop", None), ("pause", None, 30.0), ("resume", "shop"), ("resume", None)]


def test_connections_are_replaced() -> None:
    controls = FakeControls()
    call = Call(controls, Role.ADMIN)
    assert asyncio.run(pause.reconnect(call, "shop")) == Reconnect("shop", 1, 3, None)
    assert asyncio.run(pause.reconnect(call, "*", 5.0)).database is None
    assert controls.done == [("reconnect", "shop", None), ("reconnect", None, 5.0)]


def test_a_dry_run_does_nothing() -> None:
    controls = FakeControls()
    call = Call(controls, Role.ADMIN, dry_run=True)
    for verb in (pause.pause, pause.resume, pause.reconnect):
        asyncio.run(verb(call, "shop"))  # type: ignore[operator]
    assert controls.done == []


@pytest.mark.parametrize(
    ("leased", "others", "waited_us", "over"),
    [(1, 3, None, True), (0, 0, 4_000, True), (1, 0, 30_000_000, False), (0, 1, 30_000_000, False)],
)
def test_it_is_over_when_nothing_is_left_or_nobody_has_waited_for_that(
    leased: int, others: int, waited_us: int | None, over: bool
) -> None:
    assert pause.is_over(Pause(None, (), leased, others, 0, waited_us)) is over
    assert pause.is_over(Reconnect(None, leased, others, waited_us)) is over


def test_what_is_left_is_what_is_on_its_way_out() -> None:
    states = ("free", "in-use", "gracefully", "gracefully", "flush", "remove", "init")
    picture = snapshot(slots=tuple(replace(SLOT, id=number, state=state) for number, state in enumerate(states)))
    assert pause.left(picture) == "2 connections in use and 2 connections being closed"
    assert pause.left(replace(picture, slots=picture.slots[:3])) == "1 connection in use"
    assert pause.left(replace(picture, slots=picture.slots[:2])) == ""


@pytest.mark.parametrize(
    ("answer", "lines", "dry"),
    [
        (
            Pause("shop", ("shop",), 2, 1, 0, None),
            [
                "shop: paused; clients are held until it is resumed",
                "2 connections in use and 1 connection being opened or closed; "
                "those in use are closed when they come back",
            ],
            [
                "shop: would be paused; clients would be held until it is resumed",
                "2 connections in use and 1 connection being opened or closed; "
                "those in use would be closed when they come back",
            ],
        ),
        (
            Pause(None, ("all",), 0, 0, 1, 2_500_000),
            [
                "all databases: paused; 1 client waits until it is resumed",
                "no connection is left: PostgreSQL may be stopped",
            ],
            None,
        ),
        (
            Pause(None, (), 1, 0, 12, 30_000_000),
            [
                "all databases: paused already; 12 clients wait until it is resumed",
                "still there after 30.0 s: 1 connection in use; those in use are closed when they come back",
            ],
            None,
        ),
    ],
)
def test_a_pause_reads(answer: Pause, lines: list[str], dry: list[str] | None) -> None:
    assert list(pause.text_pause(answer, dry_run=False)) == lines
    if dry:
        assert list(pause.text_pause(answer, dry_run=True)) == dry


@pytest.mark.parametrize(
    ("answer", "line", "dry"),
    [
        (Resume("shop", ("shop",), 0), "shop: resumed", "shop: would be resumed"),
        (
            Resume("shop", ("shop",), 1),
            "shop: resumed; 1 client goes on",
            "shop: would be resumed; 1 client would go on",
        ),
        (
            Resume(None, ("all",), 7),
            "all databases: resumed; 7 clients go on",
            "all databases: would be resumed; 7 clients would go on",
        ),
        (Resume("shop", (), 0), "shop: not paused, nothing changes", "shop: not paused, nothing would change"),
    ],
)
def test_a_resumption_reads(answer: Resume, line: str, dry: str) -> None:
    assert list(pause.text_resume(answer, dry_run=False)) == [line]
    assert list(pause.text_resume(answer, dry_run=True)) == [dry]


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (
            Reconnect("shop", 1, 0, None),
            [
                "shop: every connection is replaced",
                "1 connection in use; those in use are replaced when they come back",
            ],
        ),
        (
            Reconnect(None, 0, 0, 2_000),
            ["all databases: every connection is replaced", "none of the old connections is left"],
        ),
        (
            Reconnect(None, 0, 2, 1_000_000),
            [
                "all databases: every connection is replaced",
                "still there after 1.0 s: 2 connections being opened or closed",
            ],
        ),
    ],
)
def test_a_replacement_reads(answer: Reconnect, lines: list[str]) -> None:
    assert list(pause.text_reconnect(answer, dry_run=False)) == lines
    dry = list(pause.text_reconnect(answer, dry_run=True))
    assert dry[0] == lines[0].replace("is replaced", "would be replaced")
