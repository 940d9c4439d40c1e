from __future__ import annotations

from pathlib import Path

import pytest

from agroal.demo.postgres import Cluster, PostgresFailed
from agroal.errors import AgroalError

BINARIES = Path("/no/such/bin")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path, BINARIES, port=12345)


def test_a_folder_too_deep_for_a_unix_socket_is_refused_at_once() -> None:
    with pytest.raises(AgroalError, match="at most 107 bytes; set TMPDIR"):
        Cluster(Path("/tmp") / ("x" * 100), BINARIES, port=12345)


def test_programs_do_not_see_where_the_caller_usually_connects(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "production")
    monkeypatch.setenv("PGPASSWORD", "precious")
    monkeypatch.setenv("HOME", "/home/me")

    environment = cluster.environment()

    assert "PGHOST" not in environment
    assert environment["PGPASSWORD"] == cluster.password
    assert environment["HOME"] == "/home/me"
    assert cluster.environment("another")["PGPASSWORD"] == "another"


def test_a_server_that_does_not_run_can_be_stopped_but_not_killed_or_paused(cluster: Cluster) -> None:
    cluster.stop()

    for act in (cluster.crash, cluster.pause, cluster.resume):
        with pytest.raises(PostgresFailed, match="not running"):
            act()
