"""agroal-top: what a running agroal does, on the whole screen, or without one for scripts.

Exit status: 0 all is well, 1 agroal can't be reached, 2 a command line that can't be followed, 3 not for us, 4 agroal
is there and in trouble: a server is down, a pool can't connect, or a client waits for longer than a second.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

from agroal.management.client import Code, ManagementError, Remote, configured_socket, neutral, own_name, with_password
from agroal.management.frames import BadRecording
from agroal.management.recording import MEGABYTE
from agroal_top.command_line import SIZE, contradiction, parser
from agroal_top.demo import DemoSource
from agroal_top.headless import OK, UNREACHABLE, USAGE, narrate, once, record, status_of, watch
from agroal_top.live import LiveSource
from agroal_top.options import Options
from agroal_top.preferences import BadPreferences, Preferences, read, usual_action_log, usual_file
from agroal_top.recording import Recorded
from agroal_top.replay import ReplaySource
from agroal_top.source import Lost, Refused, Source


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status. Raises SystemExit as argparse does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows `?`
    parse = parser()
    options = parse.parse_args(argv)
    if wrong := contradiction(options):
        parse.error(wrong)
    try:
        preferences = read(usual_file(), options.profile)
        with closing(_source(options, preferences)) as source:
            status = _run(source, options, preferences)
            sys.stdout.flush()
    except BadPreferences as error:
        narrate(neutral_lines(str(error)))
        return USAGE
    except (ManagementError, BadRecording, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `agroal-top --watch 1 | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            narrate(neutral_lines(str(error)))
        misspelled = isinstance(error, ManagementError) and error.code == Code.BAD_ARGUMENT
        return USAGE if misspelled else UNREACHABLE
    except (Lost, Refused) as error:
        narrate(neutral_lines(str(error)))
        return status_of(error)
    except KeyboardInterrupt:
        return OK if options.headless else 128 + signal.SIGINT
    return status


def neutral_lines(text: str) -> str:
    """Text of several lines that acts on no terminal."""
    return "\n".join(map(neutral, text.split("\n")))


def _source(options: Namespace, preferences: Preferences) -> Source:
    """Raises ManagementError, BadRecording."""
    if options.replay:
        return _replay(options)
    read_only = options.read_only or bool(preferences.read_only)
    source: Source
    if options.demo:
        source = DemoSource(read_only=read_only)
    else:
        source = LiveSource(_where(options, preferences), read_only=read_only)
    return Recorded(source, options.record, options.record_max_mb * MEGABYTE)


def _where(options: Namespace, preferences: Preferences) -> Path | Remote:
    """What the command line says of the place counts; without a word of it, the profile's. Raises ManagementError."""
    said: Namespace | Preferences = options
    if not (options.uri or options.socket or options.config or options.directory):
        said = preferences
    if said.uri:
        return with_password(Remote.parse(said.uri, own_name()), os.environ)
    return said.socket or configured_socket(said.config, said.directory)


def _replay(options: Namespace) -> ReplaySource:
    """Where nobody looks on, it is read as fast as it goes; --once and --svg show how it ends."""
    if not (options.once or options.watch or options.svg):
        return ReplaySource(options.replay)
    source = ReplaySource(options.replay, wait=lambda *_: None, hold=False)
    if not options.watch:
        source.seek(source.duration)
    return source


def _run(source: Source, options: Namespace, preferences: Preferences) -> int:
    interval = options.interval or preferences.interval or Options().interval
    if options.headless:
        signal.signal(signal.SIGTERM, _interrupt)
        narrate(f"recording {source.name} to {options.record}, until it is interrupted")
        return record(source, interval, time.sleep)
    if options.once:
        with _output(options.output) as out:
            return once(source, options.screen, options.format or "text", interval, out)
    if options.watch:
        with _output(options.output) as out:
            return watch(source, options.screen, options.watch, out, time.sleep)
    return _show(source, options, _looks(options, preferences, interval))


def _looks(options: Namespace, preferences: Preferences, interval: float) -> Options:
    usual = Options()
    log = options.action_log or preferences.action_log
    return Options(
        interval,
        options.screen or preferences.screen or usual.page,
        options.theme or preferences.theme or usual.theme,
        options.ascii or bool(preferences.ascii) or not _speaks_utf8(),
        mouse=not options.no_mouse and preferences.mouse is not False,
        colour=preferences.colour or "",
        keymap=preferences.keymap,
        action_log=None if options.demo else log or usual_action_log(),
    )


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _show(source: Source, options: Namespace, looks: Options) -> int:
    try:
        from agroal_top.app import run
        from agroal_top.picture import svg
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"textual", "rich"}:
            raise
        narrate("the screen needs Textual: pip install 'agroal[top]'. --once and --watch work without it")
        return UNREACHABLE
    if not options.svg:
        return run(source, looks)
    drawn = svg(source, looks, options.size or SIZE, 0.0 if options.replay else options.after or 3.0)
    options.svg.write_text(drawn, encoding="utf-8")
    return OK


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
    else:
        with path.open("w", encoding="utf-8") as out:
            yield out


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
