"""From the bytes of one request to its answer: the only place that decides whether a verb is executed."""

from __future__ import annotations

import logging

from agroal.errors import AgroalError, ManagementError
from agroal.management.controls import Call, Role
from agroal.management.verb import Verb
from agroal.management.verbs import named
from agroal.management.wire import Answer, BadRequest, Code, Failure, Request, decode_request

log = logging.getLogger("agroal.management")


async def answer(body: bytes, call: Call) -> Answer:
    """Whatever arrives gets an answer; nothing that arrives gets an exception."""
    try:
        request = decode_request(body)
    except BadRequest as error:
        return Answer(error.id, Failure(error.code, str(error)))
    return Answer(request.id, await _outcome(request, call))


async def _outcome(request: Request, call: Call) -> dict[str, object] | Failure:
    try:
        verb = named(request.verb)
        _permit(verb, call.role)
        args = verb.checked(request.args)
        if not verb.read_only:
            log.info("management: %s %s", verb.name, args or "")
        return (await verb.execute(call, **args)).to_json()
    except ManagementError as error:
        return Failure(error.code, str(error))
    except AgroalError as error:
        return Failure(Code.FAILED, str(error))
    except Exception:
        log.exception("management: %a failed", request.verb)
        return Failure(Code.INTERNAL, "agroal made a mistake here: its log says which")


def _permit(verb: Verb, role: Role) -> None:
    if verb.role is not Role.MONITOR and role is not Role.ADMIN:
        raise ManagementError(Code.FORBIDDEN, f"“{verb.name}” is for admins: you may only look")
