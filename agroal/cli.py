"""agroal-cli: asks a running agroal one thing, and shows the answer to people or to programs.

Exit status: 0 done, 1 refused or failed, 2 a command line that can't be followed. `ping` fails when a server does not
answer, too.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agroal import __version__
from agroal.config.units import LONGEST, duration
from agroal.errors import ManagementError
from agroal.management import wire
from agroal.management.address import Remote, TlsMode
from agroal.management.client import Done, ManagementClient, Push, configured_socket, own_name, with_password
from agroal.management.layout import block
from agroal.management.neutral import neutral
from agroal.management.snapshot import Snapshot
from agroal.management.times import duration as for_people
from agroal.management.verb import POSITIONAL, Argument, Value, Verb
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
    where.add_argument("-h", "--host", metavar="HOST", help="where it is in the network")
    _add_remote(parser)
    parser.add_argument("-F", "--format", choices=("text", "json"), default="text", help="for people or for programs")
    parser.add_argument("-T", "--timeout", metavar="DURATION", type=_duration, help="as 30s, 5m: see the verbs")
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing: say what would be changed")
    parser.add_argument("-v", "--verbose", action="store_true", help="say on standard error what is asked, and where")
    parser.add_argument("-V", "--version", action="version", version=f"agroal-cli {__version__}")
    parser.add_argument("-?", "--help", action="help", help="show this text")
    parser.add_argument("words", nargs="*", metavar="VERB", help="what to ask for")
    return parser


def _add_remote(parser: ArgumentParser) -> None:
    parser.add_argument("-p", "--port", metavar="PORT", type=_port, help="with -h: its port of remote management")
    parser.add_argument("-U", "--user", metavar="NAME", help="with -h: the admin who asks; by default you")
    parser.add_argument(
        "--tls-mode",
        choices=tuple(TlsMode),
        help="with -h: require (encrypt; the password says who it is), verify-full (its certificate, too) or disable",
    )
    parser.add_argument("--ca", metavar="FILE", type=Path, help="with -h: who has signed its certificate")
    parser.add_argument("--cert", metavar="FILE", type=Path, help="with -h: your certificate")
    parser.add_argument("--key", metavar="FILE", type=Path, help="with -h: the private key of --cert")


def run(options: Namespace) -> int:
    try:
        verb, rest = spelled(options.words)
        args = arguments_of(verb, rest, options.timeout)
        if options.dry_run and verb.read_only:
            raise ManagementError(wire.Code.BAD_ARGUMENT, f"“{verb.name}” changes nothing: it has no dry run (-n)")  # noqa: TRY301
        remote = _remote(options)
    except ManagementError as error:
        return _fail(options, " ".join(options.words), error, USAGE)
    try:
        done = _ask(options, remote, verb, args)
        result = verb.result.from_json(done.result)
        if options.format == "json":
            told = {"took_us": done.took_us, **({"dry_run": True} if done.dry_run else {})}
            _print_json(verb.name, {"ok": True, **told, "result": done.result})
        else:
            for line in verb.lines(result, dry_run=done.dry_run):
                print(line)
    except ManagementError as error:
        return _fail(options, verb.name, error, FAILED)
    return DONE if verb.is_fine(result) else FAILED


def _remote(options: Namespace) -> Remote | None:
    """Where it is in the network; None when it is asked at its socket. Raises ManagementError `bad-argument`."""
    if options.host is None:
        spelled = {"-p": options.port, "-U": options.user, "--tls-mode": options.tls_mode, "--ca": options.ca}
        for name, value in {**spelled, "--cert": options.cert, "--key": options.key}.items():
            if value is not None:
                raise ManagementError(wire.Code.BAD_ARGUMENT, f"{name} goes with -h HOST, for an agroal in the network")
        return None
    if options.port is None:
        raise ManagementError(wire.Code.BAD_ARGUMENT, "-h goes with -p PORT, the port of remote management")
    user = options.user or own_name()
    if not user:
        raise ManagementError(wire.Code.BAD_ARGUMENT, "who asks? -U NAME is missing")
    remote = Remote(options.host, options.port, user)
    return remote.secured(options.tls_mode, options.ca, options.cert, options.key)


def _where(options: Namespace, remote: Remote | None) -> Path | Remote:
    if remote is None:
        path: Path = options.socket or configured_socket(options.config, options.directory)
        return path
    return with_password(remote, os.environ)


def _ask(options: Namespace, remote: Remote | None, verb: Verb, args: Mapping[str, Value]) -> Done:
    where = _where(options, remote)
    began = time.monotonic()
    with ManagementClient(where) as client:
        if verb.left and options.timeout is not None and not options.dry_run:
            done = _ask_patiently(client, verb, args, verbose=options.format == "text")
        else:
            done = client.ask(verb.name, args, dry_run=options.dry_run)
    if options.verbose:
        took = for_people(round((time.monotonic() - began) * 1_000_000))
        print(f"agroal-cli: asked {where} for “{verb.command(args)}”: answered in {took}", file=sys.stderr)
    return done


def _ask_patiently(client: ManagementClient, verb: Verb, args: Mapping[str, Value], *, verbose: bool) -> Done:
    """The answer may take as long as the timeout says. People are shown meanwhile what is missing."""
    said = ""

    def heard(push: Push) -> None:
        nonlocal said
        left = verb.left(Snapshot.from_json(push.result)) if verb.left else ""
        if left and left != said:
            print(f"agroal-cli: waiting for {left}", file=sys.stderr)
        said = left

    if verbose:
        client.ask("subscribe", {"topics": ("snapshot",)})
    seconds = args["timeout"]
    patience = seconds if isinstance(seconds, float) and seconds else LONGEST
    return client.ask(verb.name, args, patience=patience, heard=heard)


def _fail(options: Namespace, verb: str, error: ManagementError, status: int) -> int:
    if options.format == "json":
        _print_json(verb, {"ok": False, "error": {"code": error.code, "message": str(error)}})
    else:
        for line in str(error).split("\n"):
            print(f"agroal-cli: {neutral(line)}", file=sys.stderr)
    return status


def _print_json(verb: str, outcome: dict[str, Any]) -> None:
    print(json.dumps({"v": wire.VERSION, "verb": verb, **outcome}))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 1 << 16):
        raise ArgumentTypeError(f"“{text}” is no port")
    return int(text)


def _duration(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _verbs() -> Iterator[str]:
    yield "verbs, with the spellings of pgagroal 0.6 in parentheses:"
    verbs = [verb for verb in VERBS if not verb.lasting]
    yield from (f"  {line}" for line in block([(_usage(verb), f"{verb.doc}{_also(verb)}") for verb in verbs]))
    yield ""
    yield from block([(f"  {verb.name} {_spelled(a)}", a.doc) for verb in verbs for a in verb.arguments])
    yield ""
    yield f"exit status: {DONE} done, {FAILED} refused or failed, {USAGE} a command line that can't be followed"
    yield f"({FAILED} from ping also when a server does not answer)"


def _usage(verb: Verb) -> str:
    words = [_spelled(argument) for argument in verb.arguments if argument.kind in POSITIONAL]
    return " ".join([verb.name, *words])


def _spelled(argument: Argument) -> str:
    """How an argument stands on the command line."""
    if argument.kind not in POSITIONAL:
        return "-T"
    return argument.name.upper() if argument.required else f"[{argument.name.upper()}]"


def _also(verb: Verb) -> str:
    return f" ({', '.join(verb.aliases)})" if verb.aliases else ""


if __name__ == "__main__":
    sys.exit(main())
