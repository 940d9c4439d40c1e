from __future__ import annotations

from dataclasses import replace

import pytest

from agroal.config.choices import MetricsPrefix, Pipeline
from agroal.management.snapshot import Certificate, ConfigurationState, Loop
from agroal.metrics.daemon import DAEMON
from agroal.metrics.family import Spread
from tests.unit.management.sample import CERTIFICATE, COUNTERS, snapshot
from tests.unit.metrics.made import Labels, rows, seen


def shown(name: str, **changes: object) -> dict[Labels, object]:
    return rows(DAEMON, name, seen(snapshot(**changes)))


def value(name: str, **changes: object) -> object:
    return shown(name, **changes)[()]


@pytest.mark.parametrize(("status", "number"), [("running", 1), ("graceful", 2), ("stopping", 2)])
def test_its_state_in_pgagroals_numbers(status: str, number: int) -> None:
    assert value("state", status=status) == number


@pytest.mark.parametrize(
    ("pipeline", "number"),
    [(Pipeline.PERFORMANCE, 0), (Pipeline.AUTO, 1), (Pipeline.SESSION, 1), (Pipeline.TRANSACTION, 2)],
)
def test_its_pipeline_in_pgagroals_numbers(pipeline: Pipeline, number: int) -> None:
    assert rows(DAEMON, "pipeline_mode", seen(pipeline=pipeline)) == {(): number}


def test_lines_of_the_log_by_level() -> None:
    counters = replace(COUNTERS, log_infos=9, log_warnings=4, log_errors=3, log_fatals=1)
    levels = [value(f"logging_{level}", counters=counters) for level in ("info", "warn", "error", "fatal")]
    assert levels == [9, 4, 2, 1]


def test_the_loop() -> None:
    loop = Loop((90, 2, 1), 6, 4_100)
    assert value("loop_lag_seconds", loop=loop) == Spread((1_000, 1_000_000), (90, 2, 1), 4_100)
    assert value("loop_tasks", loop=loop) == 6


def test_what_waits_for_a_restart() -> None:
    assert value("pending_restart", configuration=ConfigurationState(None, ("port", "tls"))) == 2


def test_the_version_and_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("build_info", version="1.2.3") == {("1.2.3",): 1}
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.release", lambda: "6.1-rc7-amd64")
    assert shown("os_info") == {("Linux", "6", "1", "0"): 1}


def certificate(file: str, key: str, until: str) -> Certificate:
    return replace(CERTIFICATE, file=file, key=key, not_after=until)


CERTIFICATES = (
    certificate("/a", "tls_cert_file", "2025-12-01T00:00:00.000Z"),
    certificate("/m", "metrics_cert_file", "2030-01-01T00:00:00.000Z"),
    certificate("/ca", "server.pg-a.tls_ca_file", "2031-01-01T00:00:00.000Z"),
    certificate("/ca", "server.pg-a.tls_ca_file", "2025-01-01T00:00:00.000Z"),
)
"""Seen on 2025-11-22. The third and fourth are in one file."""


def test_certificates_by_who_uses_them_and_file() -> None:
    assert shown("tls_certificate_status", certificates=CERTIFICATES) == {
        ("agroal", "/a"): 1,
        ("metrics", "/m"): 1,
        ("pg-a", "/ca"): 0,
    }
    expiries = shown("tls_certificate_expiration_seconds", certificates=CERTIFICATES)
    assert expiries["agroal", "/a"] == 1_764_547_200
    assert expiries["pg-a", "/ca"] == 1_735_689_600, "a file is as good as the first that ends in it"
    changed = seen(snapshot(certificates=CERTIFICATES), prefix=MetricsPrefix.PGAGROAL)
    assert ("pgagroal", "/a") in rows(DAEMON, "tls_certificate_status", changed)


def test_certificates_by_what_is_left_of_them() -> None:
    names = ("total", "valid", "expired", "expiring_soon")
    assert [value(f"certificates_{name}", certificates=CERTIFICATES) for name in names] == [3, 2, 1, 1]
    assert [value(f"certificates_{name}", certificates=()) for name in names] == [0, 0, 0, 0]
