"""`agroal doctor`: examine, apply every check, and tell people or programs.

Exit status: 0 all is well (there may be advice), 1 something is wrong.

With `--format json` one object is printed: `format` (1), `files`, `status` (`well` or `wrong`), and `checks`, each with
`id`, `looks_at`, `result` (`well`, `advice`, `wrong` or `not checked`) and `findings`, which have `grade`, `text` and
`advice`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agroal.doctor.check import Grade, Result, apply
from agroal.doctor.checks import CHECKS
from agroal.doctor.examine import Where, examine
from agroal.doctor.patient import Patient
from agroal.management.neutral import neutral

WELL, WRONG = 0, 1

_WIDTH = max(len(check.id) for check in CHECKS)


def run(
    flags: Mapping[str, Path | None], directory: Path | None, environment: Mapping[str, str], *, as_json: bool = False
) -> int:
    """The exit status."""

    def say(step: str) -> None:
        sys.stderr.write(f"agroal doctor: {neutral(step)} …\n")

    patient = asyncio.run(examine(Where(flags, directory, environment), say))
    results = [apply(check, patient) for check in CHECKS]
    if as_json:
        print(json.dumps(document(patient, results)))
    else:
        print("\n".join(lines(patient, results)))
    return WRONG if any(result.grade is Grade.WRONG for result in results) else WELL


def lines(patient: Patient, results: Sequence[Result]) -> Iterator[str]:
    """For people: what is well in a line, what is not with what to do."""
    yield f"agroal doctor: {neutral(patient.directory)}"
    for result in results:
        if not result.findings:
            yield f"  well     {result.check.id:<{_WIDTH}}  {result.check.looks_at}"
        last = ""
        for finding in result.findings:
            mark = "?" if finding.grade is Grade.UNKNOWN else finding.grade
            yield f"  {mark:<7}  {result.check.id:<{_WIDTH}}  {neutral(finding.text)}"
            if finding.advice and finding.advice != last:
                yield f"           {'':<{_WIDTH}}  → {neutral(finding.advice)}"
            last = finding.advice
    grades = [finding.grade for result in results for finding in result.findings]
    wrong, advice, unknown = (grades.count(grade) for grade in (Grade.WRONG, Grade.ADVICE, Grade.UNKNOWN))
    verdict = "all is well" if not wrong else f"{wrong} wrong"
    yield f"{verdict}, {advice} with advice, {unknown} not checked"


def document(patient: Patient, results: Sequence[Result]) -> dict[str, object]:
    """For programs."""
    wrong = any(result.grade is Grade.WRONG for result in results)
    return {
        "format": 1,
        "files": patient.directory,
        "status": "wrong" if wrong else "well",
        "checks": [
            {
                "id": result.check.id,
                "looks_at": result.check.looks_at,
                "result": result.grade,
                "findings": [
                    {"grade": finding.grade, "text": finding.text, "advice": finding.advice}
                    for finding in result.findings
                ],
            }
            for result in results
        ],
    }
