"""Every verb of the management protocol: one row each.

The daemon's dispatch, agroal-cli's parser and its --help, and the table in docs/management-protocol.md come from here.
A new verb is a new row and a file in commands/ that executes it and writes its result for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from agroal.errors import ManagementError
from agroal.management.commands import hello, ping, shutdown, status
from agroal.management.controls import Role
from agroal.management.snapshot import Snapshot
from agroal.management.verb import Argument, Kind, Verb
from agroal.management.wire import Code

VERBS = (
    Verb(
        name="ping",
        doc="say whether agroal is alive, and whether each server answers",
        execute=ping.execute,
        result=ping.Ping,
        text=ping.text,
        role=Role.MONITOR,
        read_only=True,
        aliases=("is-alive",),
    ),
    Verb(
        name="status",
        doc="show in short what agroal is doing",
        execute=status.execute,
        result=status.Status,
        text=status.text,
        role=Role.MONITOR,
        read_only=True,
    ),
    Verb(
        name="status details",
        doc="show it with every pool, slot and client",
        execute=status.execute_details,
        result=Snapshot,
        text=status.text_details,
        role=Role.MONITOR,
        read_only=True,
        aliases=("details",),
    ),
    Verb(
        name="shutdown gracefully",
        doc="take no new clients, stop when the last one has gone",
        execute=shutdown.gracefully,
        result=shutdown.Shutdown,
        text=shutdown.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("shutdown", "gracefully"),
        arguments=(
            Argument(
                name="timeout",
                kind=Kind.SECONDS,
                doc="cut off who is left after that long; 0: never; default: flush_timeout of agroal.conf",
            ),
        ),
    ),
    Verb(
        name="shutdown immediate",
        doc="cut off the clients and stop now",
        execute=shutdown.immediate,
        result=shutdown.Shutdown,
        text=shutdown.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("stop",),
    ),
    Verb(
        name="shutdown cancel",
        doc="take back a graceful shutdown",
        execute=shutdown.cancel,
        result=shutdown.Shutdown,
        text=shutdown.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("cancel-shutdown",),
    ),
    Verb(
        name="hello",
        doc="say who answers: version, instance, your role (for programs)",
        execute=hello.execute,
        result=hello.Hello,
        text=hello.text,
        role=Role.MONITOR,
        read_only=True,
    ),
    Verb(
        name="snapshot",
        doc="print the whole picture as one JSON document (for programs)",
        execute=status.execute_details,
        result=Snapshot,
        text=status.text_snapshot,
        role=Role.MONITOR,
        read_only=True,
    ),
)

BY_NAME = {verb.name: verb for verb in VERBS}
BY_SPELLING = {tuple(spelling.split()): verb for verb in VERBS for spelling in (verb.name, *verb.aliases)}


def named(name: str) -> Verb:
    """The verb of a request. Raises ManagementError `unknown-verb`."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise ManagementError(Code.UNKNOWN_VERB, f"there is no verb {name[:64]!a}") from None


def spelled(words: Sequence[str]) -> tuple[Verb, Sequence[str]]:
    """The verb that a command line begins with, in either vocabulary, and the words after it.

    The longest spelling wins: `status details` is not `status` with a word too many. Raises ManagementError
    `unknown-verb`.
    """
    for length in range(len(words), 0, -1):
        if verb := BY_SPELLING.get(tuple(words[:length])):
            return verb, words[length:]
    if not words:
        raise ManagementError(Code.UNKNOWN_VERB, "there is no verb: --help lists what there is")
    said = " ".join(words)
    near = get_close_matches(said, map(" ".join, BY_SPELLING), n=1)
    hint = f": did you mean “{near[0]}”?" if near else ": --help lists what there is"
    raise ManagementError(Code.UNKNOWN_VERB, f"there is no verb “{said}”{hint}")


def arguments_of(verb: Verb, words: Sequence[str], seconds: float | None) -> dict[str, str | float]:
    """The arguments of a request, from a command line: the words after the verb, and `-T`.

    Raises ManagementError `bad-argument`.
    """
    wanted = [argument for argument in verb.arguments if argument.kind is Kind.WORD]
    if len(words) > len(wanted):
        raise ManagementError(Code.BAD_ARGUMENT, f"“{verb.name}” does not take “{words[len(wanted)]}”")
    args: dict[str, str | float] = {argument.name: word for argument, word in zip(wanted, words, strict=False)}
    if seconds is not None:
        timed = [argument for argument in verb.arguments if argument.kind is Kind.SECONDS]
        if not timed:
            raise ManagementError(Code.BAD_ARGUMENT, f"“{verb.name}” takes no timeout (-T)")
        args[timed[0].name] = seconds
    return verb.checked(args)
