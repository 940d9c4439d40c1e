from __future__ import annotations

from dataclasses import replace

from agroal_top.alerts import DEGRADED, Alert, Kind, alerts, days_left

from agroal.management.snapshot import ConfigurationState, Database, Snapshot
from tests.unit.management import sample
from tests.unit.tui.made import made, pool

CALM = ConfigurationState(None, ())


def calm(**changes: object) -> Snapshot:
    return made(10, **{"configuration": CALM, "certificates": (), **changes})  # type: ignore[arg-type]


def only(snapshot: Snapshot, log_errors: int = 0) -> Alert:
    [alert] = alerts(snapshot, log_errors)
    return alert


def test_a_daemon_that_is_well_has_no_alerts() -> None:
    assert alerts(calm(), 0) == []


def test_a_server_that_is_down_is_an_error_with_its_reason() -> None:
    alert = only(calm(servers=(replace(sample.SERVER, state="down", error="connection refused"),)))
    assert alert == Alert(Kind.SERVER_DOWN, "error", "pg-a", "server pg-a is down: connection refused")


def test_a_server_that_nobody_has_asked_is_none() -> None:
    assert alerts(calm(servers=(replace(sample.SERVER, state="unknown"),)), 0) == []


def test_a_pool_that_can_not_connect_says_how_often_and_why() -> None:
    alert = only(calm(pools=(pool(failures=3, error="database “shop” does not exist"),)))
    assert alert.text == "shop/web can't connect, 3 in a row failed: database “shop” does not exist"
    assert (alert.kind, alert.level) == (Kind.POOL_FAILING, "error")


def test_a_wait_of_more_than_a_second_is_an_error_and_a_shorter_one_is_not() -> None:
    alert = only(calm(pools=(pool(waiting=2, oldest_wait_us=4_100_000),)))
    assert alert == Alert(Kind.WAITING, "error", "shop/web", "shop/web: 2 waiting, the first for 4.1 s")
    assert alerts(calm(pools=(pool(waiting=2, oldest_wait_us=1_000_000),)), 0) == []


def test_a_pause_is_one_warning_whoever_waits_and_however_long() -> None:
    held = pool(paused=True, waiting=3, oldest_wait_us=90_000_000, active=0, other=10, max=10)
    other = pool("billing", paused=True, waiting=2)
    alert = only(calm(pools=(held, other), databases=(Database("shop", True, True),)))
    assert alert == Alert(Kind.PAUSED, "warn", "shop", "shop paused, 3 clients held")
    alert = only(calm(pools=(held, other), databases=(Database("all", True, True), Database("stock", True, False))))
    assert alert.text == "all paused, 5 clients held"


def test_a_limit_that_keeps_somebody_waiting_is_a_warning() -> None:
    alert = only(calm(pools=(pool(waiting=1, active=9, other=1, max=10),)))
    assert (alert.kind, alert.level, alert.text) == (Kind.LIMIT_REACHED, "warn", "shop/web at limit 9/10, 1 waiting")
    assert alerts(calm(pools=(pool(active=10, max=10),)), 0) == [], "a full pool that nobody waits for is well used"


def test_a_certificate_is_announced_before_it_ends() -> None:
    ends = [replace(sample.CERTIFICATE, not_after=f"2026-{day}T00:00:00.000Z") for day in ("11-20", "12-01", "12-23")]
    found = alerts(calm(certificates=tuple(ends)), 0)
    assert [(alert.level, alert.text.rpartition("server.crt ")[2]) for alert in found] == [
        ("error", "has expired"),
        ("warn", "expires in 8 d"),
    ]


def test_a_date_that_is_none_is_passed_over() -> None:
    assert days_left("soon", "2026-11-22T12:00:00Z") is None
    assert days_left("2026-11-22", "2026-11-22T12:00:00Z") is None, "a date without a zone"
    assert alerts(calm(certificates=(replace(sample.CERTIFICATE, not_after="soon"),)), 0) == []


def test_errors_in_the_log_are_counted() -> None:
    assert only(calm(), log_errors=1).text == "1 line of errors in the log lately"
    assert only(calm(), log_errors=2).text == "2 lines of errors in the log lately"


def test_what_waits_for_a_restart_is_named() -> None:
    alert = only(calm(configuration=ConfigurationState(None, ("max_connections", "tls"))))
    assert (alert.level, alert.text) == ("info", "waits for a restart: max_connections, tls")


def test_a_shutdown_says_how_many_clients_are_left() -> None:
    alert = only(calm(status="graceful"))
    assert (alert.kind, alert.text) == (Kind.STOPPING, "agroal is shutting down (graceful), 2 clients left")


def test_the_gravest_come_first() -> None:
    everything = calm(
        configuration=ConfigurationState(None, ("tls",)),
        status="graceful",
        servers=(replace(sample.SERVER, state="down"),),
    )
    assert [alert.level for alert in alerts(everything, 1)] == ["error", "warn", "warn", "info"]


def test_only_what_clients_feel_is_degraded() -> None:
    assert {Kind.SERVER_DOWN, Kind.POOL_FAILING, Kind.WAITING} == DEGRADED
