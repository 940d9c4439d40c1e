"""Prometheus looks at a real daemon that does real work."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from agroal.demo.ports import free_port
from tests.certificates import Authority, Identity
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.encrypted import trusting
from tests.integration.postgres import Database, OwnPostgres
from tests.integration.waiting import wait_until

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PATIENCE = 10


@dataclass
class Scraper:
    """Whoever asks at the metrics port."""

    port: int
    context: ssl.SSLContext | None = None

    def get(self, path: str, accept: str = "text/plain") -> tuple[int, str]:
        """The status and the body."""
        url = f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self.context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def scrape(self) -> Scrape:
        status, text = self.get("/metrics")
        assert status == 200
        return Scrape(text)


class Scrape:
    def __init__(self, text: str) -> None:
        self._samples = [
            sample
            for metric in read_text(text)  # type: ignore[no-untyped-call]
            for sample in metric.samples
        ]

    def __call__(self, name: str, /, **labels: str) -> float:
        """The sum of the series with this name that have these labels."""
        found = [one.value for one in self._samples if one.name == name and labels.items() <= one.labels.items()]
        assert found, f"no series {name} {labels}"
        return float(sum(found))

    def names(self) -> set[str]:
        return {sample.name for sample in self._samples}

    def values(self, label: str) -> set[str]:
        """All that one label has."""
        return {sample.labels[label] for sample in self._samples if label in sample.labels}


@pytest.fixture
def scraper() -> Scraper:
    return Scraper(free_port())


@pytest.mark.parametrize("pipeline", ["session", "transaction"])
def test_queries_connections_and_bytes_are_counted(
    agroal: Launch, database: Database, scraper: Scraper, pipeline: str
) -> None:
    pool = agroal(database, metrics=scraper.port, pipeline=pipeline, limits=f"{database.name} all 2\n")
    key = {"database": database.name, "user": database.scram.name}
    before = scraper.scrape()
    assert before("agroal_query_count") == 0
    with pool.connect(application_name="till") as client:
        for _ in range(20):
            client.execute("SELECT 1")
        during = scraper.scrape()
        assert during("agroal_client_sockets") == 1
        assert during("agroal_limit", type="max", user="all", database=database.name) == 2
        assert during("agroal_total_connections") == 1
    wait_until(lambda: scraper.scrape()("agroal_client_sockets") == 0, "the client is gone")
    wait_until(lambda: scraper.scrape()("agroal_pool_connections", state="idle", **key) == 1, "its server is free")
    after = scraper.scrape()
    assert after("agroal_query_count") >= 20
    assert after("agroal_tx_count") >= 20
    assert after("agroal_network_received") > after("agroal_network_sent") > 100
    assert after("agroal_authentications_total", result="ok") == 1
    assert after("agroal_pool_leases_total", **key) >= 1
    assert after("agroal_pool_lease_seconds_count", **key) >= 1
    assert after("agroal_pool_connect_seconds_count", **key) == 1
    assert after("agroal_pool_connect_seconds_sum", **key) > 0
    assert after("agroal_handovers_verified_total") >= 1
    assert after("agroal_server_up", server="primary") == 1
    assert after("agroal_server_role", server="primary", role="primary") == 1
    assert 0 < after("agroal_server_round_trip_seconds", server="primary") < 1
    assert after("process_resident_memory_bytes") > 1e6


def test_waits_and_those_who_are_sent_away_are_counted(agroal: Launch, database: Database, scraper: Scraper) -> None:
    limits = f"{database.name} all 1\n"
    pool = agroal(database, metrics=scraper.port, limits=limits, blocking_timeout="200ms")
    key = {"database": database.name, "user": database.scram.name}
    with pool.connect(), pytest.raises(psycopg.OperationalError, match="no connection became free"):
        pool.connect()
    scrape = scraper.scrape()
    assert scrape("agroal_pool_wait_timeouts_total", **key) == 1
    assert scrape("agroal_client_errors_total", error="PoolIsFull") == 1
    assert scrape("agroal_pool_wait_seconds_bucket", le="0.1", **key) < scrape("agroal_pool_waits_total", **key)
    assert scrape("agroal_pool_wait_seconds_sum", **key) >= 0.2


def test_whoever_gives_a_wrong_password_is_counted(agroal: Launch, database: Database, scraper: Scraper) -> None:
    pool = agroal(database, metrics=scraper.port)
    with pytest.raises(psycopg.OperationalError):
        pool.connect(password="guess")
    scrape = scraper.scrape()
    assert scrape("agroal_authentications_total", result="bad_password") == 1
    assert scrape("agroal_auth_user_bad_password") == 1


def test_pins_are_counted_by_reason(agroal: Launch, database: Database, scraper: Scraper) -> None:
    pool = agroal(database, metrics=scraper.port, pipeline="transaction")
    with pool.connect() as client:
        client.execute("LISTEN news")
        wait_until(lambda: scraper.scrape()("agroal_pins_total", reason="listen") == 1, "the pin is counted")
    assert scraper.scrape()("agroal_pins_total", reason="temporary") == 0


def test_both_formats_are_what_prometheus_clients_parsers_read(
    agroal: Launch, database: Database, scraper: Scraper
) -> None:
    pool = agroal(database, metrics=scraper.port, metrics_prefix="pgagroal")
    with pool.connect() as client:
        client.execute("SELECT 1")
        text = {metric.name for metric in read_text(scraper.get("/metrics")[1])}  # type: ignore[no-untyped-call]
        openmetrics = scraper.get("/metrics", OPENMETRICS)[1]
    found = {metric.name for metric in read_openmetrics(openmetrics)}  # type: ignore[no-untyped-call]
    assert found == text
    assert {"pgagroal_state", "pgagroal_connection", "pgagroal_session_time_seconds"} <= found
    assert not any(name.startswith("agroal") for name in found)


def test_application_names_make_no_series_without_end(agroal: Launch, database: Database, scraper: Scraper) -> None:
    """In the session pipeline, on one server."""
    pool = agroal(database, metrics=scraper.port, limits=f"{database.name} all 1\n")
    shown: set[str] = set()
    for number in range(130):
        with pool.connect(application_name=f"job {number}"):
            shown |= scraper.scrape().values("application_name")
    assert len(shown) == 100 + len({"", "other"} & shown)
    assert "other" in shown


def test_it_is_ready_while_postgresql_is_and_alive_all_the_while(
    agroal: Launch, pg: OwnPostgres, scraper: Scraper
) -> None:
    pool = agroal(pg.database, metrics=scraper.port)
    assert scraper.get("/readyz") == (200, "ready\n")
    with pool.connect() as client:
        client.execute("SELECT 1")
    assert scraper.get("/readyz")[0] == 200
    with pg.stopped():
        wait_until(lambda: scraper.get("/readyz")[0] == 503, "it is not ready")
        assert scraper.get("/readyz")[1].startswith("not ready: could not connect")
        assert scraper.get("/healthz") == (200, "alive\n")
        assert scraper.scrape()("agroal_state") == 1
    wait_until(lambda: scraper.get("/readyz")[0] == 200, "it is ready again, though no client came")


def test_it_is_not_ready_while_it_drains(agroal: Launch, database: Database, scraper: Scraper) -> None:
    pool = agroal(database, metrics=scraper.port)
    with pool.connect() as client:
        client.execute("SELECT 1")
        assert pool.command("shutdown", "gracefully").returncode == 0
        assert scraper.get("/readyz") == (503, "not ready: agroal is shutting down\n")
        assert scraper.get("/healthz")[0] == 200
        assert scraper.scrape()("agroal_state") == 2
        assert pool.command("shutdown", "cancel").returncode == 0
    assert scraper.get("/readyz")[0] == 200


def shown(identity: Identity, authority: Authority | None = None) -> dict[str, object]:
    """The settings of a metrics port with this certificate."""
    files = {"metrics_cert_file": identity.cert_file, "metrics_key_file": identity.key_file}
    return files | ({"metrics_ca_file": authority.ca_file} if authority else {})


def test_over_tls_a_reload_changes_the_certificate(
    agroal: Launch, database: Database, scraper: Scraper, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pool = agroal(database, metrics=scraper.port, **shown(authority.issue("localhost")))
    scraper.context = trusting(authority, alpn="")
    assert scraper.get("/healthz")[0] == 200
    assert scraper.scrape()("agroal_tls_certificate_status", server="metrics") == 1
    other = Authority(tmp_path_factory.mktemp("other"), "Other CA")
    pool.configure(metrics=scraper.port, **shown(other.issue("localhost"), other))
    assert pool.command("conf", "reload").returncode == 0
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        scraper.get("/healthz")
    scraper.context = trusting(other, other.issue("prometheus"), alpn="")
    assert scraper.get("/healthz")[0] == 200
    scraper.context = trusting(other, alpn="")
    with pytest.raises(OSError):  # in TLS 1.3 it may hear of it late
        scraper.get("/healthz")


def test_strangers_at_the_port_do_no_harm(agroal: Launch, database: Database, scraper: Scraper) -> None:
    pool: Agroal = agroal(database, metrics=scraper.port)
    where = (pool.host, scraper.port)
    with closing(socket.create_connection(where)), pool.connect() as client:
        for said in (b"\0" * 100, b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 100_000, b"\n"):
            with socket.create_connection(where, timeout=PATIENCE) as stranger:
                stranger.sendall(said)
                stranger.shutdown(socket.SHUT_WR)
                assert stranger.recv(12).startswith(b"HTTP/1.1 ")
        assert client.execute("SELECT 1").fetchone() == (1,)
        assert scraper.get("/nowhere")[0] == 404
        assert scraper.get("/healthz")[0] == 200
