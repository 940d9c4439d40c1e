"""More clients than there are file descriptors for: who is in stays in, and who comes is told, or waits."""

from __future__ import annotations

import os
import resource
from contextlib import ExitStack

import pytest

from agroal.demo.processes import spawn
from tests.integration import daemon
from tests.integration.by_hand import TRUSTING, Guest
from tests.integration.conftest import Launch
from tests.integration.daemon import Key
from tests.integration.postgres import Database
from tests.integration.raw import RawClient
from tests.integration.run import Run
from tests.integration.starting import at_rest, left_behind, limited, run_agroal
from tests.integration.waiting import wait_until

DESCRIPTORS = 80
MOST_SERVERS = 4
MOST_CLIENTS = DESCRIPTORS - 64 - MOST_SERVERS
"""What agroal keeps for itself and for servers is not for clients."""


@pytest.fixture
def few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "spawn", lambda command, **how: spawn(limited(command, DESCRIPTORS), **how))


@pytest.mark.usefixtures("few_descriptors")
def test_clients_beyond_the_limit_are_told_so(agroal: Launch, database: Database) -> None:
    pool = agroal(database, hba=TRUSTING, max_connections=MOST_SERVERS, authentication_timeout="1m")
    with ExitStack() as stack:
        first = stack.enter_context(Guest(pool, database.scram)).enter()
        for _ in range(MOST_CLIENTS - 1):
            stack.enter_context(RawClient(pool))
        wait_until(lambda: len(pool.snapshot().clients) == MOST_CLIENTS, "all who may come have come")
        for _ in range(50):
            with Guest(pool, database.scram) as client:
                told = client.end()
            assert (told["S"], told["C"], told["M"]) == ("FATAL", "53300", "too many clients")
            assert told["D"] == f"agroal has descriptors for {MOST_CLIENTS} clients."

        assert first.query("SELECT 6 * 7") == ["42"]
    wait_until(lambda: not pool.snapshot().clients, "all have gone")
    with Guest(pool, database.scram) as client:
        assert client.enter().query("SELECT 6 * 7") == ["42"]


def test_clients_for_whom_there_is_no_descriptor_wait_in_the_backlog(agroal: Launch, database: Database) -> None:
    pool = agroal(database, hba=TRUSTING, max_connections=MOST_SERVERS, authentication_timeout="1m")
    with ExitStack() as stack:
        first = stack.enter_context(Guest(pool, database.scram)).enter()
        _, hard = resource.prlimit(pool.pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pool.pid}/fd"))
        resource.prlimit(pool.pid, resource.RLIMIT_NOFILE, (used + 8, hard))
        idle = [stack.enter_context(RawClient(pool)) for _ in range(12)]
        wait_until(lambda: "can't accept a client: Too many open files" in pool.log, "the descriptors are used up")
        late = [stack.enter_context(Guest(pool, database.scram)) for _ in range(2)]
        assert first.query("SELECT 6 * 7") == ["42"]

        for client in idle:
            client.say_no_more()
        for client in late:
            assert client.enter().query("SELECT 6 * 7") == ["42"]
        resource.prlimit(pool.pid, resource.RLIMIT_NOFILE, (hard, hard))  # the end takes a look at it


def test_more_servers_than_there_are_descriptors_for_are_refused_at_the_start(
    run: Run, key: Key, database: Database
) -> None:
    with at_rest(run, key, database) as agroal:
        agroal.configure(max_connections=100)
        result = run_agroal(agroal, descriptors=DESCRIPTORS)

        assert result.returncode == 1
        assert "100 server connections and as many clients need 264 file descriptors" in result.stderr
        assert f"and the limit is {DESCRIPTORS}: raise it (ulimit -n, LimitNOFILE)" in result.stderr
        assert left_behind(agroal) == []
