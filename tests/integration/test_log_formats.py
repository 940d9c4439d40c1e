"""What programs read of the log: JSON lines, the journal, and why each client went."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agroal.demo import scratch
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database, Login
from tests.integration.run import Run
from tests.integration.waiting import wait_until

AS_ROOT = "agroal: warning: running as root"
FORGED = "\x1b[2J\u202e\r\n2026-01-01 00:00:00 INFO  all is well"


def records(pool: Agroal) -> list[dict[str, Any]]:
    """The lines so far. Every one of them must be a JSON object, but for what root is told before."""
    return [json.loads(line) for line in pool.log.splitlines() if not line.startswith(AS_ROOT)]


def events(pool: Agroal, name: str) -> list[dict[str, Any]]:
    return [record for record in records(pool) if record.get("event") == name]


@pytest.fixture
def pool(agroal: Launch, database: Database) -> Agroal:
    return agroal(database, log_format="json", log_connections=True, log_disconnections=True)


class TestJson:
    def test_every_line_is_an_object_with_time_level_and_message(self, pool: Agroal) -> None:
        pool.connect().close()
        wait_until(lambda: events(pool, "disconnect"), "the client is gone")
        for record in records(pool):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["time"])
            assert datetime.fromisoformat(record["time"]).tzinfo
            assert record["level"] in ("info", "warn")
            assert record["logger"].startswith("agroal.")
            assert record["message"]
        assert events(pool, "started")[0]["message"].startswith("agroal ")

    def test_a_client_is_told_of_in_fields(self, pool: Agroal, database: Database) -> None:
        with closing(pool.connect(application_name="a visitor")) as client:
            client.execute("SELECT 1")
        [came] = wait_until(lambda: events(pool, "connect"), "it has come")
        [went] = wait_until(lambda: events(pool, "disconnect"), "it has gone")
        for record in (came, went):
            assert record["user"] == database.scram.name
            assert record["database"] == database.name
            assert record["application"] == "a visitor"
            assert re.fullmatch(r"127\.0\.0\.1:\d+", record["client"])
            assert record["number"] >= 1
        assert (went["reason"], went["queries"]) == ("terminated", 1)
        assert went["bytes_in"] > 0
        assert went["bytes_out"] > 0
        assert 0 < went["seconds"] < 60

    def test_a_refusal_has_its_reason(self, pool: Agroal, database: Database) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            pool.connect(Login(database.scram.name, "wrong"))
        [refused] = wait_until(lambda: events(pool, "refused"), "it is in the log")
        assert (refused["level"], refused["reason"], refused["user"]) == ("warn", "28P01", database.scram.name)

    def test_no_client_writes_a_line_of_its_own_whatever_it_calls_itself(self, pool: Agroal) -> None:
        pool.connect(application_name=FORGED).close()
        wait_until(lambda: events(pool, "disconnect"), "the client is gone")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", pool.log)
        [came] = events(pool, "connect")
        assert came["application"].isprintable()
        assert r"\x1b[2J\u202e\r\n2026" in came["application"]

    def test_a_reload_goes_back_to_text(self, pool: Agroal) -> None:
        pool.configure(log_connections=True)
        pool.signal(signal.SIGHUP)
        wait_until(lambda: re.search(r"^[-0-9: ]{19} INFO  applied: ", pool.log, re.MULTILINE), "text is written")


class TestDisconnections:
    def test_who_is_killed_is_told_of_as_such(self, pool: Agroal) -> None:
        client = pool.connect()
        [row] = pool.snapshot().clients
        pool.manage("kill", str(row.id))
        [went] = wait_until(lambda: events(pool, "disconnect"), "it has gone")
        assert went["reason"] == "57P01"
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")

    def test_who_hangs_up_without_a_word_is_told_of_as_such(self, pool: Agroal) -> None:
        client = pool.connect()
        os.close(os.dup(client.fileno()))
        with closing(socket.socket(fileno=os.dup(client.fileno()))) as raw:
            raw.shutdown(socket.SHUT_RDWR)
        [went] = wait_until(lambda: events(pool, "disconnect"), "it has gone")
        assert went["reason"] == "client_gone"
        assert "the client hung up without a goodbye" in went["message"]


class TestFlood:
    def test_refusals_without_end_do_not_fill_the_log(self, agroal: Launch, database: Database) -> None:
        pool = agroal(database, log_format="json", hba="local all all reject\nhost all all all reject\n")
        for _ in range(150):
            with suppress(psycopg.OperationalError):
                pool.connect(connect_timeout=5)
        pool.stop()
        refused, left_out = events(pool, "refused"), events(pool, "left-out")
        assert refused
        assert len(refused) + sum(record["count"] for record in left_out) == 150
        assert left_out or len(refused) == 150, "that were more than ten seconds"


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        made.settimeout(15)
        yield made


def entries(journal: socket.socket) -> Iterator[dict[str, str]]:
    """As they come; all of ours have one line to each field."""
    while True:
        data = journal.recv(65_536).decode()
        if data:
            yield dict(line.split("=", 1) for line in data.splitlines())


def test_the_journal_gets_fields_and_priorities(run: Run, agroal: Launch, database: Database) -> None:
    """The program has the journal's place as a constant; a program around it puts another there."""
    folder = scratch.make("journal-", run.folder)
    pool = agroal(database)
    pool.stop()
    pool.configure(log_type="journald", log_connections=True)
    program = (
        "import sys\n"
        "from agroal.daemon import log\n"
        f"log.JOURNAL = {str(folder / 'socket')!r}\n"
        "from agroal.main import main\n"
        f"sys.exit(main(['-D', {str(pool.folder)!r}]))\n"
    )
    with listening(folder / "socket") as journal:
        daemon = subprocess.Popen([sys.executable, "-c", program], env=pool.environment(), stderr=subprocess.PIPE)
        try:
            said = entries(journal)
            started = next(entry for entry in said if entry.get("AGROAL_EVENT") == "started")
            pool.connect(application_name="a visitor").close()
            came = next(entry for entry in said if entry.get("AGROAL_EVENT") == "connect")
        finally:
            daemon.terminate()
            _, errors = daemon.communicate(timeout=20)
    scratch.remove(folder)
    assert daemon.returncode == 0
    assert errors == b"" or errors.startswith(AS_ROOT.encode())
    assert (started["SYSLOG_IDENTIFIER"], started["PRIORITY"]) == ("agroal", "6")
    assert started["CODE_FILE"].endswith(".py")
    assert came["AGROAL_USER"] == database.scram.name
    assert came["AGROAL_APPLICATION"] == "a visitor"
    assert came["MESSAGE"].startswith("connect: client 127.0.0.1:")
