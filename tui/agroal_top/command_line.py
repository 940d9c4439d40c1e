"""What can be typed after agroal-top."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from agroal.management.client import __version__
from agroal.management.recording import MOST_MEGABYTES
from agroal_top.export import FORMATS
from agroal_top.options import Options
from agroal_top.preferences import LONGEST, SHORTEST
from agroal_top.tables import SCREENS

SIZE = (120, 36)
_WIDEST, _LONGEST = 500, 200


def parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="agroal-top",
        usage="agroal-top [OPTION]... [agroal://USER@HOST:PORT]",
        description="Shows what a running agroal does.",
        epilog="exit status: 0 well, 1 can't connect, 2 a command line that can't be followed, 3 not let in, "
        "4 degraded: a server is down, a pool can't connect, or a client waits for longer than a second",
        allow_abbrev=False,
        add_help=False,
    )
    _add_sources(parser)
    _add_looks(parser)
    _add_headless(parser)
    parser.add_argument("-V", "--version", action="version", version=f"agroal-top {__version__}")
    parser.add_argument("-?", "--help", action="help", help="show this text")
    return parser


def _add_sources(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-c", "--config", metavar="FILE", type=Path, help="agroal.conf of the agroal to show")
    what.add_argument("-D", "--directory", metavar="DIR", type=Path, help="the directory with that file")
    what.add_argument("--socket", metavar="FILE", type=Path, help="its management socket: no file is read")
    what.add_argument(
        "uri",
        nargs="?",
        metavar="agroal://USER@HOST:PORT",
        help="an agroal in the network, with its port of remote management; ?tls-mode=verify-full&ca=FILE may follow",
    )
    what.add_argument("--replay", metavar="FILE", type=Path, help="show a recording")
    what.add_argument("--demo", action="store_true", help="show made-up data: no agroal is needed")
    parser.add_argument("-P", "--profile", metavar="NAME", help="what top.toml calls so: where it is, how it looks")


def _add_looks(parser: ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="offer nothing that changes something")
    parser.add_argument("--interval", metavar="SECONDS", type=_seconds, help="time between two snapshots (1)")
    parser.add_argument("--screen", choices=tuple(SCREENS), help="what to show, or to show first (overview)")
    parser.add_argument("--theme", metavar="NAME", help=f"colours ({Options().theme})")
    parser.add_argument("--ascii", action="store_true", help="nothing but ASCII")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument(
        "--action-log", metavar="FILE", type=Path, help="where what is done from the screen is written down"
    )


def _add_headless(parser: ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print a screen and end")
    how.add_argument("--watch", metavar="SECONDS", type=_seconds, help="print a line of JSON every so often")
    how.add_argument("--svg", metavar="FILE", type=Path, help="draw a screen as an SVG and end")
    how.add_argument("--headless", action="store_true", help="print nothing: only record, until it is interrupted")
    parser.add_argument("-f", "--format", choices=FORMATS, help="of --once, for people or for programs (text)")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where --once and --watch print to")
    parser.add_argument("--size", metavar="COLSxROWS", type=_size, help="of --svg (120x36)")
    parser.add_argument(
        "--after", metavar="SECONDS", type=_seconds, help="how long --svg looks before it draws, for the curves (3)"
    )
    parser.add_argument("--record", metavar="FILE", type=Path, help="write what is seen to a recording")
    parser.add_argument(
        "--record-max-mb",
        metavar="MB",
        type=_megabytes,
        default=MOST_MEGABYTES,
        help="megabytes after which its oldest part is dropped (%(default)s)",
    )


def contradiction(options: Namespace) -> str | None:
    """What makes no sense together; None when all does."""
    if options.headless and not options.record:
        return "--headless needs --record FILE: without it nothing would come of it"
    if options.record and options.replay:
        return "--record and --replay exclude each other: the recording is there already"
    if options.format and not options.once:
        return "-f is the format of --once; --watch prints JSON"
    if options.output and not (options.once or options.watch):
        return "-o is where --once or --watch print to"
    if (options.size or options.after) and not options.svg:
        return "--size and --after are of --svg FILE"
    return None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not SHORTEST <= seconds <= LONGEST:
        raise ArgumentTypeError(f"“{text}” is no number of seconds between {SHORTEST:g} and {LONGEST:g}")
    return seconds


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not all(each.isascii() and each.isdigit() and len(each) < 5 for each in (columns, rows)):
        raise ArgumentTypeError(f"“{text}” is no size such as 120x36")
    size = int(columns), int(rows)
    if not (60 <= size[0] <= _WIDEST and 15 <= size[1] <= _LONGEST):
        raise ArgumentTypeError(f"“{text}” is not between 60x15 and {_WIDEST}x{_LONGEST}")
    return size


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise ArgumentTypeError(f"“{text}” is no number of megabytes between 1 and 1000000")
    return int(text)
