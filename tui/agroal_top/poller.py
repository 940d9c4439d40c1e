"""Reads the source in a thread of its own, for ever: what it brings, and that it is lost.

Nothing is queued. A picture that nobody has taken is replaced by the next one: a screen that is slow misses pictures
and never falls behind. Events are all kept.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Protocol

from textual.message import Message

from agroal.management.client import Event
from agroal.management.snapshot import Snapshot
from agroal_top.live import back_off
from agroal_top.messages import Arrived, Connecting, Greeted, SourceLost
from agroal_top.source import Denied, Lost, Refused, Source


class Receiver(Protocol):
    """An app, as the poller sees it; to be called from any thread."""

    def post_message(self, message: Message) -> bool: ...


class Poller:
    """`run` is for a thread; all else may be called from any. `clock` gives seconds."""

    def __init__(
        self,
        source: Source,
        receiver: Receiver,
        interval: float,
        clock: Callable[[], float],
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._source, self._receiver, self._clock, self._dice = source, receiver, clock, dice
        self._interval = interval
        self._failures = 0
        self._lock = threading.Lock()
        self._snapshot: tuple[Snapshot, float] | None = None
        self._events: list[Event] = []
        self._announced = False
        self._stopped = False
        self._wake = threading.Event()

    @property
    def interval(self) -> float:
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        """Counts from the next snapshot on."""
        self._interval = seconds

    def take(self) -> tuple[tuple[Snapshot, float] | None, tuple[Event, ...]]:
        """The newest snapshot and when it came, if there is a new one, and the events since the last time."""
        with self._lock:
            taken = self._snapshot, tuple(self._events)
            self._snapshot, self._events, self._announced = None, [], False
        return taken

    def retry(self) -> None:
        """Now, instead of when the delay is over."""
        self._wake.set()

    def stop(self) -> None:
        """Ends `run`, whatever it waits for."""
        self._stopped = True
        self._wake.set()
        self._source.close()

    def run(self) -> None:
        """Until `stop`. Posts Connecting, Greeted, Arrived and SourceLost."""
        while not self._stopped:
            self._wake.clear()
            self._receiver.post_message(Connecting())
            retry = True
            try:
                self._receiver.post_message(Greeted(self._source.hello()))
                self._read()
                cause = "agroal sends no more snapshots"
            except (Lost, Refused) as error:
                cause, retry = str(error), not isinstance(error, Denied)
            if not self._stopped:
                self._pause(cause, retry)

    def _pause(self, cause: str, retry: bool) -> None:
        """Until it is time for another try. Who was not let in is not tried again before somebody asks for it."""
        delay = back_off(self._failures, self._dice()) if retry else None
        self._failures += 1
        now = self._clock()
        self._receiver.post_message(SourceLost(cause, now, None if delay is None else now + delay))
        self._wake.wait(delay)

    def _read(self) -> None:
        """Until the source ends; begins anew when the interval was changed."""
        interval = None
        while interval != self._interval and not self._stopped:
            interval = self._interval
            for arrival in self._source.snapshots(interval):
                self._failures = 0
                self._put(arrival)
                if self._stopped or interval != self._interval:
                    break

    def _put(self, arrival: Snapshot | tuple[Event, ...]) -> None:
        with self._lock:
            if isinstance(arrival, Snapshot):
                self._snapshot = arrival, self._clock()
            else:
                self._events += arrival
            told, self._announced = self._announced, True
        if not told:
            self._receiver.post_message(Arrived())
