"""Settings in the start-up packet itself: each holds for its client, as it would without a pool."""

from __future__ import annotations

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database, Login
from tests.integration.waiting import wait_until


@pytest.fixture(scope="module")
def alone(database: Database) -> Login:
    """Its clients have one server, one after the other."""
    return database.role("alone")


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, alone: Login) -> Agroal:
    return module_agroal(database, hba=TRUSTING, limits=f"all {alone.name} 1\n")


def shown(pool: Agroal, login: Login, name: str, **parameters: str) -> str:
    """The setting as the client sees it that comes with these parameters."""
    with Guest(pool, login, **parameters) as client:
        [value] = client.enter().query(f"SELECT coalesce(current_setting('{name}', true), '')")
        client.terminate()
    wait_until(lambda: not pool.snapshot().clients, "the server is free")
    return value


@pytest.mark.parametrize(
    ("name", "value", "canonical"),
    [
        ("extra_float_digits", "3", "3"),  # every JDBC client sends it
        ("search_path", '"$user", x', '"$user", x'),
        ("statement_timeout", "60000", "1min"),
        ("DateStyle", "ISO", "ISO, MDY"),
        ("TimeZone", "Europe/Rome", "Europe/Rome"),
        ("client_encoding", "utf-8", "UTF8"),
        ("our.own", "made up", "made up"),
    ],
)
def test_s10_a_setting_holds_for_its_client_and_not_for_the_next(
    pool: Agroal, alone: Login, name: str, value: str, canonical: str
) -> None:
    before = shown(pool, alone, name)
    assert shown(pool, alone, name, **{name: value}) == canonical
    assert shown(pool, alone, name) == before


def test_s10_a_setting_that_does_not_exist_is_refused_in_postgresqls_words(pool: Agroal, alone: Login) -> None:
    with Guest(pool, alone, no_such_setting="1") as client, pytest.raises(Refused) as refused:
        client.enter()
    assert refused.value.sqlstate == "42704"
    assert str(refused.value) == 'unrecognized configuration parameter "no_such_setting"'


@pytest.mark.parametrize("name", ["", "a name", "x" * 63])
def test_s11_the_name_of_an_application_may_be_empty(pool: Agroal, alone: Login, name: str) -> None:
    assert shown(pool, alone, "application_name", application_name=name) == name


def test_s11_a_value_that_the_server_spells_otherwise_is_given_once(pool: Agroal, alone: Login) -> None:
    with Guest(pool, alone, DateStyle="ISO", application_name="once") as client:
        client.enter()
        for _ in range(3):
            assert client.query("SELECT 1") == ["1"]
        [given] = client.query("SELECT setting FROM pg_settings WHERE name = 'DateStyle'")
        assert given == "ISO, MDY"
        client.terminate()
