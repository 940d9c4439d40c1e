from __future__ import annotations

import logging

import pytest

from agroal.daemon.tracker import Tracker
from agroal.pool.slot import PoolKey
from tests.unit.daemon.lobby import lobby, served
from tests.unit.daemon.scene import scene
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE


def fields(line: str) -> list[str]:
    """Those of a line, without the milliseconds."""
    opening, *values, end = line.split("|")
    assert (opening, end) == ("AGROAL", "")
    if values[0] == "slot":
        assert float(values.pop(4)) >= 0
    return values


@in_a_loop
async def test_each_step_of_a_slot_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as on:
        tracker = Tracker(on.shell)
        tracker.switch(True)
        with caplog.at_level(logging.INFO, "agroal.tracker"):
            await on.give_back(await on.lease())
            on.dialler.peers[1].close()
            await until(lambda: on.states() == [])
        assert [fields(line) for line in caplog.messages if line.startswith("AGROAL|")] == [
            ["slot", "0", "not-init", "init", "", "ann", "shop"],
            ["slot", "0", "init", "in-use", "1", "ann", "shop"],
            ["slot", "0", "in-use", "free", "1", "ann", "shop"],
            ["slot", "0", "free", "remove", "1", "ann", "shop"],
            ["slot", "0", "remove", "not-init", "", "ann", "shop"],
        ]
        tracker.switch(False)


@in_a_loop
async def test_each_step_of_a_client_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async with lobby() as at:
        at.daemon.tracker.switch(True)
        with caplog.at_level(logging.INFO, "agroal.tracker"):
            client = at.enter()
            await play(served() >> TERMINATE, client)
            await at.everybody_gone()
        lines = [fields(line) for line in caplog.messages if line.startswith("AGROAL|client|")]
        assert lines == [
            ["client", "1", "waiting", "", "[local]", "ann", "shop", "psql"],
            ["client", "1", "active", "0", "[local]", "ann", "shop", "psql"],
            ["client", "1", "closing", "", "[local]", "ann", "shop", "psql"],
        ]
        await settle()
        at.daemon.tracker.switch(False)


@in_a_loop
async def test_a_client_of_which_nothing_is_known_yet_is_a_line_too(caplog: pytest.LogCaptureFixture) -> None:
    async with lobby() as at:
        at.daemon.tracker.switch(True)
        with caplog.at_level(logging.INFO, "agroal.tracker"):
            at.enter().close()
            await at.everybody_gone()
        assert [fields(line) for line in caplog.messages] == [["client", "1", "closing", "", "[local]", "", "", ""]]


@in_a_loop
async def test_a_bar_in_a_name_makes_no_field(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as on:
        tracker = Tracker(on.shell)
        tracker.switch(True)
        with caplog.at_level(logging.INFO, "agroal.tracker"):
            await on.give_back(await on.lease(PoolKey("a|b", "c|")))
        assert [fields(line)[-2:] for line in caplog.messages] == [["c ", "a b"]] * 3
        tracker.switch(False)


@in_a_loop
async def test_it_is_silent_until_it_is_switched_on_and_when_it_is_switched_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with lobby() as at:
        with caplog.at_level(logging.INFO, "agroal.tracker"):
            for switches in ((), (True, False)):
                for on in switches:
                    at.daemon.tracker.switch(on)
                client = at.enter()
                await play(served(len(at.sessions)) >> TERMINATE, client)
                await at.everybody_gone()
        assert [line for line in caplog.messages if line.startswith("AGROAL|")] == []
        assert await play(Script(), client) is None
