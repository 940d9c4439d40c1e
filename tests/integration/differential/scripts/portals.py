"""Portals: suspended, taken up again, described, closed, unknown."""

from __future__ import annotations

from tests.integration.by_hand import FLUSH
from tests.integration.differential.words import (
    READY,
    Hear,
    Scripts,
    bind,
    close_portal,
    describe_portal,
    describe_statement,
    each,
    execute,
    parse,
    run,
)
from tests.unit.wire.messages import SYNC

COUNT = "SELECT count(*) FROM items"
FROM = "SELECT n, t FROM items WHERE n > $1 ORDER BY n"

PORTALS: Scripts = {
    "Q03 a cursor of asyncpg in a transaction": [
        *each("BEGIN"),
        parse("s", FROM) + describe_statement("s") + FLUSH,
        Hear("T"),
        bind("p", "s", ["0"]) + execute("p", 2) + SYNC,
        Hear("s"),
        READY,
        execute("p", 2) + SYNC,
        Hear("s"),
        READY,
        execute("p", 2) + SYNC,
        READY,
        close_portal("p") + SYNC,
        READY,
        *each("COMMIT"),
    ],
    "Q06 a portal is suspended": [
        parse("", FROM)
        + bind("", "", ["0"])
        + execute("", 2)
        + execute("", 2)
        + execute("", 2)
        + execute("", 2)
        + SYNC,
        READY,
    ],
    "Q06 a suspended portal ends with its batch": [
        parse("", FROM) + bind("p", "", ["0"]) + execute("p", 2) + SYNC,
        READY,
        execute("p", 2) + SYNC,
        READY,
    ],
    "Q06 a suspended portal goes on behind a Flush": [
        parse("", FROM) + bind("p", "", ["0"]) + execute("p", 2) + FLUSH,
        Hear("s"),
        execute("p") + FLUSH,
        Hear("C"),
        SYNC,
        READY,
    ],
    "Q06 portals take turns in a transaction": [
        *each("BEGIN"),
        parse("s", FROM) + bind("p", "s", ["0"]) + bind("q", "s", ["2"]) + execute("p", 1) + execute("q", 1) + SYNC,
        READY,
        execute("q", 1) + execute("p", 1) + SYNC,
        READY,
        close_portal("q") + execute("p", 0) + SYNC,
        READY,
        execute("q", 1) + SYNC,
        READY,
        *each("ROLLBACK"),
    ],
    "Q06 a portal outlives Queries in a transaction": [
        *each("BEGIN"),
        parse("", FROM) + bind("p", "", ["0"]) + execute("p", 2) + SYNC,
        READY,
        *each(COUNT),
        execute("p", 1) + SYNC,
        READY,
        *each("COMMIT"),
        execute("p", 1) + SYNC,
        READY,
    ],
    "Q06 a portal with the name of another": [
        parse("", FROM) + bind("p", "", ["0"]) + bind("p", "", ["1"]) + SYNC,
        READY,
    ],
    "Q06 the unnamed portal is overwritten": [
        parse("", FROM) + bind("", "", ["0"]) + bind("", "", ["3"]) + execute() + SYNC,
        READY,
    ],
    "Q06 a portal runs to its end and again": [
        parse("", FROM) + bind("", "", ["3"]) + execute() + execute() + SYNC,
        READY,
    ],
    "Q06 a closed portal leaves its statement": [
        parse("s", FROM)
        + bind("p", "s", ["3"])
        + execute("p")
        + close_portal("p")
        + bind("p", "s", ["4"])
        + execute("p")
        + SYNC,
        READY,
        run("s", "3") + SYNC,
        READY,
    ],
    "Q06 a portal is described before and behind its end": [
        parse("", FROM) + bind("p", "", ["0"]) + describe_portal("p") + execute("p", 1) + describe_portal("p") + SYNC,
        READY,
    ],
    "Q07 unknown portals": [
        describe_portal("p") + SYNC,
        READY,
        execute("p") + SYNC,
        READY,
        describe_portal() + SYNC,
        READY,
        execute() + SYNC,
        READY,
        close_portal("p") + close_portal() + SYNC,
        READY,
    ],
    "Q07 unknown portals in a transaction": [*each("BEGIN"), execute("p") + SYNC, READY, *each("SELECT 1", "ROLLBACK")],
}
