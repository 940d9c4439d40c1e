from __future__ import annotations

import re

from agroal.doctor.check import Grade
from agroal.doctor.checks import CHECKS
from agroal.reference.doctor import page
from agroal.reference.markdown import markdown

PAGE = markdown("agroal doctor", page())


def test_every_check_has_a_row_with_what_to_do() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [(name, grade) for name, _, grade, _ in rows] == [(check.id, check.grade) for check in CHECKS]


def test_every_grade_is_explained() -> None:
    assert all(f"| `{grade}` |" in PAGE for grade in Grade)
