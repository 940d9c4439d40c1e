from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config import ini
from agroal.config.hba import read_hba
from agroal.config.limits import read_limits
from agroal.config.model import Name
from agroal.config.report import Report
from agroal.importing.draft import Draft, Limit, Server, name_column

NAMES = st.text(st.characters(exclude_characters="\n\0", exclude_categories=("Cs",)), min_size=1)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_value_that_is_put_in_comes_out_again_or_is_refused(value: str) -> None:
    draft = Draft()
    try:
        draft.put("health_check_user", value)
    except ValueError as error:
        assert "expected" in str(error)  # noqa: PT017
        return
    report = Report("")
    (section,) = ini.parse(f"[agroal]\n{draft.settings['health_check_user'].text}\n", report)
    assert report.problems == []
    assert [entry.value for entry in section.entries] == [value]


def test_what_a_key_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to 65535"):
        Draft().put("port", "0")
    with pytest.raises(ValueError, match="disable, allow"):
        Server("primary").put("tls", "perhaps")


def test_variables_are_those_of_the_environment() -> None:
    Draft(environment={"HOME": "/root"}).put("log_path", "$HOME/x.log")
    with pytest.raises(ValueError, match="environment variable HOME"):
        Draft().put("log_path", "$HOME/x.log")


@given(
    st.lists(NAMES.filter(lambda name: name != "all"), min_size=1, unique=True), st.integers(1, 99), st.integers(0, 9)
)
def test_a_limit_is_read_as_it_was_meant(names: list[str], size: int, least: int) -> None:
    database, user, *aliases = (*names, "user")
    limit = Limit(database, user, size, min(least, size), aliases[:-1][:8] if len(names) > 1 else [])
    report = Report("")
    (read,) = read_limits(limit.line().text, report, 10_000)
    assert report.problems == []
    assert (read.database, read.user, read.max_size) == (database, user, size)
    assert (read.initial_size, read.min_size) == (limit.least, limit.least)
    assert list(read.aliases) == limit.aliases


@given(st.lists(NAMES, min_size=1))
def test_names_in_the_hba_file_are_names_whatever_they_look_like(names: list[str]) -> None:
    report = Report("")
    (line,) = read_hba(f"local {name_column(names)} all trust", report, tls=False)
    assert line.databases == tuple(map(Name, names))


def test_nobody_named_is_everybody() -> None:
    assert name_column([]) == "all"


def test_files_of_users_are_there_only_with_somebody_in_them() -> None:
    draft = Draft(users={"ann": "pencil"}, admins={"adm": "x"})
    assert list(draft.vaults) == ["_users", "_admins"]
    assert "pencil" not in repr(draft)
