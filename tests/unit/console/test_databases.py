from __future__ import annotations

from dataclasses import replace

from agroal.console.databases import DATABASES, LISTS, USERS
from agroal.console.table import View
from agroal.management.controls import Alias
from agroal.management.snapshot import Database
from tests.unit.console.sitting import table, view
from tests.unit.management import sample


def test_a_database_and_each_alias_of_it_is_a_row() -> None:
    rows = {row["name"]: row for row in table(DATABASES, view())}
    assert list(rows) == ["shop", "store", "boutique"]
    assert {row["database"] for row in rows.values()} == {"shop"}
    shop = rows["shop"]
    assert (shop["host"], shop["port"], shop["pool_mode"]) == ("127.0.0.1", 5432, "transaction")
    assert (shop["pool_size"], shop["max_connections"], shop["min_pool_size"]) == (1, 1, 0)
    assert (shop["current_connections"], shop["current_client_connections"]) == (1, 2)
    assert rows["store"]["current_client_connections"] == 0


def test_a_database_without_a_line_may_have_all_connections() -> None:
    other = replace(sample.POOL, database="other")
    row = next(row for row in table(DATABASES, view(pools=(other,))) if row["name"] == "other")
    assert row["pool_size"] == 100


def test_several_lines_of_a_database_add_up() -> None:
    on = view()
    limits = (Alias("shop", (), "web", 3, 0, 1), Alias("shop", (), "app", 4, 0, 2))
    [row] = table(DATABASES, View(on.face, on.snapshot, on.rates, on.settings, limits))
    assert (row["pool_size"], row["min_pool_size"]) == (7, 3)


def test_the_lifetime_of_servers_is_in_seconds() -> None:
    on = view()
    age = replace(sample.BLOCKING_TIMEOUT, key="max_connection_age", value="1h")
    rows = table(DATABASES, View(on.face, on.snapshot, on.rates, (age,), on.limits))
    assert {row["server_lifetime"] for row in rows} == {3600}


def test_what_is_paused_or_disabled() -> None:
    def flags(*databases: Database) -> tuple[object, object]:
        row = table(DATABASES, view(databases=databases))[0]
        return row["paused"], row["disabled"]

    assert flags() == (0, 0)
    assert flags(Database("shop", False)) == (0, 1)
    assert flags(Database("shop", True, paused=True)) == (1, 0)
    assert flags(Database("all", False, paused=True)) == (1, 1)
    assert flags(Database("all", False, paused=True), Database("shop", True)) == (0, 0)


def test_pools_in_different_pipelines_have_no_mode_in_common() -> None:
    pools = (sample.POOL, replace(sample.POOL, user="app", pipeline="session"))
    assert table(DATABASES, view(pools=pools))[0]["pool_mode"] is None


def test_users_are_those_of_the_files_of_pools_and_of_clients() -> None:
    eve = replace(sample.CLIENT, id=9, user="eve")
    rows = {row["name"]: row for row in table(USERS, view(clients=(sample.CLIENT, eve)))}
    assert list(rows) == ["web", "eve"]
    web = rows["web"]
    assert (web["pool_size"], web["max_user_connections"], web["current_connections"]) == ("1", 1, 1)
    assert (rows["eve"]["pool_size"], rows["eve"]["current_client_connections"]) == ("", 1)


def test_lists_count() -> None:
    rows = {row["list"]: row["items"] for row in table(LISTS, view())}
    assert (rows["databases"], rows["users"], rows["pools"]) == (3, 1, 1)
    assert (rows["used_clients"], rows["free_clients"], rows["login_clients"]) == (2, 998, 0)
    assert (rows["used_servers"], rows["free_servers"], rows["dns_names"]) == (1, 99, 0)
