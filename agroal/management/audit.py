"""Who asked for what over the network: a line in the log for every command, also for one that is refused.

What changes something and is obeyed is an event, which is in the log anyway, with its arguments. Of what is refused the
arguments are not repeated: one of them might be a secret that nobody has masked.
"""

from __future__ import annotations

import logging
from typing import Protocol

from agroal.management.controls import Call
from agroal.management.neutral import NAME, neutral
from agroal.management.verb import Verb
from agroal.management.verbs import BY_NAME
from agroal.management.wire import Answer, Failure, Request

log = logging.getLogger("agroal.management")


class Answering(Protocol):
    """A Dispatcher, or what stands in for one."""

    async def answer(self, request: Request, call: Call) -> Answer: ...


class Audit:
    """Answers as another does, and writes down what was asked."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def answer(self, request: Request, call: Call) -> Answer:
        answer = await self._answering.answer(request, call)
        match answer.outcome:
            case Failure(code, message):
                said = neutral(request.verb, NAME)
                log.warning("%s: %s%s: %s: %s", neutral(call.peer), said, _how(answer), code, neutral(message))
            case _:
                verb = BY_NAME[request.verb]
                if verb.read_only or answer.dry_run or answer.repeated:
                    log.info("%s: %s%s", neutral(call.peer), neutral(_command(verb, request)), _how(answer))
        return answer


def _command(verb: Verb, request: Request) -> str:
    """With the arguments, where none of them can be a secret."""
    return verb.command(verb.checked(request.args)) if verb.read_only and not verb.lasting else verb.name


def _how(answer: Answer) -> str:
    return " (dry run)" if answer.dry_run else " (repeated)" if answer.repeated else ""
