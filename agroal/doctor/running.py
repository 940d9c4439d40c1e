"""Checks of the agroal that is running, if one is: from its own snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.doctor.check import Check, Grade, Needs, Symptom
from agroal.doctor.patient import Patient
from agroal.management.snapshot import Snapshot
from agroal.management.times import duration

_LONG = 1_000_000
"""Microseconds that a client may wait without a word about it."""


def _silent(patient: Patient) -> Iterator[Symptom]:
    taken = [place.where for place in patient.listening if place.taken]
    if patient.daemon is None and taken:
        yield Symptom(f"something listens on {', '.join(taken)}, and no agroal answers: {patient.silence}")


def _waits(patient: Patient) -> Iterator[Symptom]:
    picture = _picture(patient)
    for waiter in picture.waiters:
        waited = picture.mono_us - waiter.since_us
        if waited > _LONG and waiter.position == 1:
            text = f"{waiter.user} has been waiting for {waiter.database} for {duration(waited)}: {waiter.reason}"
            yield Symptom(text)
    for pool in picture.pools:
        if pool.timeouts:
            text = f"{pool.timeouts} clients of {pool.user} waited for {pool.database} in vain, until blocking_timeout"
            yield Symptom(text, grade=Grade.ADVICE)
        elif pool.max and pool.active == pool.max:
            text = f"all {pool.max} connections of {pool.database}/{pool.user} are in use"
            yield Symptom(text, grade=Grade.ADVICE)


def _servers(patient: Patient) -> Iterator[Symptom]:
    picture = _picture(patient)
    for server in picture.servers:
        if server.state == "down":
            yield Symptom(f"agroal finds {server.name} down: {server.error or 'no reason is known'}")
    for pool in picture.pools:
        if pool.error:
            yield Symptom(f"agroal can't open connections for {pool.database}/{pool.user}: {pool.error}")


def _pending(patient: Patient) -> Iterator[Symptom]:
    if waiting := _picture(patient).configuration.pending_restart:
        yield Symptom(f"new values wait for a restart: {', '.join(waiting)}")


def _refused(patient: Patient) -> Iterator[Symptom]:
    for failure in _picture(patient).authentication_failures[:5]:
        who = f"{failure.user} from {failure.address} to {failure.database}"
        yield Symptom(f"refused {failure.count} times: {who}: {failure.error}")


def _picture(patient: Patient) -> Snapshot:
    assert patient.daemon, "the check is declared to need it"
    return patient.daemon


CHECKS = (
    Check(
        "daemon",
        "Who listens where agroal is to listen is an agroal that answers",
        Grade.WRONG,
        "Stop the other program; agroal-cli ping asks once more.",
        Needs.CONFIGURATION,
        _silent,
    ),
    Check(
        "waits",
        "No client waits for long, and none waited in vain",
        Grade.WRONG,
        "agroal-top shows who has the connections. Raise the limit, or use pipeline = transaction.",
        Needs.DAEMON,
        _waits,
    ),
    Check(
        "pools",
        "The running agroal can open connections",
        Grade.WRONG,
        "See the checks of PostgreSQL above.",
        Needs.DAEMON,
        _servers,
    ),
    Check(
        "restart",
        "The running agroal has all that the files say",
        Grade.ADVICE,
        "Restart it when that suits.",
        Needs.DAEMON,
        _pending,
    ),
    Check(
        "refusals",
        "Nobody is refused again and again",
        Grade.ADVICE,
        "Correct the client, or the hba file.",
        Needs.DAEMON,
        _refused,
    ),
)
