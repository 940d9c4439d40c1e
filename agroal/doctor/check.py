"""How a check is declared: once, with what it looks at, how grave it is, and what to do.

A check is given a patient and tells symptoms. It opens nothing, asks nobody and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from agroal.config.model import Configuration
from agroal.doctor.patient import Facts, Patient, Seen


class Grade(StrEnum):
    """The gravest of a check's findings is its result."""

    WELL = "well"
    UNKNOWN = "not checked"
    ADVICE = "advice"
    WRONG = "wrong"


class Needs(StrEnum):
    """What has to be there for a check to look."""

    NOTHING = ""
    CONFIGURATION = "the configuration can't be loaded"
    SECRETS = "the files of users can't be read"
    REACHED = "PostgreSQL can't be reached, or the files of users can't be read"
    POSTGRESQL = "nobody could log in to PostgreSQL and ask it"
    DAEMON = "no agroal is running with this configuration"


@dataclass(frozen=True, slots=True)
class Symptom:
    """Something that is not as it should be."""

    text: str
    advice: str = ""
    """Where it is not the check's."""
    grade: Grade | None = None
    """Where it is not the check's."""


@dataclass(frozen=True, slots=True)
class Check:
    id: str
    looks_at: str
    grade: Grade
    advice: str
    needs: Needs
    look: Callable[[Patient], Iterable[Symptom]]


@dataclass(frozen=True, slots=True)
class Finding:
    check: Check
    grade: Grade
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one check came to."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def grade(self) -> Grade:
        return max((finding.grade for finding in self.findings), key=list(Grade).index, default=Grade.WELL)


def apply(check: Check, patient: Patient) -> Result:
    """Look, if there is something to look at."""
    if missing := _missing(check.needs, patient):
        return Result(check, (Finding(check, Grade.UNKNOWN, missing, ""),))
    return Result(
        check,
        tuple(
            Finding(check, symptom.grade or check.grade, symptom.text, symptom.advice or check.advice)
            for symptom in check.look(patient)
        ),
    )


def configured(patient: Patient) -> Configuration:
    assert patient.configuration, "the check is declared to need it"
    return patient.configuration


def told(patient: Patient) -> tuple[Seen, Facts]:
    """The primary, and what it says of itself."""
    assert patient.primary
    assert patient.facts, "the check is declared to need it"
    return patient.primary, patient.facts


def _missing(needs: Needs, patient: Patient) -> str:
    match needs:
        case Needs.NOTHING:
            there = True
        case Needs.DAEMON:
            there = patient.daemon is not None
        case Needs.CONFIGURATION:
            there = patient.configuration is not None
        case Needs.SECRETS:
            there = patient.configuration is not None and patient.secrets is not None
        case Needs.REACHED:
            there = patient.secrets is not None and any(seen.reached for seen in patient.servers)
        case Needs.POSTGRESQL:
            there = patient.facts is not None
    return "" if there else needs.value
