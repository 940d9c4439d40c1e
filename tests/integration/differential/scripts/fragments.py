"""Pieces of conversations, of which any may follow any other. None of them waits for anything.

A COPY is always whole: what is no message of a copy would end the session in the middle of one.
"""

from __future__ import annotations

import struct

from tests.integration.by_hand import COPY_DONE, FLUSH, copy_data, function_call, query
from tests.integration.differential.words import (
    Hear,
    Script,
    ask,
    bind,
    close_portal,
    close_statement,
    copy_fail,
    describe_portal,
    describe_statement,
    execute,
    parse,
    run,
)
from tests.unit.wire.messages import SYNC, message

ONE = "SELECT 'one', $1::text"
ROWS = "SELECT n FROM items WHERE n > $1::text::int ORDER BY n"
INTO = "COPY items FROM STDIN"
DATA = copy_data(b"100\tx\n") + copy_data(b"101\ty\n")

WAIT = "the client waits for everything"
SETTLED: Script = [copy_fail("") + SYNC + query(""), Hear("I"), Hear("Z")]
"""Whatever has gone before, an empty query is answered now. Nothing else here is one."""

_QUERIES = (
    "SELECT 1",
    "SELECT 1 / 0",
    "SELEC",
    "SELECT 1; SELECT 1 / 0; SELECT 2",
    "SELECT 1; BEGIN",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "DELETE FROM items WHERE n = 1",
    "SELECT count(*) FROM items",
    "DEALLOCATE a",
    "DEALLOCATE ALL",
    "DISCARD ALL",
    "PREPARE mine AS SELECT 1",
    "EXECUTE mine",
    "DEALLOCATE mine",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET LOCAL TimeZone = 'Asia/Seoul'",
    "SHOW TimeZone",
    "RESET ALL",
    "SET work_mem = '7MB'",
    "SHOW work_mem",
    "CREATE TEMP TABLE mine AS SELECT 1 AS n",
    "SELECT n + 0 FROM mine",
    "DROP TABLE mine",
    "LISTEN news",
    "NOTIFY news, 'x'",
    "UNLISTEN *",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_unlock(1)",
    "DECLARE c CURSOR WITH HOLD FOR SELECT n FROM items ORDER BY n",
    "FETCH 1 FROM c",
    "DO $$ BEGIN RAISE NOTICE 'a notice'; END $$",
    "COPY (SELECT n FROM items ORDER BY n) TO STDOUT",
)

FRAGMENTS: dict[str, Script] = {
    WAIT: SETTLED,
    "Sync": [SYNC],
    "Flush": [FLUSH],
    **{f"Query {sql}": [query(sql)] for sql in _QUERIES},
    **{f"batch of {sql}": [ask(sql)] for sql in _QUERIES},
    "Parse a": [parse("a", ONE)],
    "Parse a, for rows": [parse("a", ROWS)],
    "Parse b": [parse("b", ROWS)],
    "Parse b, as a is": [parse("b", ONE)],
    "Parse": [parse("", ONE)],
    "Parse, for rows": [parse("", ROWS)],
    "Parse that fails": [parse("", "SELEC")],
    "Parse a that fails": [parse("a", "SELECT nothing")],
    "run a": [run("a", "2")],
    "run b": [run("b", "2")],
    "run the unnamed": [run("", "2")],
    "run nobody": [run("nobody", "2")],
    "Bind portal p to a": [bind("p", "a", ["1"])],
    "Bind portal p to b": [bind("p", "b", ["1"])],
    "Bind a with too many values": [bind("", "a", ["1", "2"])],
    "Execute p": [execute("p")],
    "Execute p for a row": [execute("p", 1)],
    "Execute": [execute()],
    "Describe portal p": [describe_portal("p")],
    "Describe statement a": [describe_statement("a")],
    "Describe statement b": [describe_statement("b")],
    "Describe the unnamed statement": [describe_statement()],
    "Close statement a": [close_statement("a")],
    "Close the unnamed statement": [close_statement()],
    "Close portal p": [close_portal("p")],
    "call a function": [function_call(177, struct.pack("!i", 1), struct.pack("!i", 2))],
    "call no function": [function_call(0)],
    "Query COPY in": [query(INTO) + DATA + COPY_DONE],
    "Query COPY in, which fails": [query(INTO) + DATA + copy_data(b"x\n") + DATA + COPY_DONE],
    "Query COPY in, which is given up": [query(INTO) + DATA + copy_fail("no")],
    "batch of COPY in": [ask(INTO) + DATA + COPY_DONE],
    "batch of COPY in, with Sync": [ask(INTO) + SYNC + DATA + COPY_DONE + SYNC],
    "late messages of a copy": [DATA + COPY_DONE],
    "Bind that is cut short": [message("B", b"\0a\0")],
    "Parse that is cut short": [message("P", b"a\0SELECT")],
    "Query that does not end": [message("Q", b"SELECT 1")],
}


def compose(names: list[str]) -> Script:
    """These fragments one after the other, and a wait at the end."""
    return [step for name in (*names, WAIT) for step in FRAGMENTS[name]]
