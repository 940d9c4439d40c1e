from __future__ import annotations

import asyncio

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import subscribe
from agroal.management.commands.subscribe import Subscribed
from agroal.management.controls import Call, Role
from agroal.management.verbs import named
from tests.unit.management.fake import FakeControls

CALL = Call(FakeControls(), Role.MONITOR)


def test_events_begin_with_the_next_one_unless_it_is_said() -> None:
    assert asyncio.run(subscribe.subscribe(CALL, ("events",))) == Subscribed(("events",), 1000, 2)
    assert asyncio.run(subscribe.subscribe(CALL, ("events",), after=0)).after == 0
    nothing_yet = Call(FakeControls(happened=[]), Role.MONITOR)
    assert asyncio.run(subscribe.subscribe(nothing_yet, ("events",))).after == 0


def test_an_interval_is_bounded() -> None:
    for interval in (199, 3_600_001, 0, -1, 1000.5):
        with pytest.raises(ManagementError, match="“interval_ms” must be a whole number between 200 and 3600000"):
            named("subscribe").checked({"topics": ["snapshot"], "interval_ms": interval})


def test_a_subscription_is_to_something_there_is() -> None:
    for topics in ([], ["weather"], "snapshot"):
        with pytest.raises(ManagementError, match="“topics” must be an array of at least one of snapshot or events"):
            named("subscribe").checked({"topics": topics})


def test_both_read() -> None:
    assert list(subscribe.text(Subscribed(("snapshot", "events"), 500, 2))) == ["snapshot and events every 500 ms"]
    assert list(subscribe.text_end(asyncio.run(subscribe.unsubscribe(CALL)))) == ["nothing more is sent"]
