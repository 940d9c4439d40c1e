"""agroal-cli: asks a running agroal one thing, and shows the answer to people or to programs.

Exit status: 0 done, 1 refused or failed, 2 a command line that can't be followed.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agroal import __version__
from agroal.config.load import locate
from agroal.config.report import Report, read_text
from agroal.config.sections import read_main
from agroal.config.units import duration
from agroal.errors import ConfigurationError, ManagementError
from agroal.management import wire
from agroal.management.client import ManagementClient, socket_path
from agroal.management.layout import block
from agroal.management.neutral import neutral
from agroal.management.times import duration as for_people
from agroal.management.verb import Kind, Verb
from agroal.management.verbs import VERBS, arguments_of, spelled

DONE, FAILED, USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status. Raises SystemExit as argparse does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows `?`
    options = parser().parse_intermixed_args(argv)
    try:
        status = run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # `agroal-cli status details | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return 128 + 2
    return status


def parser() -> ArgumentParser:
    """The options; the verbs are words, because both vocabularies of them come from the table."""
    parser = ArgumentParser(
        prog="agroal-cli",
        usage="agroal-cli [OPTION]... VERB...",
        description="Asks a running agroal.",
        epilog="\n".join(_verbs()),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-c", "--config", metavar="FILE", type=Path, help="agroal.conf of the agroal to ask")
    where.add_argument("-D", "--directory", metavar="DIR", type=Path, help="the directory with that file")
    where.add_argument("--socket", metavar="PATH", type=Path, help="its management socket: no file is read")
    parser.add_argument("-F", "--format", choices=("text", "json"), default="text", help="for people or for programs")
    parser.add_argument("-T", "--timeout", metavar="DURATION", type=_duration, help="as 30s, 5m: see the verbs")
    parser.add_argument("-v", "--verbose", action="store_true", help="say on standard error what is asked, and where")
    parser.add_argument("-V", "--version", action="version", version=f"agroal-cli {__version__}")
    parser.add_argument("-?", "--help", action="help", help="show this text")
    parser.add_argument("words", nargs="*", metavar="VERB", help="what to ask for")
    return parser


def run(options: Namespace) -> int:
    try:
        verb, rest = spelled(options.words)
        args = arguments_of(verb, rest, options.timeout)
    except ManagementError as error:
        return _fail(options, " ".join(options.words), error, USAGE)
    try:
        result = _ask(options, verb, args)
        if options.format == "json":
            _print_json(verb.name, {"ok": True, "result": result})
        else:
            print("\n".join(verb.text(verb.result.from_json(result))))
    except ManagementError as error:
        return _fail(options, verb.name, error, FAILED)
    return DONE


def _ask(options: Namespace, verb: Verb, args: dict[str, Any]) -> dict[str, Any]:
    path = options.socket or _configured_socket(options)
    began = time.monotonic()
    with ManagementClient(path) as client:
        result = client.call(verb.name, **args)
    if options.verbose:
        took = for_people(round((time.monotonic() - began) * 1_000_000))
        print(f"agroal-cli: asked {path} for “{verb.name}” {args or ''}: answered in {took}", file=sys.stderr)
    return result


def _configured_socket(options: Namespace) -> Path:
    """From the main file alone, so that a mistake in another one does not keep anybody from asking."""
    files = locate({"main": options.config}, options.directory)
    report = Report(str(files.main))
    text = read_text(files.main, files.origins.get("main", ""), report)
    settings = None if text is None else read_main(text, report, os.environ).settings
    if settings is None:
        error = ConfigurationError(report.problems)
        raise ManagementError(wire.Code.CONFIGURATION, f"{error}\n--socket PATH asks without the file") from error
    return socket_path(settings.unix_socket_dir, settings.port)


def _fail(options: Namespace, verb: str, error: ManagementError, status: int) -> int:
    if options.format == "json":
        _print_json(verb, {"ok": False, "error": {"code": error.code, "message": str(error)}})
    else:
        for line in str(error).split("\n"):
            print(f"agroal-cli: {neutral(line)}", file=sys.stderr)
    return status


def _print_json(verb: str, outcome: dict[str, Any]) -> None:
    print(json.dumps({"v": wire.VERSION, "verb": verb, **outcome}))


def _duration(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _verbs() -> Iterator[str]:
    yield "verbs, with the spellings of pgagroal 0.6 in parentheses:"
    described = [(verb.name, f"{verb.doc}{_also(verb)}") for verb in VERBS]
    timed = [(f"  {verb.name} -T", a.doc) for verb in VERBS for a in verb.arguments if a.kind is Kind.SECONDS]
    yield from (f"  {line}" for line in block(described))
    yield ""
    yield from block(timed)
    yield ""
    yield f"exit status: {DONE} done, {FAILED} refused or failed, {USAGE} a command line that can't be followed"


def _also(verb: Verb) -> str:
    return f" ({', '.join(verb.aliases)})" if verb.aliases else ""


if __name__ == "__main__":
    sys.exit(main())
