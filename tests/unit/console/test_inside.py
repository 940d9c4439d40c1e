from __future__ import annotations

from dataclasses import replace

from agroal.config.settings import KEYS
from agroal.console.face import Face
from agroal.console.inside import CONFIG, EQUIVALENTS, MEM, STATE, VERSION
from agroal.management.snapshot import Database
from tests.unit.console.sitting import RESIDENT, table, view
from tests.unit.management import sample


def test_agroal_shows_its_own_keys() -> None:
    first, second, _ = table(CONFIG, view(Face.AGROAL))
    assert (first["key"], first["value"], first["default"], first["changeable"]) == (
        *("blocking_timeout", "10s", "30s", "yes"),
    )
    assert (first["origin"], second["pending"], second["changeable"]) == ("agroal.conf:7", "200", "no")


def test_pgbouncers_keys_come_first_under_its_name() -> None:
    rows = {row["key"]: row["value"] for row in table(CONFIG, view())}
    assert (rows["query_wait_timeout"], rows["blocking_timeout"]) == ("10", "10s")
    assert (rows["default_pool_size"], rows["max_db_connections"]) == ("100", "100")
    assert (rows["max_client_conn"], rows["max_user_connections"]) == ("1000", "0")


def test_every_equivalent_is_a_key_and_no_key_has_its_name() -> None:
    known = {key.name for key in KEYS}
    assert {*EQUIVALENTS.values()} <= known
    assert not EQUIVALENTS.keys() & known


def test_the_version_says_who_shows_it() -> None:
    assert table(VERSION, view(Face.AGROAL)) == [{"version": "agroal 0.1.0"}]
    assert table(VERSION, view()) == [{"version": "PgBouncer 1.25.0 (as shown by agroal 0.1.0)"}]


def test_the_state_is_that_of_all_databases() -> None:
    def state(*databases: Database) -> dict[object, object]:
        return {row["key"]: row["value"] for row in table(STATE, view(databases=databases))}

    assert state() == {"active": "yes", "paused": "no", "suspended": "no"}
    assert state(Database("shop", True, paused=True))["paused"] == "no"
    assert state(Database("all", True, paused=True)) == {"active": "no", "paused": "yes", "suspended": "no"}


def test_memory_is_the_process_and_what_it_is_for() -> None:
    rows = {row["name"]: row for row in table(MEM, view())}
    assert rows["resident_pages"]["memtotal"] == RESIDENT
    assert (rows["client"]["used"], rows["client"]["free"]) == (2, 998)
    assert (rows["slot"]["used"], rows["slot"]["free"]) == (1, 99)


def test_a_default_that_follows_from_others_is_no_number_of_seconds() -> None:
    on = view()
    nothing = replace(sample.BLOCKING_TIMEOUT, default="")
    rows = {row["key"]: row["default"] for row in table(CONFIG, replace(on, settings=(nothing,)))}
    assert rows["query_wait_timeout"] == ""
