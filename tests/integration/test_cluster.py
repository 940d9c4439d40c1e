"""The PostgreSQL that the demonstration and the tests start themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agroal.demo import scratch
from agroal.demo.postgres import QUICK, Cluster, PostgresFailed
from agroal.demo.processes import ProgramFailed
from tests.integration.run import Run


@pytest.fixture
def folder(run: Run) -> Path:
    return scratch.make("cluster-", run.folder)


@pytest.fixture
def cluster(run: Run, folder: Path) -> Iterator[Cluster]:
    settings = {**QUICK, "cluster_name": "it's ours"}
    with Cluster(folder, Path(run.binaries), settings=settings) as cluster:
        yield cluster


def connect(cluster: Cluster, host: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=host, port=cluster.port, user=cluster.user, password=cluster.password, dbname="postgres"
    )


def test_it_answers_on_the_loopback_interface_and_on_its_unix_socket(cluster: Cluster) -> None:
    for host in (cluster.host, str(cluster.folder)):
        with connect(cluster, host) as client:
            assert client.execute("SELECT current_user").fetchone() == ("postgres",)


def test_it_asks_for_the_password(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(cluster.folder), port=cluster.port, user=cluster.user, password="guessed")


def test_it_takes_its_settings_as_they_are(cluster: Cluster) -> None:
    assert cluster.psql("SHOW fsync", "SHOW cluster_name") == "off\nit's ours"


def test_an_error_of_sql_is_quoted(cluster: Cluster) -> None:
    with pytest.raises(ProgramFailed, match='relation "nothing" does not exist'):
        cluster.psql("SELECT * FROM nothing")


def test_it_keeps_its_data_and_its_port_when_it_is_restarted(cluster: Cluster) -> None:
    cluster.psql("CREATE TABLE kept AS SELECT 1 AS n")

    cluster.restart()

    assert cluster.psql("SELECT n FROM kept") == "1"


def test_it_comes_back_after_every_process_was_killed(cluster: Cluster) -> None:
    with connect(cluster, cluster.host) as client:
        cluster.crash()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        client.close()

    cluster.start()

    assert cluster.psql("SELECT 1") == "1"


def test_it_answers_later_what_it_was_asked_when_it_was_paused(cluster: Cluster) -> None:
    with connect(cluster, cluster.host) as client:
        cluster.pause()
        client.pgconn.send_query(b"SELECT 1")
        client.pgconn.consume_input()
        assert client.pgconn.is_busy()

        cluster.resume()

        while client.pgconn.is_busy():
            client.pgconn.consume_input()
        result = client.pgconn.get_result()
        assert result
        assert result.get_value(0, 0) == b"1"
        assert client.pgconn.get_result() is None


def test_a_start_that_fails_shows_what_postgresql_said(run: Run, folder: Path, cluster: Cluster) -> None:
    second = Cluster(scratch.make("second-", folder.parent), Path(run.binaries), port=cluster.port)
    second.create()

    with pytest.raises(PostgresFailed, match="Address already in use"):
        second.start()
