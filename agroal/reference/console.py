"""The SQL console: its tables and commands, as they are declared, and where it differs from PgBouncer's."""

from __future__ import annotations

from agroal.console.commands import COMMANDS
from agroal.console.errands import SQLSTATES
from agroal.console.face import Face
from agroal.console.identity import FUNCTIONS, IGNORED
from agroal.console.inside import EQUIVALENTS, PGBOUNCER_VERSION
from agroal.console.shows import SHOWS
from agroal.console.table import AnyShow
from agroal.console.tokens import LONGEST_QUERY, MOST_STATEMENTS
from agroal.reference.page import Block, Blocks, Code, Heading, Table, Text, literal, sentence

WHAT = (
    Text(
        "agroal itself is a database, by two names. `agroal` shows all that it knows. `pgbouncer` shows the columns of "
        f"PgBouncer {PGBOUNCER_VERSION[:4]}, with their types, so that what was made for PgBouncer works: dashboards, "
        "exporters, scripts."
    ),
    Code(
        'psql "host=pool.example port=2345 user=ops dbname=agroal" -c "SHOW POOLS"\n'
        'psql "host=/run/agroal port=2345 dbname=pgbouncer" -c "SHOW CLIENTS"'
    ),
    Text(
        "It needs no server and takes no slot, so it answers while PostgreSQL is down, while clients wait for "
        "servers, when there is no room for more clients, and during a graceful shutdown, which does not wait for "
        "it. Everything is done by the verbs of [agroal-cli](commands.md), by the same rules, and written into the "
        "log and the events with the name and the address of who asked."
    ),
)

WHO = (
    Heading("Who may use it"),
    Text(
        "It is there for everybody once there are users in `agroal_admins.conf` (`agroal-admin -f agroal_admins.conf "
        "user add`), and always for who runs as the daemon's own user and comes over the Unix socket. Otherwise "
        "`agroal` and `pgbouncer` are names like any other, and clients that ask for them are led to PostgreSQL."
    ),
    Table(
        ("who", "comes in", "may"),
        (
            ("a user of `agroal_admins.conf`", "by SCRAM-SHA-256, or by certificate", "do everything"),
            ("one of those that the key `monitors` names", "likewise", "look: SHOW"),
            (
                "the daemon's own user, on the Unix socket",
                "without a password, under any name, whatever the HBA file says",
                "do everything",
            ),
        ),
    ),
    Text(
        "The first line of `agroal_hba.conf` that is about `agroal` or `pgbouncer`, whichever was asked for, about "
        "`admin`, or about `all`, decides. It can reject, ask for TLS (`hostssl`) or a certificate (`cert`). With "
        "any other method, trust as well, the password is asked for by SCRAM-SHA-256: a line that trusts clients of "
        "databases is not about administrators. Who is no admin is told what a wrong password is told. After some "
        "failures from one address the next attempts have to wait. What a user may do is looked up for each command, "
        "so who is taken out of the file or gets another password is disconnected at the next one after the reload."
    ),
)

COURTESY = (
    Heading("Drivers"),
    Text(
        "Simple and extended protocol; several statements in one simple query; prepared statements, pipelines, a "
        "number of rows at a time; results as text or binary. COPY, function calls and parameters (`$1`) are "
        "refused. BEGIN, COMMIT and ROLLBACK are answered as PostgreSQL does, an aborted transaction included, but "
        "what was done is done. What drivers and their pools say to any PostgreSQL is answered, and changes nothing:"
    ),
    Table(
        ("statement", "answer"),
        (
            ("`SET name = value`", "done, for " + ", ".join(map(literal, sorted(IGNORED)))),
            ("`SHOW name`", "the value, for the same and `server_version` and its like"),
            ("`SELECT 1, 'text'`", "a row of these constants"),
            ("`SELECT f()`", "for " + ", ".join(map(literal, FUNCTIONS))),
            ("`RESET`, `DISCARD`, `DEALLOCATE`, `CLOSE ALL`, `UNLISTEN`", "done"),
        ),
    ),
    Text(
        "Other queries, for example of psql's `\\d`, are an error, and the console goes on. Drivers that load types "
        "from the catalogue need to be told not to (Npgsql: Server Compatibility Mode=NoTypeLoading)."
    ),
    Text(
        f"A query has at most {LONGEST_QUERY} characters and {MOST_STATEMENTS} statements. Errors have "
        "PostgreSQL's codes: 42601 for what can't be understood, 42704 for an unknown SHOW, 42501 for who may only "
        "look, 0A000 for what is not supported, 57014 for what was cancelled; of verbs that say no: "
        + ", ".join(f"{state} ({code.value})" for code, state in SQLSTATES.items())
        + "; else 58000."
    ),
)

