"""What clients do within one transaction or a few: each deed knows every message of its answer.

A deed leaves nothing behind in its session, except what a later one checks: prepared statements and settings.
"""

from __future__ import annotations

from tests.integration.torture.client import ZONES, Client
from tests.integration.torture.wire import (
    BOUND,
    CLOSED,
    COPY_DONE,
    COPY_IN,
    COPY_OUT,
    COPY_OVER,
    EMPTY,
    FAILED,
    FLUSH,
    IN_TRANSACTION,
    NO_DATA,
    PARSED,
    READY,
    SUSPENDED,
    Said,
    bind,
    close_portal,
    close_statement,
    columns,
    copy_data,
    copy_fail,
    describe_portal,
    describe_statement,
    error,
    execute,
    line,
    parse,
    query,
    row,
    tag,
)
from tests.unit.wire.messages import SYNC

TABLES = (
    "CREATE UNLOGGED TABLE accounts (name text PRIMARY KEY, n int)",
    "CREATE UNLOGGED TABLE copied (name text, n int, token text)",
    "GRANT ALL ON accounts, copied TO PUBLIC",
)

NAMES = ("s1", "s2", "plan", "")
"""Every client calls its prepared statements so; the last is the unnamed one."""


# Simple queries


async def a_plain_query(client: Client) -> None:
    token, rows = client.token(), client.random.randrange(6)
    answer = [row(token, str(n)) for n in range(1, rows + 1)]
    sql = f"SELECT '{token}' AS token, n FROM generate_series(1, {rows}) AS n"
    await client.ask(query(sql), columns("token", "n"), *answer, tag(f"SELECT {rows}"), READY)


async def several_statements(client: Client) -> None:
    one, two = client.token(), client.token()
    heard = [columns("a"), row(one), tag("SELECT 1"), columns("b"), row(two), tag("SELECT 1")]
    await client.ask(query(f"SELECT '{one}' AS a; SELECT '{two}' AS b"), *heard, READY)


async def an_error_between_statements(client: Client) -> None:
    token = client.token()
    sql = f"SELECT '{token}' AS a; SELECT 1 / 0; SELECT 'never'"
    await client.ask(query(sql), columns("a"), row(token), tag("SELECT 1"), error("22012"), READY)


async def nothing(client: Client) -> None:
    await client.ask(query(client.random.choice(("", ";", "-- nothing"))), EMPTY, READY)


async def queries_that_do_not_wait(client: Client) -> None:
    """Each is sent before the one before it is answered."""
    tokens = [client.token() for _ in range(client.random.randrange(2, 8))]
    heard = [said for token in tokens for said in (columns("c"), row(token), tag("SELECT 1"), READY)]
    await client.ask(b"".join(query(f"SELECT '{token}' AS c") for token in tokens), *heard)


async def a_nap(client: Client) -> None:
    """Long enough for a cancel request to hit it."""
    token = client.token()
    sql = f"SELECT '{token}' AS c FROM pg_sleep(0.01)"
    await client.ask(query(sql), columns("c"), row(token), tag("SELECT 1"), READY)


async def a_statement_timeout(client: Client) -> None:
    sql = "BEGIN; SET LOCAL statement_timeout = 1; DO 'BEGIN PERFORM pg_sleep(10); END'"
    await client.ask(query(sql), tag("BEGIN"), tag("SET"), error("57014"), FAILED)
    await client.ask(query("ROLLBACK"), tag("ROLLBACK"), READY)


async def a_great_row(client: Client) -> None:
    """Heard by one who stops listening in the middle of it."""
    token, size = client.token(), client.random.choice((1000, 100_000, 1_000_000))
    sql = f"SELECT '{token}' || repeat('{token[-1]}', {size}) AS c"
    client.wire.cover_ears(0.01)
    heard = [columns("c"), row(token + token[-1] * size), tag("SELECT 1"), READY]
    await client.ask(query(sql) + query("SELECT 1 AS c"), *heard, columns("c"), row("1"), tag("SELECT 1"), READY)


# Batches of the extended protocol


