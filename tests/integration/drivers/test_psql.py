"""psql through the pool: what it writes is what it writes without."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.daemon import Agroal
from tests.integration.drivers.programs import direct, environment, program, psql
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

SCENERY = """
CREATE TABLE IF NOT EXISTS shelves (id serial PRIMARY KEY, name text NOT NULL UNIQUE, size numeric(6, 2) DEFAULT 1.5);
COMMENT ON TABLE shelves IS 'where things are';
CREATE OR REPLACE VIEW big_shelves AS SELECT name FROM shelves WHERE size > 10;
"""

DESCRIPTIONS = [
    r"\d",
    r"\d shelves",
    r"\d+ shelves",
    r"\d+ big_shelves",
    r"\dt+",
    r"\di",
    r"\dn+",
    r"\df pg_sleep",
    r"\sv big_shelves",
    r"\l template*",
]


CANCELLED = {"Cancel request sent", "ERROR:  canceling statement due to user request"}


@pytest.fixture(scope="module", autouse=True)
def _scenery(database: Database) -> None:
    psql(direct(database), f"SET client_min_messages = error; {SCENERY}")


def test_describes_the_same(pool: Agroal, database: Database) -> None:
    commands = "".join(f"\\echo {command[1:]}\n{command}\n" for command in DESCRIPTIONS)
    assert psql(pool.dsn(), commands) == psql(direct(database), commands)


def test_watches_until_its_user_has_seen_enough(pool: Agroal) -> None:
    command = [program("psql", 0), "-X", "-A", "-t", "-d", pool.dsn()]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdin
        assert watching.stdout
        watching.stdin.write("SELECT 'tick' \\watch 0.01\n")
        watching.stdin.flush()
        ticks = 0
        while ticks < 5:
            ticks += watching.stdout.readline() == "tick\n"
        watching.send_signal(signal.SIGINT)
        _, complaints = watching.communicate(timeout=20)
    assert set(complaints.splitlines()) <= CANCELLED


def test_goes_on_after_ctrl_c(pool: Agroal, database: Database) -> None:
    terminal, ours = os.openpty()
    command = [
        program("psql", 0),
        "-X",
        "-q",
        "-A",
        "-t",
        "-n",
        "-P",
        "pager=off",
        "-v",
        "PROMPT1=",
        "-v",
        "PROMPT2=",
        "-d",
        pool.dsn(),
    ]
    with (
        open(terminal, "rb", buffering=0) as seen,
        subprocess.Popen(command, env=environment(), stdin=ours, stdout=ours, stderr=ours) as psql,
    ):
        os.close(ours)
        os.write(terminal, b"BEGIN;\nSELECT pg_sleep(3600);\n")
        wait_until(lambda: any("3600" in one.query for one in database.activity()), "psql sleeps")
        psql.send_signal(signal.SIGINT)
        os.write(terminal, b"ROLLBACK;\nSELECT 'after' || 'wards';\n")
        shown = b""
        while b"afterwards" not in shown:
            shown += seen.read(4096)
        os.write(terminal, b"\\q\n")
        assert psql.wait(10) == 0
    assert b"canceling statement due to user request" in shown


def test_copies_in_and_out(pool: Agroal, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_text('1,"a ""quoted"", word"\n2,\n')
    commands = f"""
        CREATE TABLE copied_by_psql (n int, t text);
        \\copy copied_by_psql FROM '{there}' CSV
        \\copy (SELECT * FROM copied_by_psql ORDER BY n) TO '{back}' CSV
        COPY copied_by_psql FROM STDIN;
3	three
\\.
        SELECT count(*), count(t) FROM copied_by_psql;
        DROP TABLE copied_by_psql;
    """
    assert psql(pool.dsn(), commands) == "3|2\n"
    assert back.read_text() == there.read_text()


def test_binds_values(pool: Agroal) -> None:
    commands = r"SELECT $1::int + $2::int, $3 \bind 40 2 'it''s' \g" + "\nSELECT 'and simply';"
    assert psql(pool.dsn(), commands, version=16) == "42|it's\nand simply\n"


def test_describes_a_result_without_running_its_query(pool: Agroal) -> None:
    assert psql(pool.dsn(), r"SELECT 1 AS one, now() AS time, 'x'::varchar(3) AS t \gdesc") == (
        "one|integer\ntime|timestamp with time zone\nt|character varying(3)\n"
    )


def test_fetches_in_pieces(pool: Agroal) -> None:
    expected = "".join(f"{n}\n" for n in range(1, 26))
    assert psql(pool.dsn(), "\\set FETCH_COUNT 10\nSELECT * FROM generate_series(1, 25);") == expected


def test_rolls_back_what_failed_to_its_savepoint(pool: Agroal) -> None:
    commands = r"""
        \set ON_ERROR_ROLLBACK on
        \set ON_ERROR_STOP off
        \set VERBOSITY sqlstate
        BEGIN;
        CREATE TABLE kept_by_psql AS SELECT 1 AS n;
        \o /dev/null
        SELECT n FROM kept_by_psql;
        \o
        COMMIT;
        SELECT n FROM kept_by_psql;
        DROP TABLE kept_by_psql;
    """
    assert psql(pool.dsn(), commands) == "1\n"


def test_connects_again(pool: Agroal, database: Database) -> None:
    assert psql(pool.dsn(), "\\c\nSELECT current_database();") == f"{database.name}\n"
