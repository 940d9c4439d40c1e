from __future__ import annotations

import pytest

from agroal.management.event import KEPT, Event, EventKind, Events


def ring(count: int) -> tuple[Events, list[Event]]:
    heard: list[Event] = []
    events = Events(heard.append)
    for n in range(count):
        events.add(EventKind.COMMAND, f"the {n + 1}th", 5000.0 + n, 1_763_812_800.0 + n)
    return events, heard


def test_an_event_knows_its_number_its_time_and_how_grave_it_is() -> None:
    heard: list[Event] = []
    Events(heard.append).add(EventKind.SERVER_DOWN, "pg-a is down", 5090.25, 1_763_812_890.25)
    assert heard == [Event(1, 5_090_250_000, "2025-11-22T12:01:30.250Z", "server-down", "warn", "pg-a is down")]


def test_what_is_added_is_heard_at_once_and_kept() -> None:
    events, heard = ring(3)
    assert events.after(0) == heard
    assert [event.seq for event in heard] == [1, 2, 3]


def test_nothing_happened_yet() -> None:
    assert ring(0)[0].after(0) == []


@pytest.mark.parametrize(("after", "seqs"), [(0, [1, 2, 3]), (1, [2, 3]), (2, [3]), (3, []), (4, []), (10**9, [])])
def test_a_reader_gets_what_it_does_not_know(after: int, seqs: list[int]) -> None:
    assert [event.seq for event in ring(3)[0].after(after)] == seqs


@pytest.mark.parametrize(
    ("after", "first"), [(0, 6), (4, 6), (5, 6), (6, 7), (KEPT, KEPT + 1), (KEPT + 4, KEPT + 5), (KEPT + 5, None)]
)
def test_only_the_last_thousand_are_kept_and_a_gap_can_be_seen(after: int, first: int | None) -> None:
    got = ring(KEPT + 5)[0].after(after)
    assert (got[0].seq if got else None) == first
    assert [event.seq for event in got] == list(range(first or 0, KEPT + 6))[: len(got)]


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_has_a_level_of_the_log(kind: EventKind) -> None:
    grave = {"reload-failed", "server-down", "pool-failing", "limit-reached", "authentication-failures"}
    assert kind.level == ("warn" if kind in grave else "info")


def test_an_event_survives_the_way() -> None:
    [event] = ring(1)[1]
    assert Event.from_json(event.to_json()) == event