async def an_unnamed_statement(client: Client) -> None:
    token = client.token()
    said = parse("SELECT $1::text AS v, $2::text AS w") + bind(token, None) + describe_portal() + execute() + SYNC
    client.statements.pop("", None)
    await client.ask(said, PARSED, BOUND, columns("v", "w"), row(token, None), tag("SELECT 1"), READY)


async def an_unnamed_statement_is_used_again(client: Client) -> None:
    """In transactions of their own: it lives until the next Parse or Query."""
    theirs = client.token()
    await client.ask(parse(_statement(theirs)) + SYNC, PARSED, READY)
    for _ in range(3):
        token = client.token()
        said = bind(token) + describe_portal() + execute() + SYNC
        answer = columns("theirs", "token"), row(theirs, token), tag("SELECT 1")
        await client.ask(said, BOUND, *answer, READY)
    client.statements[""] = theirs


async def a_prepared_statement(client: Client) -> None:
    """It is prepared where it is not yet, and used long after."""
    name = client.random.choice(NAMES)
    if name not in client.statements:
        token = client.token()
        said, heard = parse(_statement(token), name) + describe_statement(name) + SYNC, ("t",)
        await client.ask(said, PARSED, heard, columns("theirs", "token"), READY)
        client.statements[name] = token
    else:
        token = client.token()
        answer = row(client.statements[name], token)
        said = bind(token, name=name) + describe_portal() + execute() + SYNC
        await client.ask(said, BOUND, columns("theirs", "token"), answer, tag("SELECT 1"), READY)


async def a_prepared_statement_that_is_there_already(client: Client) -> None:
    name = client.random.choice(NAMES[:-1])
    if name in client.statements:
        await client.ask(parse("SELECT 1", name) + bind("x") + SYNC, error("42P05"), READY)
    else:
        await client.ask(bind(client.token(), name=name) + execute() + SYNC, error("26000"), READY)


async def a_statement_is_closed_and_made_anew(client: Client) -> None:
    name, new, value = client.random.choice(NAMES), client.token(), client.token()
    said = close_statement(name) + parse(_statement(new), name) + bind(value, name=name) + execute() + SYNC
    client.statements.pop(name, None)
    await client.ask(said, CLOSED, PARSED, BOUND, row(new, value), tag("SELECT 1"), READY)
    client.statements[name] = new


async def a_statement_is_given_up(client: Client) -> None:
    """In one of the ways there are; of what is not there in any case."""
    match client.random.randrange(5):
        case 0:
            await client.ask(close_statement("nobody") + close_statement("") + SYNC, CLOSED, CLOSED, READY)
            client.statements.pop("", None)
        case 1:
            name = client.random.choice(NAMES[:-1])
            heard = tag("DEALLOCATE") if name in client.statements else error("26000")
            client.statements.pop(name, None)
            await client.ask(query(f"deallocate {name}"), heard, READY)
        case 2:
            client.statements = {name: token for name, token in client.statements.items() if not name}
            await client.ask(query("DEALLOCATE ALL"), tag("DEALLOCATE ALL"), READY)
            client.statements.pop("", None)
        case 3:
            name = client.random.choice(NAMES)
            await client.ask(close_statement(name) + SYNC, CLOSED, READY)
            client.statements.pop(name, None)
        case _:
            await client.ask(query("DISCARD ALL"), tag("DISCARD ALL"), READY)
            client.statements.clear()
            client.settings = {}


async def a_batch(client: Client) -> None:
    """Several Syncs under way at once, and errors that skip to the next of them."""
    said, heard = b"", list[Said]()
    client.statements.pop("", None)
    for _ in range(client.random.randrange(1, 5)):
        failed = False
        for _ in range(client.random.randrange(1, 5)):
            token, wrong = client.token(), client.random.random() < 0.15
            said += parse(f"SELECT $1::text AS v, 1 / {int(not wrong)}::int AS d" if wrong else "SELECT $1::text AS v")
            said += bind(token) + execute()
            if not failed:
                heard += [PARSED, error("22012")] if wrong else [PARSED, BOUND, row(token), tag("SELECT 1")]
            failed = failed or wrong
        said += SYNC
        heard.append(READY)
    await client.ask(said, *heard)


