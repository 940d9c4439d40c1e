from __future__ import annotations

from agroal.importing.findings import Finding, Findings, Outcome, Place


def test_the_same_is_found_once() -> None:
    findings = Findings()
    for _ in range(2):
        findings.human(Place("a.ini", 3), "x = 1", "look")
    findings.add(Outcome.TAKEN, Place("a.ini"), "y = 2", became="z = 2")
    assert findings.all == [
        Finding(Outcome.HUMAN, Place("a.ini", 3), "x = 1", "", "look"),
        Finding(Outcome.TAKEN, Place("a.ini"), "y = 2", "z = 2"),
    ]
    assert list(findings.of(Outcome.TAKEN)) == findings.all[1:]


def test_a_place_is_a_line_or_a_file() -> None:
    assert (str(Place("a.ini", 3)), str(Place("a.ini"))) == ("a.ini:3", "a.ini")
