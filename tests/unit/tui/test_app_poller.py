"""The thread that reads the source: it never queues, and it never gives up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agroal_top.messages import Arrived, Connecting, Greeted, SourceLost
from agroal_top.poller import Poller
from agroal_top.source import Denied, Hello, LogLine, Lost, Setting
from textual.message import Message

from agroal.management.client import Event
from agroal.management.snapshot import Snapshot
from tests.unit.tui.screens.scene import EVENTS, HELLO, snapshot


class Script:
    """A source that gives one list of items after the other; then it stops the poller."""

    name, read_only = "script", False

    def __init__(self, *lives: list[Snapshot | tuple[Event, ...] | Lost]) -> None:
        self.lives = list(lives)
        self.poller: Poller | None = None
        self.intervals: list[float] = []

    def hello(self) -> Hello:
        if not self.lives:
            assert self.poller is not None
            self.poller.stop()
            raise Lost("the script is over")
        return HELLO

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        self.intervals.append(interval)
        for item in self.lives.pop(0):
            if isinstance(item, Lost):
                raise item
            yield item

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        raise AssertionError("the poller asks nothing")

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        return []

    def settings(self) -> list[Setting]:
        return []

    def close(self) -> None:
        self.lives.clear()


class Receiver:
    """Takes the mail at once when `takes`; asks for another try whenever the source is lost."""

    def __init__(self, takes: bool = True) -> None:
        self.messages: list[Message] = []
        self.taken: list[object] = []
        self.poller: Poller | None = None
        self._takes = takes

    def post_message(self, message: Message) -> bool:
        assert self.poller is not None
        self.messages.append(message)
        if isinstance(message, Arrived) and self._takes:
            self.taken.append(self.poller.take())
        if isinstance(message, SourceLost):
            self.poller.retry()
        return True

    @property
    def lost(self) -> list[SourceLost]:
        return [message for message in self.messages if isinstance(message, SourceLost)]


def run(source: Script, receiver: Receiver) -> Poller:
    poller = Poller(source, receiver, 1.0, clock=lambda: 50.0, dice=lambda: 0.0)
    source.poller = receiver.poller = poller
    poller.run()
    return poller


def test_what_comes_is_announced_and_given_once() -> None:
    receiver = Receiver()
    run(Script([snapshot(0), EVENTS, snapshot(1)]), receiver)
    assert [type(message) for message in receiver.messages[:2]] == [Connecting, Greeted]
    assert receiver.taken == [((snapshot(0), 50.0), ()), (None, EVENTS), ((snapshot(1), 50.0), ())]


def test_pictures_that_nobody_took_are_replaced_and_events_are_kept() -> None:
    receiver = Receiver(takes=False)
    poller = run(Script([snapshot(0), EVENTS[:1], snapshot(1), EVENTS[1:], snapshot(2)]), receiver)
    assert len([message for message in receiver.messages if isinstance(message, Arrived)]) == 1
    assert poller.take() == ((snapshot(2), 50.0), EVENTS)
    assert poller.take() == (None, ())


def test_each_failure_waits_longer_and_a_picture_begins_anew() -> None:
    receiver = Receiver()
    gone: list[Snapshot | tuple[Event, ...] | Lost] = [Lost("gone")]
    run(Script(*(list(gone) for _ in range(8)), [snapshot(0), Lost("gone")]), receiver)
    waits = [message.retry_at - message.at for message in receiver.lost if message.retry_at is not None]
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 15, 0.5]
    assert {message.cause for message in receiver.lost} == {"gone"}


def test_who_is_not_let_in_does_not_knock_again_by_himself() -> None:
    receiver = Receiver()
    run(Script([Denied("not yours")]), receiver)
    assert [(message.cause, message.retry_at) for message in receiver.lost] == [("not yours", None)]


def test_a_source_that_just_ends_is_lost() -> None:
    receiver = Receiver()
    run(Script([snapshot(0)]), receiver)
    assert [message.cause for message in receiver.lost] == ["agroal sends no more snapshots"]


def test_another_interval_is_asked_for_with_the_next_picture() -> None:
    class Slower(Receiver):
        def post_message(self, message: Message) -> bool:
            if isinstance(message, Arrived) and self.poller is not None:
                self.poller.interval = 5.0
            return super().post_message(message)

    script = Script([snapshot(0), snapshot(1)], [snapshot(2)])
    run(script, Slower())
    assert script.intervals == [1.0, 5.0]