async def flush_before_sync(client: Client) -> None:
    """Answers are asked for before the batch is over, as drivers do that describe first."""
    token = client.token()
    client.statements.pop("", None)
    await client.ask(parse("SELECT $1::text AS v") + describe_statement() + FLUSH, PARSED, ("t",), columns("v"))
    await client.ask(bind(token) + execute() + FLUSH, BOUND, row(token), tag("SELECT 1"))
    await client.ask(SYNC, READY)


async def a_portal_in_pieces(client: Client) -> None:
    token, portal = client.token(), client.random.choice(("", "portal"))
    rows = [row(token, str(n)) for n in range(1, 6)]
    client.statements.pop("", None)
    sql = "SELECT $1::text AS v, n FROM generate_series(1, 5) AS n"
    said = parse(sql) + bind(token, portal=portal) + execute(2, portal) + FLUSH
    await client.ask(said, PARSED, BOUND, *rows[:2], SUSPENDED)
    await client.ask(execute(2, portal) + FLUSH, *rows[2:4], SUSPENDED)
    await client.ask(execute(0, portal) + close_portal(portal) + SYNC, rows[4], tag("SELECT 1"), CLOSED, READY)


async def a_mistake(client: Client) -> None:
    client.statements.pop("", None)
    said, sqlstate, sooner = client.random.choice(
        [
            (parse("SELEC 1") + bind() + execute(), "42601", []),
            (parse("SELECT $1::text") + bind(), "08P01", [PARSED]),
            (execute(0, "nowhere"), "34000", []),
            (describe_statement("nobody"), "26000", []),
            (describe_portal("nowhere"), "34000", []),
            (parse("SELECT 1 FROM nowhere") + execute(), "42P01", []),
        ]
    )
    await client.ask(said + SYNC, *sooner, error(sqlstate), READY)


# COPY


async def copy_out(client: Client) -> None:
    token, rows = client.token(), client.random.choice((0, 1, 10, 1000))
    lines = [line(f"{token}\t{n}\n") for n in range(1, rows + 1)]
    sql = f"COPY (SELECT '{token}', n FROM generate_series(1, {rows}) AS n) TO STDOUT"
    heard = [COPY_OUT, *lines, COPY_OVER, tag(f"COPY {rows}"), READY]
    if client.random.random() < 0.5:
        await client.ask(query(sql), *heard)
    else:
        client.statements.pop("", None)
        said = parse(sql) + bind() + describe_portal() + execute() + SYNC
        await client.ask(said, PARSED, BOUND, NO_DATA, *heard)


