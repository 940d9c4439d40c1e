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
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

from agroal.management.client import ManagementError, __version__, configured_socket, neutral
from agroal_top.demo import DemoSource
from agroal_top.export import FORMATS
from agroal_top.headless import OK, UNREACHABLE, narrate, once, record, status_of, watch
from agroal_top.live import LiveSource
from agroal_top.options import Options
from agroal_top.recording import MEGABYTE, MOST_MEGABYTES, BadRecording, Recorded
from agroal_top.replay import ReplaySource
from agroal_top.source import Lost, Refused, Source
from agroal_top.tables import SCREENS

SHORTEST, LONGEST = 0.2, 3600.0


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status. Raises SystemExit as argparse does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows `?`
    parse = parser()
    options = parse.parse_args(argv)
    if wrong := _contradiction(options):
        parse.error(wrong)
    try:
        with closing(_source(options)) as source:
            status = _run(source, options)
            sys.stdout.flush()
    except (ManagementError, BadRecording, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `agroal-top --watch 1 | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            narrate(neutral_lines(str(error)))
        return UNREACHABLE
    except (Lost, Refused) as error:
        narrate(neutral_lines(str(error)))
        return status_of(error)
    except KeyboardInterrupt:
        return OK if options.headless else 128 + signal.SIGINT
    return status


def parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="agroal-top",
        usage="agroal-top [OPTION]...",
        description="Shows what a running agroal does.",
        epilog="exit status: 0 well, 1 can't connect, 2 a command line that can't be followed, 3 not let in, "
        "4 degraded: a server is down, a pool can't connect, or a client waits for longer than a second",
        allow_abbrev=False,
        add_help=False,
    )
    _add_sources(parser)
    parser.add_argument("--read-only", action="store_true", help="offer nothing that changes something")
    parser.add_argument(
        "--interval", metavar="SECONDS", type=_seconds, default=1.0, help="time between two snapshots (1)"
    )
    parser.add_argument("--screen", choices=tuple(SCREENS), help="what to show, or to show first (overview)")
    parser.add_argument("--theme", metavar="NAME", default=Options().theme, help="colours (%(default)s)")
    parser.add_argument("--ascii", action="store_true", help="nothing but ASCII")
    _add_headless(parser)
    parser.add_argument("-V", "--version", action="version", version=f"agroal-top {__version__}")
    parser.add_argument("-?", "--help", action="help", help="show this text")
    return parser


def _add_sources(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-c", "--config", metavar="FILE", type=Path, help="agroal.conf of the agroal to show")
    what.add_argument("-D", "--directory", metavar="DIR", type=Path, help="the directory with that file")
    what.add_argument("--socket", metavar="PATH", type=Path, help="its management socket: no file is read")
    what.add_argument("--replay", metavar="FILE", type=Path, help="show a recording")
    what.add_argument("--demo", action="store_true", help="show made-up data: no agroal is needed")


def _add_headless(parser: ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print a screen and end")
    how.add_argument("--watch", metavar="SECONDS", type=_seconds, help="print a line of JSON every so often")
    how.add_argument("--headless", action="store_true", help="print nothing: only record, until it is interrupted")
    parser.add_argument("-f", "--format", choices=FORMATS, help="of --once, for people or for programs (text)")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where --once and --watch print to")
    parser.add_argument("--record", metavar="FILE", type=Path, help="write what is seen to a recording")
    parser.add_argument(
        "--record-max-mb",
        metavar="MB",
        type=_megabytes,
        default=MOST_MEGABYTES,
        help="megabytes after which its oldest part is dropped (%(default)s)",
    )


def neutral_lines(text: str) -> str:
    """Text of several lines that acts on no terminal."""
    return "\n".join(map(neutral, text.split("\n")))


def _contradiction(options: Namespace) -> str | None:
    if options.headless and not options.record:
        return "--headless needs --record FILE: without it nothing would come of it"
    if options.record and options.replay:
        return "--record and --replay exclude each other: the recording is there already"
    if options.format and not options.once:
        return "-f is the format of --once; --watch prints JSON"
    if options.output and not (options.once or options.watch):
        return "-o is where --once or --watch print to"
    return None


def _source(options: Namespace) -> Source:
    """Raises ManagementError, BadRecording."""
    if options.replay:
        return _replay(options)
    source: Source
    if options.demo:
        source = DemoSource(read_only=options.read_only)
    else:
        path = options.socket or configured_socket(options.config, options.directory)
        source = LiveSource(path, read_only=options.read_only)
    return Recorded(source, options.record, options.record_max_mb * MEGABYTE) if options.record else source


def _replay(options: Namespace) -> ReplaySource:
    """Where nobody looks on, it is read as fast as it goes; --once shows how it ends."""
    if not (options.once or options.watch):
        return ReplaySource(options.replay)
    source = ReplaySource(options.replay, wait=lambda *_: None, hold=False)
    if options.once:
        source.seek(source.duration)
    return source


def _run(source: Source, options: Namespace) -> int:
    if options.headless:
        signal.signal(signal.SIGTERM, _interrupt)
        narrate(f"recording {source.name} to {options.record}, until it is interrupted")
        return record(source, options.interval, time.sleep)
    if options.once:
        with _output(options.output) as out:
            return once(source, options.screen, options.format or "text", options.interval, out)
    if options.watch:
        with _output(options.output) as out:
            return watch(source, options.screen, options.watch, out, time.sleep)
    return _show(source, options)


def _show(source: Source, options: Namespace) -> int:
    try:
        from agroal_top.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"textual", "rich"}:
            raise
        narrate("the screen needs Textual: pip install 'agroal[top]'. --once and --watch work without it")
        return UNREACHABLE
    page = options.screen or "overview"
    return run(source, Options(options.interval, page, options.theme, options.ascii))


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
    else:
        with path.open("w", encoding="utf-8") as out:
            yield out


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not SHORTEST <= seconds <= LONGEST:
        raise ArgumentTypeError(f"“{text}” is no number of seconds between {SHORTEST:g} and {LONGEST:g}")
    return seconds


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise ArgumentTypeError(f"“{text}” is no number of megabytes between 1 and 1000000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
