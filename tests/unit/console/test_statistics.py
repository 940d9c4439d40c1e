from __future__ import annotations

from dataclasses import replace

from agroal.console.averages import Rates, Totals
from agroal.console.statistics import STATS, STATS_AVERAGES, STATS_TOTALS, TOTALS
from agroal.console.table import View
from tests.unit.console.sitting import table, view
from tests.unit.management import sample

GAINED = Totals(
    assignments=10,
    transactions=20,
    queries=40,
    received=1000,
    sent=2000,
    transaction_us=8_000,
    query_us=4_000,
    wait_us=50,
)


def busy() -> View:
    """Ten seconds in which GAINED was added; and a database that is idle."""
    pools = (sample.POOL, replace(sample.POOL, database="billing", queries=1))
    return replace(view(pools=pools), rates=Rates(10_000_000, {"shop": GAINED}))


def test_totals_by_database() -> None:
    billing, shop = table(STATS_TOTALS, busy())
    assert (billing["database"], billing["query_count"]) == ("billing", 1)
    assert shop == {
        "database": "shop",
        "server_assignment_count": 1,
        "xact_count": 40,
        "query_count": 41,
        "bytes_received": 1_200,
        "bytes_sent": 98_000,
        "xact_time": 11_400,
        "query_time": 9_150,
        "wait_time": 250_000,
        "client_parse_count": 0,
        "server_parse_count": 0,
        "bind_count": 0,
        "client_login_count": 0,
    }


def test_averages_are_per_second_and_times_are_those_of_one() -> None:
    billing, shop = table(STATS_AVERAGES, busy())
    assert (billing["query_count"], billing["query_time"]) == (0, 0)
    assert (shop["server_assignment_count"], shop["xact_count"], shop["query_count"]) == (1, 2, 4)
    assert (shop["bytes_received"], shop["bytes_sent"]) == (100, 200)
    assert (shop["xact_time"], shop["query_time"], shop["wait_time"]) == (400, 100, 5)


def test_both_together() -> None:
    _, shop = table(STATS, busy())
    assert (shop["total_query_count"], shop["avg_query_count"], shop["avg_recv"]) == (41, 4, 100)
    assert (shop["total_received"], shop["total_wait_time"], shop["avg_wait_time"]) == (1_200, 250_000, 5)


def test_all_databases_together() -> None:
    rows = {row["name"]: row["value"] for row in table(TOTALS, busy())}
    assert (rows["total_query_count"], rows["total_client_bytes"], rows["total_server_bytes"]) == (42, 2_400, 196_000)
    assert (rows["avg_query_count"], rows["avg_query_time"]) == (4, 100)
    assert {"total_ps_bind_count", "avg_ps_client_parse_count", "avg_client_login_count"} <= rows.keys()
    assert len(rows) == 24