async def copy_in(client: Client) -> None:
    """And count what came in."""
    token, rows = client.token(), client.random.choice((0, 1, 10, 1000))
    data = "".join(f"{client.name}\t{n}\t{token}\n" for n in range(rows))
    if client.random.random() < 0.5:
        await client.ask(query("COPY copied FROM STDIN"), COPY_IN)
        client.say(copy_data(data[: len(data) // 2]))
        await client.ask(copy_data(data[len(data) // 2 :]) + COPY_DONE, tag(f"COPY {rows}"), READY)
    else:
        client.statements.pop("", None)
        await client.ask(parse("COPY copied FROM STDIN") + bind() + execute() + FLUSH, PARSED, BOUND, COPY_IN)
        await client.ask(copy_data(data) + COPY_DONE + SYNC, tag(f"COPY {rows}"), READY)
    sql = f"SELECT count(*) AS n, min(name) AS name FROM copied WHERE token = '{token}'"
    answer = row(str(rows), client.name if rows else None)
    await client.ask(query(sql), columns("n", "name"), answer, tag("SELECT 1"), READY)
    await client.ask(query(f"DELETE FROM copied WHERE token = '{token}'"), tag(f"DELETE {rows}"), READY)


async def copy_in_that_fails(client: Client) -> None:
    await client.ask(query("COPY copied FROM STDIN"), COPY_IN)
    token = client.token()
    client.say(copy_data(f"{client.name}\t1\t{token}\n"))
    if client.random.random() < 0.5:
        await client.ask(copy_fail("second thoughts"), error("57014"), READY)
    else:
        await client.ask(copy_data(f"{client.name}\tnone\t{token}\n") + COPY_DONE, error("22P02"), READY)


# Transactions


async def a_transaction(client: Client) -> None:
    """With savepoints and an error; what was committed is there afterwards, and nothing else."""
    key, kept = client.token(), client.random.random() < 0.7
    await client.ask(query("BEGIN"), tag("BEGIN"), IN_TRANSACTION)
    await client.ask(query(f"INSERT INTO accounts VALUES ('{key}', 1)"), tag("INSERT 0 1"), IN_TRANSACTION)
    await client.ask(query("SAVEPOINT here"), tag("SAVEPOINT"), IN_TRANSACTION)
    await client.ask(query(f"UPDATE accounts SET n = 2 WHERE name = '{key}'"), tag("UPDATE 1"), IN_TRANSACTION)
    await client.ask(query("SELECT 1 / 0"), error("22012"), FAILED)
    await client.ask(query("SELECT 1"), error("25P02"), FAILED)
    await client.ask(query("ROLLBACK TO here"), tag("ROLLBACK"), IN_TRANSACTION)
    client.statements.pop("", None)
    said = parse("UPDATE accounts SET n = n + 2 WHERE name = $1 RETURNING n") + bind(key) + execute() + SYNC
    await client.ask(said, PARSED, BOUND, row("3"), tag("UPDATE 1"), IN_TRANSACTION)
    end = "COMMIT" if kept else "ROLLBACK"
    await client.ask(query(end), tag(end), READY)
    rows = [row("3")] if kept else []
    sql = f"DELETE FROM accounts WHERE name = '{key}' RETURNING n"
    await client.ask(query(sql), columns("n"), *rows, tag(f"DELETE {len(rows)}"), READY)


async def a_failed_transaction_is_committed(client: Client) -> None:
    await client.ask(query("BEGIN; SELECT 1 / 0"), tag("BEGIN"), error("22012"), FAILED)
    await client.ask(query("COMMIT"), tag("ROLLBACK"), READY)


async def a_transaction_in_one_batch(client: Client) -> None:
    token = client.token()
    client.statements.pop("", None)
    statements = ("BEGIN", "SELECT $1::text AS v", "COMMIT")
    said = b"".join(parse(sql) + bind(*([token] if "$1" in sql else [])) + execute() for sql in statements) + SYNC
    step = (PARSED, BOUND)
    heard = [*step, tag("BEGIN"), *step, row(token), tag("SELECT 1"), *step, tag("COMMIT"), READY]
    await client.ask(said, *heard)


async def a_cursor(client: Client) -> None:
    token = client.token()
    sql = f"DECLARE c CURSOR FOR SELECT '{token}' AS v, n FROM generate_series(1, 4) AS n"
    await client.ask(query("BEGIN"), tag("BEGIN"), IN_TRANSACTION)
    await client.ask(query(sql), tag("DECLARE CURSOR"), IN_TRANSACTION)
    for at in (1, 3):
        rows = row(token, str(at)), row(token, str(at + 1))
        await client.ask(query("FETCH 2 FROM c"), columns("v", "n"), *rows, tag("FETCH 2"), IN_TRANSACTION)
    await client.ask(query("COMMIT"), tag("COMMIT"), READY)


# Settings that PostgreSQL reports


async def a_setting_changes(client: Client) -> None:
    token, zone = client.token(), client.random.choice(ZONES)
    sql = f"SET application_name = '{token}'; SET TimeZone = '{zone}'"
    await client.ask(query(sql), tag("SET"), tag("SET"), READY)
    client.settings = {"application_name": token, "TimeZone": zone}
    client.check_settings()


async def a_setting_changes_in_vain(client: Client) -> None:
    """With the transaction its changes are undone."""
    sql = f"BEGIN; SET application_name = '{client.token()}'; SET LOCAL TimeZone = 'Asia/Kathmandu'"
    await client.ask(query(sql), tag("BEGIN"), tag("SET"), tag("SET"), IN_TRANSACTION)
    await client.ask(query("ROLLBACK"), tag("ROLLBACK"), READY)
    client.check_settings()


async def settings_are_still_ours(client: Client) -> None:
    for name, value in client.settings.items():
        await client.ask(query(f"SHOW {name}"), columns(name), row(value), tag("SHOW"), READY)


def _statement(token: str) -> str:
    return f"SELECT '{token}'::text AS theirs, $1::text AS token"
