from __future__ import annotations

from pathlib import Path

import pytest

from agroal.config.hba import read_hba
from agroal.config.model import Files, Settings
from agroal.config.remote import check_remote, is_about_admins
from agroal.config.report import Report

SOME = "host admin ops all scram-sha-256\n"


def said(
    hba: str, *, admins: bool = True, management: int = 2346, metrics: int = 0, host: str = "*", tls: bool = True
) -> list[str]:
    """All that is said of it; what keeps agroal from starting begins with “!”."""
    files = Files(Path("m"), Path("h"), admins=Path("a") if admins else None)
    main, lines = Report("m"), Report("h")
    read = read_hba(hba, Report("h"), tls=True, certificates=True)
    settings = Settings(
        host=host, port=2345, unix_socket_dir=Path("/tmp"), management=management, metrics=metrics, tls=tls
    )
    check_remote(settings, read, files, main, lines)
    return [
        mark + str(one)
        for report in (main, lines)
        for mark, ones in (("!", report.problems), ("", report.notices))
        for one in ones
    ]


@pytest.mark.parametrize("method", ["scram-sha-256", "reject", "cert"])
def test_what_is_strong_is_taken(method: str) -> None:
    assert said(f"hostssl admin ops all {method}\n") == []


@pytest.mark.parametrize("method", ["trust", "password", "md5", "all"])
@pytest.mark.parametrize("database", ["admin", "shop,admin", '"admin"', "all,admin"])
def test_what_is_weak_is_refused(method: str, database: str) -> None:
    assert said(f"# a comment\nhost {database} ops all {method}\n") == [
        f"!h:2: METHOD: {method} is too weak for admin, remote management; expected scram-sha-256, cert or reject"
    ]


def test_lines_about_other_databases_may_be_weak_and_let_nobody_administer() -> None:
    assert said("host all all all trust\nhost adminx all all md5\nlocal admin all trust\n" + SOME) == []
    (notice,) = said("host all all all trust\nlocal admin all trust\n")
    assert notice == "h: no line names the database admin: nobody can come in at the management port"


@pytest.mark.parametrize(
    ("hba", "is_one"),
    [
        ("host admin all all reject", True),
        ("hostnossl shop,admin all all reject", True),
        ("host all all all reject", False),
        ("host replication,sameuser all all reject", False),
        ('host "all" all all reject', False),
        ("local admin all reject", False),
    ],
)
def test_a_line_is_about_admins_when_it_names_them(hba: str, is_one: bool) -> None:
    (line,) = read_hba(hba, Report("h"), tls=False)
    assert is_about_admins(line) is is_one


def test_without_an_admins_file_nobody_can_come_in() -> None:
    assert said(SOME, admins=False) == ["m: management: nobody can use it: there is no admins file (-A)"]


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        ("*", True),
        ("10.0.0.1", True),
        ("pool.example.org", True),
        ("localhost", False),
        ("127.0.0.9", False),
        ("::1", False),
    ],
)
def test_without_tls_what_crosses_the_network_can_be_read(host: str, warned: bool) -> None:
    notice = "m: management: tls is off: what admins ask and are told crosses the network unencrypted"
    assert said(SOME, host=host, tls=False) == ([notice] if warned else [])


@pytest.mark.parametrize("ports", [{"management": 2345}, {"management": 9187, "metrics": 9187}])
def test_it_has_a_port_of_its_own(ports: dict[str, int]) -> None:
    (problem,) = said(SOME, **ports)
    assert problem.endswith("is another port of agroal's already; expected one of its own")


def test_where_there_is_no_remote_management_nothing_is_said() -> None:
    assert said("host admin all all trust\n", management=0, admins=False, tls=False) == []
