"""docker-compose.yml for real: what it starts, what it serves, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.stack import BUILD, START, Stack, lacks, running
from tests.integration.waiting import wait_until

LACKS = lacks()
pytestmark = [
    pytest.mark.skipif(bool(LACKS), reason=f"the containers can't be run: {LACKS}"),
    pytest.mark.timeout(BUILD + 2 * START),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running() as stack:
        yield stack


def connect(stack: Stack) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=stack.port,
        user="bench",
        password="bench-password",
        dbname="bench",
        autocommit=True,
        connect_timeout=10,
    )


def test_the_image_has_the_compiled_relay_and_rights_to_nothing(stack: Stack) -> None:
    assert stack.inside("agroal", "agroal", "--version").endswith("compiled relay")
    assert stack.inside("agroal", "id", "--user") == "2345"
    with pytest.raises(AssertionError, match="Read-only file system"):
        stack.inside("agroal", "touch", "/opt/agroal/file")
    status = stack.inside("agroal", "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_pgbench_goes_through_the_pool(stack: Stack) -> None:
    said = stack.compose("run", "--rm", "-T", "pgbench")
    assert "number of failed transactions: 0 " in said
    assert "tps = " in said


def test_the_standby_follows_the_primary(stack: Stack) -> None:
    with connect(stack) as client:
        client.execute("CREATE TABLE followed AS SELECT 42 AS answer")
    seen = "SELECT pg_is_in_recovery() AND to_regclass('followed') IS NOT NULL"
    query = ("psql", "--username", "bench", "--dbname", "bench", "-XAtc", seen)
    wait_until(lambda: stack.inside("standby", *query) == "t", "the standby has the table")
    assert "standby:5432" in stack.inside("agroal", "agroal-cli", "-D", "/etc/agroal", "ping")


def test_it_says_how_it_is(stack: Stack) -> None:
    assert stack.metrics("healthz").startswith("200 ")
    assert stack.metrics("readyz").startswith("200 ")
    assert "\nagroal_max_connections 10" in stack.metrics("metrics")


def test_it_lets_its_clients_finish_when_it_is_stopped(stack: Stack) -> None:
    """The last test: the stack ends with it."""
    with connect(stack) as client:
        stack.compose("kill", "-s", "SIGTERM", "agroal")
        wait_until(lambda: stack.metrics("readyz").startswith("503 "), "no new clients are sent to it")
        assert stack.metrics("healthz").startswith("200 ")
        with pytest.raises(psycopg.OperationalError, match="agroal is shutting down"):
            connect(stack)
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)
    wait_until(lambda: stack.state("agroal", "{{.State.Status}} {{.State.ExitCode}}") == "exited 0", "it has ended")
