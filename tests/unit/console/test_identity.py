from __future__ import annotations

from dataclasses import replace

import pytest

from agroal.console.face import Face
from agroal.console.identity import FUNCTIONS, IGNORED
from agroal.console.values import data_row
from tests.unit.console.sitting import IDENTITY


def test_each_face_has_its_version() -> None:
    assert IDENTITY.server_version == "0.1.0/agroal"
    assert replace(IDENTITY, face=Face.PGBOUNCER).server_version == "1.25.0/bouncer"


@pytest.mark.parametrize("name", ["server_version", "datestyle", "DateStyle", "search_path", "is_superuser"])
def test_a_setting_is_found_however_it_is_written(name: str) -> None:
    assert IDENTITY.parameter(name) == IDENTITY.parameter(name.upper()) is not None


def test_what_is_no_setting_has_no_value() -> None:
    assert IDENTITY.parameter("idle_timeout") is None


def test_whatever_may_be_set_can_be_shown_but_the_client_alone_decides_on_it() -> None:
    assert all(IDENTITY.parameter(name) is not None for name in IGNORED)
    assert not IGNORED & {"server_version", "in_hot_standby", "is_superuser"}


def test_every_function_has_a_value_of_its_type() -> None:
    for type_, value in FUNCTIONS.values():
        assert data_row([value(IDENTITY)], [type_], [1])
