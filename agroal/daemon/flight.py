"""The flight recorder: what was to be seen in the last while is in memory, and goes to a file when somebody asks.

Once a second a picture of the daemon is taken on its loop; a thread makes a frame of it and adds it to the reel, which
has its bounds (reel.py). The same thread writes the files, so that nobody waits for a disk. Whatever pictures cost,
they don't get more of the loop than one part in PACE: where they are expensive they become rarer, and of very many
clients they show the first only; who holds a server or waits for one is among the slots and waiters all the same.

Events and the graver lines of the log are kept elsewhere already, a bounded number of each, and are put in the file.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from agroal.config.choices import LogType
from agroal.config.model import Settings
from agroal.daemon.picture import picture
from agroal.daemon.reel import Reel
from agroal.errors import ManagementError
from agroal.management.dump import Dump
from agroal.management.event import Event, EventKind
from agroal.management.frames import BadRecording
from agroal.management.phrases import amount
from agroal.management.snapshot import Snapshot
from agroal.management.times import duration, microseconds
from agroal.management.wire import Code

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

PERIOD: Final = 1.0
"""Seconds from one picture to the next, at least."""
PACE: Final = 100
"""Seconds between two pictures for each second that one takes, the thread's share included."""
MOST_CLIENTS: Final = 1000
"""Clients in a picture."""
KEPT_FILES: Final = 5
"""Files with names of ours, for each port; the oldest go. Those that somebody has named stay."""
SUFFIX: Final = ".agrec"

log = logging.getLogger("agroal.flight")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_STAMPED: Final = r"agroal-{port}-\d{{8}}T\d{{6}}\.\d{{6}}Z" + re.escape(SUFFIX)


@dataclass(frozen=True, slots=True)
class _Order:
    """What goes to a file besides the reel."""

    path: Path
    latest: Snapshot | None
    events: Sequence[Event]
    lines: Sequence[tuple[int, str, str]]


