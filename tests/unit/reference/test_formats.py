from __future__ import annotations

from agroal.config.hba import KEYWORDS, read_hba
from agroal.config.ident import read_ident
from agroal.config.limits import read_limits
from agroal.config.model import HbaType, Method, Scope
from agroal.config.report import Report
from agroal.reference.formats import (
    DATABASES,
    DATABASES_EXAMPLE,
    HBA,
    HBA_EXAMPLE,
    IDENT,
    IDENT_EXAMPLE,
    METHODS,
    SCOPES,
    TYPES,
    USERS,
    USERS_EXAMPLE,
)
from agroal.reference.page import Blocks, Code
from agroal.reference.programs import programs


def shown(blocks: Blocks) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Code)]


def test_every_word_of_the_hba_file_is_explained() -> None:
    assert set(TYPES) == set(HbaType)
    assert set(SCOPES) == set(Scope)
    assert set(METHODS) == set(Method)
    assert all(f"`{word}`" in str(HBA) for word in KEYWORDS)


def test_the_hba_example_is_read_without_a_word() -> None:
    report = Report("example")
    assert len(read_hba(HBA_EXAMPLE, report, tls=False)) == 4
    assert (report.problems, report.notices) == ([], [])
    assert shown(HBA) == [HBA_EXAMPLE]


def test_the_ident_example_is_read_without_a_word() -> None:
    report = Report("example")
    assert [line.map for line in read_ident(IDENT_EXAMPLE, report)] == ["apps", "apps"]
    assert (report.problems, report.notices) == ([], [])
    assert shown(IDENT) == [IDENT_EXAMPLE]


def test_the_databases_example_is_read_without_a_word() -> None:
    report = Report("example")
    lines = read_limits(DATABASES_EXAMPLE, report, max_connections=100)
    assert [line.max_size for line in lines] == [30, 5, 5, 10, 50]
    assert (report.problems, report.notices) == ([], [])
    assert shown(DATABASES) == [DATABASES_EXAMPLE]


def test_the_users_example_uses_commands_that_there_are() -> None:
    names = [command.name for command in programs()[2].commands]
    for line in USERS_EXAMPLE.splitlines():
        assert line.startswith("agroal-admin ")
        assert line.endswith(tuple(names))
    assert shown(USERS) == [USERS_EXAMPLE]
