"""Examines an agroal: everything that takes a socket, a file or a clock happens here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from agroal.config.load import load, locate
from agroal.config.model import Configuration
from agroal.daemon.encryption import Encryption
from agroal.daemon.files import Secrets, read_secrets
from agroal.doctor import place
from agroal.doctor.patient import Patient, Seen
from agroal.doctor.visit import Step, Visit
from agroal.errors import AgroalError, ConfigurationError
from agroal.net.chosen import Pump

PATIENCE = 2.0
"""Seconds after which it is said what takes so long."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where the files are, as the command line has it."""

    flags: Mapping[str, Path | None]
    directory: Path | None
    environment: Mapping[str, str]


async def examine(where: Where, say: Callable[[str], object]) -> Patient:
    """`say` hears of steps that take long. Never raises."""
    progress = Progress(say)
    try:
        return await _examine(where, progress.step)
    finally:
        progress.over()


class Progress:
    """Tells of a step when it takes longer than PATIENCE."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._timer: asyncio.TimerHandle | None = None

    def step(self, what: str) -> None:
        """This is done from now on."""
        self.over()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._say, what)

    def over(self) -> None:
        if self._timer:
            self._timer.cancel()


async def _examine(where: Where, step: Step) -> Patient:
    files = locate(where.flags, where.directory, where.environment)
    patient = Patient(str(files.main), time.time(), descriptors=place.descriptors())
    try:
        configuration = load(files, where.environment)
        encryption = Encryption.of(configuration)
    except ConfigurationError as error:
        return replace(patient, problems=tuple(map(str, error.problems)))
    step("looking at this machine")
    secrets, problem = _secrets(configuration, where.environment)
    loop = asyncio.get_running_loop()
    daemon, silence = await loop.run_in_executor(None, place.daemon, configuration.settings)
    patient = replace(
        patient,
        configuration=configuration,
        secrets=secrets,
        secrets_problem=problem,
        files=tuple(place.files(configuration, where.environment)),
        listening=tuple(await loop.run_in_executor(None, lambda: list(place.listening(configuration.settings)))),
        certificates=tuple(place.certificates(configuration)),
        weak_ciphers=tuple(place.weak_ciphers(configuration.settings)),
        daemon=daemon,
        silence=silence,
    )
    return replace(patient, servers=await _visit(patient, configuration, encryption, step))


async def _visit(
    patient: Patient, configuration: Configuration, encryption: Encryption, step: Step
) -> tuple[Seen, ...]:
    loop, pump = asyncio.get_running_loop(), Pump()
    loop.add_reader(pump.fileno(), pump.turn)
    slots = patient.daemon.slots if patient.daemon else ()
    secrets = patient.secrets or Secrets()
    try:
        visits = [
            Visit(
                pump,
                encryption.routes[server.name],
                server,
                configuration,
                secrets,
                sum(slot.server == server.name for slot in slots),
                step,
            )
            for server in configuration.servers
        ]
        return tuple(await asyncio.gather(*(visit.see() for visit in visits)))
    finally:
        loop.remove_reader(pump.fileno())
        pump.close()


def _secrets(configuration: Configuration, environment: Mapping[str, str]) -> tuple[Secrets | None, str]:
    try:
        return read_secrets(configuration, environment), ""
    except AgroalError as error:
        return None, str(error)
