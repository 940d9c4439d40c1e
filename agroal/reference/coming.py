"""Coming from another pool: what becomes of its files."""

from __future__ import annotations

from collections.abc import Iterable

from agroal.config.keys import Support
from agroal.config.settings import KEYS
from agroal.importing.bouncer_keys import DATABASES, MAIN, USERS, Key
from agroal.importing.findings import Outcome
from agroal.importing.pgagroal import OTHERWISE
from agroal.reference.page import Block, Blocks, Code, Heading, Table, Text, literal, sentence

IMPORT = """\
agroal-admin master-key                                  # once, if there is none
agroal-admin import -o /etc/agroal {file}
agroal --check -D /etc/agroal                            # what is in force, and from which line
agroal doctor -D /etc/agroal                             # whether PostgreSQL agrees with it
"""

_WORDS = {
    Outcome.TAKEN: "taken over",
    Outcome.CHANGED: "taken over, changed",
    Outcome.WITHOUT: "no equivalent",
    Outcome.NEEDLESS: "needless",
    Outcome.HUMAN: "needs you",
}

_REPORT = Text(
    "`import` writes `agroal.conf`, `agroal_hba.conf`, `agroal_databases.conf`, the encrypted files of users, and "
    "`import-report.md` with a line for everything that it met: what was taken over and how, what has no equivalent "
    "and what to do instead, and what needs somebody to look at it. Nothing is overwritten without `--force`; "
    "`--dry-run` shows what would be written; `-F json` tells programs. At its end it loads what it wrote, as "
    "`agroal --check` does."
)

BOUNCER: Blocks = (
    Text("`agroal-admin import` makes agroal's files of `pgbouncer.ini` and of the files that it names."),
    Code(IMPORT.format(file="/etc/pgbouncer/pgbouncer.ini")),
    _REPORT,
    Heading("What is different"),
    Table(
        ("in short", "that is"),
        (
            (
                "One daemon serves one PostgreSQL",
                "When the databases are on several hosts, each host gets files of its own in a directory of its own, "
                "and a port of its own after the first. A list of hosts is not spread over.",
            ),
            (
                "Clients are who they are",
                "agroal logs in to PostgreSQL as the user that the client is. A `user=` in a connection string, with "
                "which PgBouncer logs in for everybody, has no equivalent: clients come in as that user.",
            ),
            (
                "Limits are lines",
                "PgBouncer has a pool for each pair of a database and a user; each pair whose user is in the "
                "`auth_file` gets a line in `agroal_databases.conf`. `max_db_connections` makes one line for all "
                "users of the database, `max_user_connections` one for all databases of the user, `*` the line `all "
                "all`. The closest line counts, and only that one. All lines together are `max_connections`, so "
                "compare it with PostgreSQL's (`agroal doctor` does), and lower what nobody needs.",
            ),
            (
                "Names of databases are aliases",
                "`shop = dbname=shop_v2` becomes `shop_v2=shop`. Several names of one database share its pool, which "
                "has the sum of their sizes.",
            ),
            (
                "Who is not let in by PgBouncer stays out",
                "Databases that are not in `[databases]` are in no line of the hba file; users who are not in the "
                "`auth_file` are unknown; a line of an hba file whose method agroal does not have becomes `reject`.",
            ),
            (
                "Secrets",
                "The `auth_file` becomes the vault, encrypted with the master key. A password does everything. A "
                "SCRAM verifier lets clients in, and agroal logs in with what a client has shown, if PostgreSQL "
                "stores the very same verifier; nobody can open connections beforehand with it. An md5 hash lets "
                "clients in by `md5` and `password`, and logs in to a PostgreSQL that asks for md5.",
            ),
            (
                "Waiting",
                "Clients wait in turn, for `blocking_timeout`; who gives up or is refused hears why. There is no "
                "bound on clients but the file descriptors.",
            ),
            (
                "The console",
                "`psql -p 6432 pgbouncer`, for `admin_users` and `stats_users`, with `SHOW POOLS` and the rest. "
                "Prometheus metrics, `agroal-cli` and `agroal-top` show more.",
            ),
        ),
    ),
)

AGROAL: Blocks = (
    Text(
        "A directory with pgagroal's files can be used as it is: `agroal -D /etc/pgagroal` reads `pgagroal.conf` and "
        "the files beside it, and `[pgagroal]` means `[agroal]`. `agroal-admin import` rewrites them under agroal's "
        "names, with comments, without what means nothing here, and with the vault under agroal's master key."
    ),
    Code(IMPORT.format(file="/etc/pgagroal/pgagroal.conf")),
    _REPORT,
    Text(
        "pgagroal's master key is looked for in `~/.pgagroal/master.key`, then where agroal's is; `--source-key` "
        "names another place. Files of users from pgagroal 2.1 and newer can be read; older ones can't: add the "
        "users again."
    ),
    Text(
        "IPv4 networks in the hba file count to the last bit; pgagroal rounds masks up to whole bytes. If a line of "
        "that file can't be understood, it and all lines after it are left out, so that nobody comes in whom it kept "
        "out."
    ),
)


def bouncer_page() -> Blocks:
    """docs/coming-from-pgbouncer.md"""
    blocks: list[Block] = list(BOUNCER)
    for title, keys in (
        ("The keys of [pgbouncer]", MAIN),
        ("The connection strings in [databases]", DATABASES),
        ("The lines in [users]", USERS),
    ):
        blocks += [Heading(title), _table(keys)]
    return (
        *blocks,
        Text("All keys of PgBouncer 1.25 are there. `[peers]` has no equivalent: one daemon is one process."),
    )


def agroal_page() -> Blocks:
    """docs/coming-from-pgagroal.md"""
    needless = tuple((literal(key.name), sentence(key.doc)) for key in KEYS if key.support is Support.NEVER)
    return (
        *AGROAL,
        Heading("Keys with another meaning"),
        Table(("key", "here"), tuple((literal(name), sentence(says)) for name, says in OTHERWISE.items())),
        Heading("Keys without a meaning"),
        Table(("key", "why"), needless),
    )


def _table(keys: Iterable[Key]) -> Table:
    rows = tuple((literal(k.name), _WORDS[k.outcome], literal(k.becomes), k.says) for k in keys)
    return Table(("key", "is", "becomes", "to know"), rows)
