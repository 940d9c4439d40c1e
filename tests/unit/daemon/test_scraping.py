from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agroal.config.choices import MetricsPrefix
from agroal.config.model import Configuration
from agroal.daemon.daemon import Daemon
from agroal.demo.ports import free_port
from agroal.errors import ConfigurationError
from agroal.net.dial import Address
from tests.certificates import Authority, Identity
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP
from tests.unit.daemon.running import SECRETS, configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE

NOWHERE = Address("pg", "/nowhere", 5432)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def get(daemon: Daemon, path: str, context: ssl.SSLContext | None = None) -> tuple[int, str]:
    """The status and the body."""
    hostname = "localhost" if context else None
    port = daemon.settings.metrics
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=hostname)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body


async def scrape(daemon: Daemon) -> Samples:
    status, text = await get(daemon, "/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in metric.samples
    }


def value(samples: Samples, name: str, /, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def scraped(directory: Path, server: Address = NOWHERE, **settings: object) -> Configuration:
    return configuration(directory, server, metrics=free_port(), **settings)


@in_a_loop
async def test_what_a_client_has_done_is_counted(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(application_name="psql", in_hot_standby="off") << QUERY >> ANSWER
    pool = {"database": "shop", "user": "ann"}
    async with postgres(script << TERMINATE) as address, running(scraped(socket_dir, address)) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP + QUERY, client)
            await until(lambda: received(client).endswith(ANSWER))
            during = await scrape(daemon)
            await play(Script() >> TERMINATE, client)
            await until(lambda: not daemon.sessions and not daemon.pool.core.leased)
        after = await scrape(daemon)
    assert value(during, "agroal_pool_connections", state="active", **pool) == 1
    assert value(after, "agroal_pool_connections", state="idle", **pool) == 1
    assert value(after, "agroal_query_count") == 1
    assert value(after, "agroal_network_sent") == len(QUERY)
    assert value(after, "agroal_limit", user="all", database="shop", type="max") == 1
    assert value(after, "agroal_pool_wait_seconds_count", **pool) == 1
    assert value(after, "agroal_pool_connect_seconds_count", **pool) == 1
    assert value(during, "agroal_pool_lease_seconds_count", **pool) == 0
    assert value(after, "agroal_pool_lease_seconds_count", **pool) == 1
    assert value(after, "agroal_server_up", server="pg") == 1
    assert value(after, "agroal_server_role", server="pg", role="primary") == 1
    assert value(after, "agroal_server_round_trip_seconds", server="pg") < 1
    assert value(after, "process_open_fds") > 5


@in_a_loop
async def test_what_the_data_plane_feeds_is_shown(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(application_name="psql") << TERMINATE
    async with postgres(script) as address, running(scraped(socket_dir, address)) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.sessions and daemon.sessions[1].link)
            timing = daemon.timings.of(daemon.sessions[1].key)
            timing.query.add(70)
            timing.transaction.add(2_500)
            samples = await scrape(daemon)
    pool = {"database": "shop", "user": "ann"}
    assert value(samples, "agroal_pool_query_seconds_bucket", le="5e-05", **pool) == 0
    assert value(samples, "agroal_pool_query_seconds_bucket", le="0.0001", **pool) == 1
    assert value(samples, "agroal_pool_transaction_seconds_sum", **pool) == 0.0025


@in_a_loop
async def test_it_is_alive_and_not_ready_without_a_primary(socket_dir: Path) -> None:
    async with running(scraped(socket_dir)) as daemon:
        assert (await get(daemon, "/healthz"))[0] == 200
        status, why = await get(daemon, "/readyz")
        assert status == 503
        assert "No such file or directory" in why


@in_a_loop
async def test_an_error_of_a_client_is_counted_by_its_name(socket_dir: Path) -> None:
    async with running(scraped(socket_dir)) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.totals.clients and not daemon.sessions)
        samples = await scrape(daemon)
        assert value(samples, "agroal_client_errors_total", error="ServerUnreachable") == 1
        assert value(samples, "agroal_server_error", name="pg", state="failed") == 1


@in_a_loop
async def test_prefix_and_age_of_the_cache_are_taken_by_a_reload(socket_dir: Path) -> None:
    async with running(scraped(socket_dir, metrics_cache_max_age=0.0)) as daemon:
        before = daemon.configuration

        async def reload(**settings: object) -> str:
            new = replace(before, settings=replace(before.settings, **settings))  # type: ignore[arg-type]
            daemon.reload._read = lambda: (new, SECRETS)
            await daemon.reload.signalled()
            return (await get(daemon, "/metrics"))[1]

        assert "\nagroal_state 1.0\n" in await reload()
        assert "\npgagroal_state 1.0\n" in await reload(metrics_prefix=MetricsPrefix.PGAGROAL)
        first = await reload(metrics_cache_max_age=60.0)
        daemon.totals.clients += 1
        assert (await get(daemon, "/metrics"))[1] == first


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.ca_file))


def shown(identity: Identity) -> dict[str, object]:
    return {"metrics_cert_file": identity.cert_file, "metrics_key_file": identity.key_file}


@in_a_loop
async def test_another_certificate_is_taken_by_a_reload(socket_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = Authority(tmp_path), Authority(tmp_path / "other", "Other CA")
    async with running(scraped(socket_dir, **shown(first.issue("localhost")))) as daemon:
        before = daemon.configuration
        status, text = await get(daemon, "/metrics", trusting(first))
        assert status == 200
        assert 'agroal_tls_certificate_status{path="' in text
        settings = replace(before.settings, **shown(second.issue("localhost")))  # type: ignore[arg-type]
        daemon.reload._read = lambda: (replace(before, settings=settings), SECRETS)
        await daemon.reload.signalled()
        assert (await get(daemon, "/healthz", trusting(second)))[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await get(daemon, "/healthz", trusting(first))


@in_a_loop
async def test_a_port_that_is_taken_is_a_mistake_in_the_configuration(socket_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        made = configuration(socket_dir, NOWHERE, metrics=taken.getsockname()[1])
        daemon = Daemon(made, SECRETS, lambda: (made, SECRETS))
        with pytest.raises(ConfigurationError, match="is another program listening there"):
            await daemon.run(lambda: None)


@in_a_loop
async def test_without_a_port_nobody_listens(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        assert daemon.settings.metrics == 0
        with pytest.raises(OSError):
            await get(daemon, "/healthz")
