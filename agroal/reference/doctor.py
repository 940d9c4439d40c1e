"""The doctor's checks, as they are declared."""

from __future__ import annotations

from agroal.doctor.check import Grade
from agroal.doctor.checks import CHECKS
from agroal.doctor.visit import MOST_LOGINS, SECONDS
from agroal.reference.page import Blocks, Code, Heading, Table, Text, literal, sentence

SUMMARY = "Says what is wrong with the files, this machine and PostgreSQL, and what to do; starts and changes nothing."

INTRODUCTION: Blocks = (
    Text(
        "`agroal doctor` looks at everything that agroal needs, says what is wrong and what to do about it, and "
        "changes nothing. It may be run before the first start, beside a running daemon, and while PostgreSQL is "
        "down: what can't be looked at then is named, and the rest is done."
    ),
    Code("agroal doctor -D /etc/agroal\nagroal doctor -D /etc/agroal --format json | jq .status"),
    Text(
        f"It logs in to PostgreSQL as each user whose password is in the files (the first {MOST_LOGINS}), as agroal "
        f"would, and asks. Each step has {SECONDS:g} s; one that takes longer than two is named on standard error."
    ),
    Text("Exit status: 0 when all is well, with advice or without; 1 when something is wrong; 2 for wrong usage."),
)


def page() -> Blocks:
    """docs/doctor.md"""
    return (*INTRODUCTION, Heading("Checks"), checks(), Heading("For programs"), *PROGRAMS)


def checks() -> Table:
    rows = tuple(
        (literal(check.id), sentence(check.looks_at), str(check.grade), sentence(check.advice)) for check in CHECKS
    )
    return Table(("check", "looks whether", "else it is", "and the advice"), rows)


PROGRAMS: Blocks = (
    Text(
        "With `--format json` one object is printed: `format` (1), `files` (the main file), `status` (`well` or "
        "`wrong`), and `checks`. Each check has `id`, `looks_at`, `result` and `findings`; each finding `grade`, "
        "`text` and `advice`."
    ),
    Table(
        ("grade", "means"),
        (
            (literal(Grade.WELL), "Nothing was found."),
            (literal(Grade.UNKNOWN), "What the check needs could not be had; the finding says what."),
            (literal(Grade.ADVICE), "It works, and could be better."),
            (literal(Grade.WRONG), "It does not work, or is not safe."),
        ),
    ),
)
