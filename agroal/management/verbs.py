"""Every verb of the management protocol: one row each.

The daemon's dispatch, agroal-cli's parser and its --help, and the table in docs/management-protocol.md come from here.
A new verb is a new row in looking.py or acting.py, and a file in commands/ that executes it and writes its result for
people.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from agroal.errors import ManagementError
from agroal.management.acting import ACTING
from agroal.management.looking import LOOKING, PROGRAMS
from agroal.management.verb import POSITIONAL, Kind, Value, Verb
from agroal.management.wire import Code

VERBS = (*LOOKING, *ACTING, *PROGRAMS)

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


def arguments_of(verb: Verb, words: Sequence[str], seconds: float | None) -> dict[str, Value]:
    """The arguments of a request, from a command line: the words after the verb, and `-T`.

    Raises ManagementError `bad-argument`.
    """
    if verb.lasting:
        raise ManagementError(Code.BAD_ARGUMENT, f"“{verb.name}” is for programs, on a connection that lasts")
    wanted = [argument for argument in verb.arguments if argument.kind in POSITIONAL]
    if len(words) > len(wanted):
        raise ManagementError(Code.BAD_ARGUMENT, f"“{verb.name}” does not take “{words[len(wanted)]}”")
    args = {argument.name: argument.read(word) for argument, word in zip(wanted, words, strict=False)}
    if seconds is not None:
        timed = [argument for argument in verb.arguments if argument.kind is Kind.SECONDS]
        if not timed:
            raise ManagementError(Code.BAD_ARGUMENT, f"“{verb.name}” takes no timeout (-T)")
        args[timed[0].name] = seconds
    return verb.checked(args)
