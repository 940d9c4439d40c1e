"""From a request to its answer: the only place that decides whether a verb is executed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from agroal.errors import AgroalError, ManagementError
from agroal.management.controls import Call, Role
from agroal.management.memory import Memory, Outcome
from agroal.management.neutral import neutral
from agroal.management.record import Record
from agroal.management.times import microseconds
from agroal.management.verb import Value, Verb
from agroal.management.verbs import named
from agroal.management.wire import Answer, Code, Failure, Request

log = logging.getLogger("agroal.management")

MAY: Final = {Role.MONITOR: (Role.MONITOR,), Role.ADMIN: (Role.MONITOR, Role.ADMIN)}
"""Whose verbs each role may ask for. What is not here is forbidden."""


class Dispatcher:
    """Answers the requests of all connections of one daemon."""

    def __init__(self) -> None:
        self._memory = Memory()

    async def answer(self, request: Request, call: Call) -> Answer:
        """Whatever is asked gets an answer; nothing that is asked gets an exception."""
        call = replace(call, dry_run=request.dry_run)
        try:
            verb = named(request.verb)
            _permit(verb, call)
            args = verb.checked(request.args)
            if verb.read_only or call.dry_run or request.key is None:
                done, repeated = await _outcome(verb, args, call), False
            else:
                order = (verb.name, args)
                done, repeated = await self._memory.once(request.key, order, lambda: _outcome(verb, args, call))
        except ManagementError as error:
            return Answer(request.id, Failure(error.code, str(error)), dry_run=request.dry_run)
        return Answer(request.id, done.outcome, done.took_us, request.dry_run, repeated)

    async def perform(self, name: str, args: Mapping[str, object], call: Call) -> Record:
        """The same for who does not speak the protocol: the result as it is. Raises ManagementError."""
        verb = named(name)
        _permit(verb, call)
        return await _executed(verb, verb.checked(args), call)


def may(role: Role | None, verb: Verb) -> bool:
    """Whether who has this role may ask for this verb; without a role, for none."""
    return role is not None and verb.role in MAY[role]


def _permit(verb: Verb, call: Call) -> None:
    if not may(call.role, verb):
        why = "you may only look" if call.role else "you may nothing"
        raise ManagementError(Code.FORBIDDEN, f"“{verb.name}” is for {verb.role}s: {why}")
    if verb.read_only and call.dry_run:
        raise ManagementError(Code.BAD_ARGUMENT, f"“{verb.name}” changes nothing: it has no dry run")


async def _outcome(verb: Verb, args: dict[str, Value], call: Call) -> Outcome:
    began = call.controls.now()
    outcome: dict[str, object] | Failure
    try:
        outcome = (await _executed(verb, args, call)).to_json()
    except ManagementError as error:
        outcome = Failure(error.code, str(error))
    return Outcome(outcome, microseconds(call.controls.now() - began))


async def _executed(verb: Verb, args: dict[str, Value], call: Call) -> Record:
    """Raises ManagementError, whatever goes wrong."""
    try:
        result: Record = await verb.execute(call, **args)
        if not verb.read_only and not call.dry_run:
            _record(verb, args, result, call)
    except ManagementError:
        raise
    except AgroalError as error:
        raise ManagementError(Code.FAILED, str(error)) from error
    except Exception as error:
        log.exception("management: “%s” failed", verb.name)
        raise ManagementError(Code.INTERNAL, "agroal made a mistake here: its log says which") from error
    return result


def _record(verb: Verb, args: dict[str, Value], result: Record, call: Call) -> None:
    command = verb.command({**args, **verb.shown(result)})
    call.controls.record_command(neutral(call.peer), neutral(command))