class FlightRecorder:
    """A service. It takes no pictures while `flight_recorder` is 0."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._reel = Reel()
        """The worker's, while there is one."""
        self._took = 0.0
        """Seconds that the worker spent on its last frame."""
        self._worker = ThreadPoolExecutor(1, "flight-recorder")
        self._adding: Future[None] | None = None
        self._dumping: asyncio.Future[Dump] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Where it could not write, it says so now."""
        directory = directory_of(self._daemon.settings)
        if self._daemon.settings.flight_recorder and not os.access(directory, os.W_OK | os.X_OK):
            log.warning("the flight recorder can't write to %s: see flight_recorder_path", directory)
        self._arm(PERIOD)

    async def close(self) -> None:
        """What was kept stays, for `crashed`."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        await asyncio.to_thread(self._worker.shutdown)

    # -- what others ask

    async def dump(self, name: str, *, dry_run: bool) -> Dump:
        """Write what is kept. `name`: of the file, in the recorder's directory; empty: one with the time in it.

        Raises ManagementError `bad-argument`, `refused`.
        """
        if not self._daemon.settings.flight_recorder:
            raise ManagementError(Code.REFUSED, "the flight recorder is off: flight_recorder is 0")
        loop, order = asyncio.get_running_loop(), self._order(name)
        try:
            return await loop.run_in_executor(self._worker, self._forecast if dry_run else self._write, order)
        except (OSError, BadRecording) as error:
            raise ManagementError(Code.REFUSED, f"the record can't be written: {error}") from error

    def signalled(self) -> None:
        """SIGUSR1. While a file is being written, there is no need for another."""
        if not self._timer or not self._daemon.settings.flight_recorder:
            return
        if self._dumping is None or self._dumping.done():
            loop = asyncio.get_running_loop()
            self._dumping = loop.run_in_executor(self._worker, self._write, self._order(""))
            self._dumping.add_done_callback(self._dumped)

    def crashed(self) -> None:
        """The daemon has ended by a mistake of ours, and is closed: write what is kept, at once. Never raises."""
        if not self._daemon.settings.flight_recorder:
            return
        try:
            dumped = self._write(self._order("", takes_picture=False))
            log.critical("what led to it is in %s: agroal-top --replay shows it", dumped.path)
        except Exception:
            log.exception("what led to it can't be written")

    # -- on the loop

    def _arm(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        began = time.perf_counter()
        try:
            if self._adding is None or self._adding.done():
                self._adding = self._picture_taken()
        finally:
            self._arm(max(PERIOD, PACE * (time.perf_counter() - began + self._took)))

    def _picture_taken(self) -> Future[None]:
        seconds = self._daemon.settings.flight_recorder
        if not seconds:
            return self._worker.submit(self._reel.clear)
        taken = picture(self._daemon, MOST_CLIENTS)
        return self._worker.submit(self._add, taken, taken.mono_us - microseconds(seconds))

    def _order(self, name: str, *, takes_picture: bool = True) -> _Order:
        """Raises ManagementError."""
        daemon = self._daemon
        path = directory_of(daemon.settings) / (_file_name(name) if name else _stamped(daemon.settings.port))
        oldest = daemon.now() - daemon.settings.flight_recorder
        events = [event for event in daemon.events.after(0) if event.mono_us >= microseconds(oldest)]
        lines = daemon.output.troubles(oldest) if daemon.output else []
        return _Order(
            path,
            picture(daemon, MOST_CLIENTS) if takes_picture else None,
            events,
            [(microseconds(line.at), str(line.level), line.text) for line in lines],
        )

    def _dumped(self, dumping: asyncio.Future[Dump]) -> None:
        if dumping.cancelled():
            return
        if error := dumping.exception():
            log.warning("the record can't be written: %s", error)
        else:
            done = dumping.result()
            text = f"the last {duration(done.span_us)} are in {done.path}, {amount(done.bytes)}"
            self._daemon.report(EventKind.RECORDED, text)

    # -- in the worker

    def _add(self, taken: Snapshot, oldest_us: int) -> None:
        began = time.perf_counter()
        try:
            self._reel.add(taken, oldest_us)
        except Exception:
            log.exception("internal error of the flight recorder: it begins anew")
            self._reel.clear()
        self._took = time.perf_counter() - began

    def _forecast(self, order: _Order) -> Dump:
        """What would be written."""
        return self._told(order, self._reel.size)

    def _write(self, order: _Order) -> Dump:
        """Raises OSError, BadRecording."""
        if order.latest:
            self._reel.add(order.latest, 0)
        if not self._reel.frames:
            raise BadRecording("agroal has not run for long enough to have taken a picture")
        _make_room(order.path.parent, self._daemon.settings.port)
        from agroal.management.recording import save  # with SQLite: who never asks for a record does without

        save(order.path, self._reel.frames, order.events, order.lines)
        return self._told(order, order.path.stat().st_size)

    def _told(self, order: _Order, size: int) -> Dump:
        frames = self._reel.frames
        span = frames[-1].mono_us - frames[0].mono_us if frames else 0
        return Dump(str(order.path), size, span, len(frames), len(order.events), len(order.lines))


def directory_of(settings: Settings) -> Path:
    """Where the files go."""
    if settings.flight_recorder_path:
        return settings.flight_recorder_path.absolute()
    beside = settings.log_path.parent
    has_file = settings.log_type is LogType.FILE and "%" not in str(beside)  # that would be another place every day
    return (beside if has_file else settings.unix_socket_dir).absolute()


def _file_name(name: str) -> str:
    """It is for this directory only: who may ask for a file may not say where on the disk it is."""
    if not _NAME.fullmatch(name):
        raise ManagementError(
            Code.BAD_ARGUMENT, "“name” must be a file name of letters, digits, _, - and dots, without a directory"
        )
    return name if name.endswith(SUFFIX) else f"{name}{SUFFIX}"


def _stamped(port: int) -> str:
    return f"agroal-{port}-{datetime.now(UTC):{_STAMP}}{SUFFIX}"


def _make_room(directory: Path, port: int) -> None:
    """For one more. Others may have files in this directory, it may be /tmp: only our own count."""
    ours = re.compile(_STAMPED.format(port=port), re.ASCII)
    found = sorted(path for path in directory.iterdir() if ours.fullmatch(path.name) and _is_ours(path))
    for path in found[: max(0, len(found) - KEPT_FILES + 1)]:
        path.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    with suppress(OSError):
        status = path.lstat()
        return S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    return False