DIFFERENCES = (
    Heading("What is different from PgBouncer"),
    Table(
        ("", "PgBouncer", "agroal"),
        (
            ("protocol", "simple only", "simple and extended"),
            ("`SHOW HELP`", "a notice", "a table"),
            (
                "`PAUSE`",
                "an error when it is paused already",
                "waits again. In both a cancel (^C) while it waits takes it back",
            ),
            ("`RESUME`", "an error when nothing is paused", "says so in a notice"),
            (
                "`KILL`",
                "ends all clients of the database, and holds new ones until `RESUME`",
                "ends those that have a server; those that wait or want none stay, and are held with the new ones",
            ),
            (
                "`SHUTDOWN WAIT_FOR_CLIENTS`, `WAIT_FOR_SERVERS`",
                "closes the TCP sockets, leaves the Unix sockets to the console",
                "refuses new clients on all; the console is open on all",
            ),
            ("`SHUTDOWN WAIT_FOR_SERVERS`", "disconnects clients that wait for a server", "holds them to the end"),
            ("`SUSPEND`, `WAIT_CLOSE`", "", "not supported"),
            ("`SHOW FDS`", "hands descriptors over, shows cancel keys and passwords", "only shows that they are there"),
            ("`SHOW POOLS`, `SHOW DATABASES`", "have a row for the console itself", "have none"),
            ("`SHOW DATABASES`", "", "has a row for each alias, too"),
            (
                "`avg_…` of STATS",
                "of the last `stats_period`, a minute",
                "since somebody looked before, at least a minute ago: ask every minute or more often and it is the "
                "last one or two",
            ),
            ("`ptr`, `link`", "addresses in memory", "`C7` is client 7, `S3` the server in slot 3"),
            (
                "`id` of CLIENTS",
                "for `KILL_CLIENT`",
                "likewise; the same as in agroal-cli and agroal-top",
            ),
            ("`request_time`", "of the last request", "since when it has been in its state"),
            ("`memtotal` of MEM", "int4", "int8, which does not overflow"),
            (
                "`SHOW CONFIG`",
                "its keys",
                "PgBouncer's keys that mean the same, then agroal's own, spelled as in agroal.conf",
            ),
            ("`SET`", "to the next `RELOAD`", "likewise; a key that needs a restart is refused"),
        ),
    ),
    Text("Keys of PgBouncer in `SHOW CONFIG` and `SET`, under the name `pgbouncer`:"),
    Table(("key", "is agroal's"), tuple((literal(name), literal(key)) for name, key in EQUIVALENTS.items())),
)


def page() -> Blocks:
    return (*WHAT, *WHO, *_commands(), *_tables(), *COURTESY, *DIFFERENCES)


def _commands() -> Blocks:
    rows = [(literal(command.usage), sentence(command.doc)) for command in COMMANDS]
    rows.append((literal("SET key = value"), "Change a key of the configuration until the next reload or start."))
    return (
        Heading("Commands"),
        Text("A name that is not just letters, digits and underscores is put in quotes. `all` is all databases."),
        Table(("command", "does"), tuple(rows)),
    )


def _tables() -> Blocks:
    return (
        Heading("Tables"),
        Text("Columns marked with a plus are shown under the name `agroal` only."),
        *(block for show in SHOWS for block in _table(show)),
    )


def _table(show: AnyShow) -> tuple[Block, ...]:
    theirs = show.seen(Face.PGBOUNCER)
    rows = tuple(
        (
            f"{literal(column.name)}{'' if column in theirs else ' +'}",
            column.type.name.lower(),
            column.doc,
        )
        for column in show.columns
    )
    title = f"SHOW {show.name.upper()}"
    return Heading(title, 2), Text(sentence(show.doc)), Table(("column", "type", "holds"), rows)
