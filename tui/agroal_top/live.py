"""A running agroal, over its management socket or the network.

The pictures come by subscription, on a connection of their own; every other question opens one, asks and closes it.
So a slow command holds up no picture, and nothing has to be mended after a lost connection but the next question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agroal.management.client import Code, Event, ManagementClient, ManagementError, Push, Remote
from agroal.management.snapshot import Snapshot
from agroal_top.rereading import Rereader
from agroal_top.source import LOOKING, Denied, Hello, LogLine, LookingOnly, Lost, Refused, Setting

TIMEOUT = 5.0
"""Seconds that connecting, and an answer, may take."""

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

# What says something about the connection, not about the verb.
_LOST = {
    Code.CANNOT_CONNECT,
    Code.CONNECTION_LOST,
    Code.TIMEOUT,
    Code.MALFORMED,
    Code.TOO_LONG,
    Code.VERSION,
    Code.BUSY,
}


def back_off(attempt: int, chance: float) -> float:
    """Seconds to wait before a new attempt, for ever longer up to 15 s; `attempt` counts from 0.

    `chance` is between 0 and 1: up to a fifth is added, so that several dashboards don't come back at once.
    """
    return _PAUSES[min(attempt, len(_PAUSES) - 1)] * (1 + chance / 5)


class LiveSource:
    def __init__(self, where: Path | Remote, *, read_only: bool = False, timeout: float = TIMEOUT) -> None:
        self._where = where
        self._timeout = timeout
        self._only_looking = read_only
        self._role = ""
        self._subscription: ManagementClient | None = None
        self._closed = False
        self._known = ("", 0)
        """An instance of agroal, and the number of the last event that was had of it."""

    @property
    def name(self) -> str:
        return str(self._where)

    @property
    def read_only(self) -> bool:
        return self._only_looking or self._role != "admin"

    def hello(self) -> Hello:
        with self._connection() as client:
            return self._hello(client)

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        """Begins with the events that are not known yet, of a new instance all that it still has."""
        try:
            with self._connection() as client:
                self._subscription = client
                instance = self._hello(client).instance_id
                after = self._known[1] if self._known[0] == instance else 0
                self._known = (instance, after)
                reader = Rereader()
                for push in client.subscribe("snapshot", "events", interval=interval, after=after):
                    yield self._read(push, instance, reader)
        except Lost:
            if not self._closed:
                raise
        finally:
            self._subscription = None

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        if self.read_only and verb not in LOOKING:
            raise LookingOnly
        with self._connection() as client:
            return client.ask(verb, args, dry_run=dry_run, key=key).result

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        with self._connection() as client:
            result = client.call("log tail", level=level, lines=lines)
            return [LogLine.from_json(line) for line in _array(result, "lines")]

    def settings(self) -> list[Setting]:
        with self._connection() as client:
            return [Setting.from_json(setting) for setting in _array(client.call("conf get"), "settings")]

    def close(self) -> None:
        self._closed = True
        if subscription := self._subscription:
            subscription.close()

    def _hello(self, client: ManagementClient) -> Hello:
        hello = Hello.from_json(client.call("hello"))
        self._role = hello.role
        return hello

    def _read(self, push: Push, instance: str, reader: Rereader) -> Snapshot | tuple[Event, ...]:
        if push.topic == "snapshot":
            return reader.read(push.result)
        events = tuple(Event.from_json(event) for event in _array(push.result, "events"))
        if events:
            self._known = (instance, events[-1].seq)
        return events

    @contextmanager
    def _connection(self) -> Iterator[ManagementClient]:
        """What goes wrong with it is raised in our words."""
        try:
            with ManagementClient(self._where, self._timeout) as client:
                yield client
        except ManagementError as error:
            if error.code == Code.DENIED or isinstance(error.__cause__, PermissionError):
                raise Denied(str(error)) from error
            if error.code in _LOST:
                raise Lost(str(error)) from error
            raise Refused(error.code, str(error)) from error


def _array(result: Mapping[str, Any], name: str) -> list[object]:
    match result.get(name):
        case [*items]:
            return items
    raise ManagementError(Code.MALFORMED, f"“{name}” is not an array")
