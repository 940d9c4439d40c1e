"""Sessions that are made new by their client.

What is not set any more has the value that the server's own session began with. That is the pool's affair, except for
`application_name`: here the client has the name that the pool gives itself.
"""

from __future__ import annotations

from tests.integration.by_hand import query
from tests.integration.differential.words import READY, Hear, Script, Scripts, ask, asked, each, parse, run
from tests.unit.wire.messages import SYNC

NAMED = ("application_name", "agroal")

ONE = "SELECT 'one', $1::text"
TWO = "SELECT 2, 'two', $1::int"
BOTH: Script = [parse("a", ONE) + parse("b", TWO) + SYNC, READY]
USE_BOTH: Script = [run("a", "x") + SYNC, READY, run("b", "1") + SYNC, READY]

FORGETTING: Scripts = {
    **{
        f"Q15 {sql!r} by {how}": [*BOTH, *say, *USE_BOTH, parse("a", TWO) + run("a", "3") + SYNC, READY]
        for sql in ("DISCARD ALL", "discard all", "/**/DISCARD\tALL -- now")
        for how, say in (("Query", each(sql)), ("Execute", asked(sql)))
    },
    "Q15 DISCARD ALL in flight": [*BOTH, query("DISCARD ALL") + run("a", "x") + SYNC + query("SELECT 1"), Hear("Z", 3)],
    "Q15 DISCARD ALL in a transaction": [*BOTH, *each("BEGIN", "DISCARD ALL", "ROLLBACK"), *USE_BOTH],
    "Q15 DISCARD ALL behind an error in a batch": [
        *BOTH,
        ask("SELECT 1 / 0") + ask("DISCARD ALL") + SYNC,
        READY,
        *USE_BOTH,
    ],
    "Q15 DISCARD ALL as a prepared statement": [
        *BOTH,
        parse("d", "DISCARD ALL") + SYNC,
        READY,
        run("d") + SYNC,
        READY,
        *USE_BOTH,
        run("d") + SYNC,
        READY,
    ],
    "Q15 DISCARD ALL forgets what a server was kept for": each(
        "CREATE TEMP TABLE mine (n int)",
        "LISTEN news",
        "SELECT pg_advisory_lock(1)",
        "PREPARE mine AS SELECT 1",
        "DISCARD ALL",
        "SELECT count(*) FROM mine",
        "NOTIFY news",
        "SELECT pg_advisory_unlock(1)",
        "EXECUTE mine",
    ),
    "RESET ALL": each(
        "SET TimeZone = 'Asia/Tokyo'",
        "SET work_mem = '7MB'",
        "SELECT 1",
        "RESET ALL",
        "SHOW TimeZone",
        "SHOW work_mem",
        "SELECT 1",
        "SET application_name = 'x'",
        "RESET application_name",
        "SHOW application_name",
    ),
    "RESET ALL by batches": [
        *asked("SET work_mem = '7MB'"),
        *asked("SHOW work_mem"),
        *asked("RESET ALL"),
        *asked("SHOW work_mem"),
    ],
    "Q15 DISCARD ALL makes the session new": [
        *each("SET TimeZone = 'Asia/Tokyo'", "SET work_mem = '7MB'", "DISCARD ALL", "SHOW TimeZone", "SHOW work_mem")
    ],
}
