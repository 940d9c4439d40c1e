from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from agroal.doctor.check import Check, Grade, Needs, Symptom, apply
from agroal.doctor.checks import CHECKS
from agroal.doctor.patient import Patient
from tests.unit.doctor.patients import patient


def made(symptoms: Iterable[Symptom] = (), needs: Needs = Needs.NOTHING) -> Check:
    return Check("id", "All is well", Grade.WRONG, "Mend it.", needs, lambda _: symptoms)


def test_a_check_that_tells_nothing_is_well() -> None:
    assert apply(made(), patient()).grade is Grade.WELL


def test_a_symptom_has_the_grade_and_the_advice_of_its_check_unless_it_says_otherwise() -> None:
    outcome = apply(made([Symptom("a"), Symptom("b", "Wait.", Grade.ADVICE)]), patient())
    assert [(f.grade, f.text, f.advice) for f in outcome.findings] == [
        (Grade.WRONG, "a", "Mend it."),
        (Grade.ADVICE, "b", "Wait."),
    ]
    assert outcome.grade is Grade.WRONG


@pytest.mark.parametrize(
    ("needs", "of"),
    [
        (Needs.CONFIGURATION, replace(patient(), configuration=None)),
        (Needs.SECRETS, replace(patient(), secrets=None)),
        (Needs.REACHED, patient(seen={"unreachable": "no"})),
        (Needs.POSTGRESQL, patient(seen={"facts": None})),
        (Needs.DAEMON, patient()),
    ],
    ids=lambda value: value.name if isinstance(value, Needs) else "",
)
def test_what_can_not_be_looked_at_is_not_checked(needs: Needs, of: Patient) -> None:
    outcome = apply(made([Symptom("never told")], needs), of)
    assert [(f.grade, f.text) for f in outcome.findings] == [(Grade.UNKNOWN, needs.value)]


def test_every_check_is_declared_once_and_says_what_to_do() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert [check.id for check in CHECKS if not (check.looks_at and check.advice)] == []
    assert {check.grade for check in CHECKS} <= {Grade.WRONG, Grade.ADVICE}


def test_who_is_well_has_no_finding_but_that_no_agroal_is_running() -> None:
    findings = [finding for check in CHECKS for finding in apply(check, patient()).findings]
    assert {finding.text for finding in findings} == {Needs.DAEMON.value}


def test_of_who_has_no_configuration_only_that_is_told() -> None:
    ill = Patient("/etc/agroal/agroal.conf", 0.0, problems=("agroal.conf: no such file",))
    results = [apply(check, ill) for check in CHECKS]
    assert [r.check.id for r in results if r.grade is Grade.WRONG] == ["configuration"]
    assert all(r.grade in (Grade.UNKNOWN, Grade.WELL) for r in results[1:])
