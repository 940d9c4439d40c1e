"""Deeds that make what outlives a transaction, and take it back: its owner always finds it, and nobody else ever."""

from __future__ import annotations

from tests.integration.torture.client import Client
from tests.integration.torture.wire import IN_TRANSACTION, READY, columns, query, row, tag


async def nothing_of_others(client: Client) -> None:
    """What a session finds that has made no such thing, or has taken it back."""
    sql = (
        "SELECT coalesce(current_setting('my.own', true), '') AS own, current_setting('work_mem') AS memory,"
        " (SELECT count(*) FROM pg_listening_channels()) AS channels, to_regclass('pg_temp.mine') AS temporary,"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,"
        " (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS cursors"
    )
    names = ("own", "memory", "channels", "temporary", "locks", "cursors")
    await client.ask(query(sql), columns(*names), row("", "4MB", "0", None, "0", "0"), tag("SELECT 1"), READY)


async def a_setting_that_is_not_reported(client: Client) -> None:
    token = client.token()
    await client.ask(query(f"SET my.own = '{token}'"), tag("SET"), READY)
    await client.ask(query("set work_mem to '7MB'"), tag("SET"), READY)
    for _ in range(3):
        await client.ask(query("SHOW my.own"), columns("my.own"), row(token), tag("SHOW"), READY)
        await client.ask(query("SHOW work_mem"), columns("work_mem"), row("7MB"), tag("SHOW"), READY)
    await client.ask(query("RESET my.own"), tag("RESET"), READY)
    await client.ask(query("RESET work_mem"), tag("RESET"), READY)


async def a_notification(client: Client) -> None:
    channel, token = client.name, client.token()
    client.channels.add(channel)
    await client.ask(query(f'LISTEN "{channel}"'), tag("LISTEN"), READY)
    await client.ask(query(f"NOTIFY \"{channel}\", '{token}'"), tag("NOTIFY"), READY)
    client.expect_notification(channel, token)
    await client.ask(query(f'UNLISTEN "{channel}"'), tag("UNLISTEN"), READY)
    client.channels.discard(channel)
    await client.ask(query(f"NOTIFY \"{channel}\", '{token}'"), tag("NOTIFY"), READY)


async def a_temporary_table(client: Client) -> None:
    token = client.token()
    await client.ask(query(f"CREATE TEMP TABLE mine AS SELECT '{token}'::text AS token"), tag("SELECT 1"), READY)
    for _ in range(3):
        await client.ask(query("SELECT token FROM mine"), columns("token"), row(token), tag("SELECT 1"), READY)
    await client.ask(query("DROP TABLE mine"), tag("DROP TABLE"), READY)


async def an_advisory_lock(client: Client) -> None:
    number = client.random.randrange(1 << 62)
    mine = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    locked = columns("pg_advisory_lock"), row(""), tag("SELECT 1")
    await client.ask(query(f"SELECT pg_advisory_lock({number})"), *locked, READY)
    for _ in range(2):
        await client.ask(query(mine), columns("count"), row("1"), tag("SELECT 1"), READY)
    unlocked = columns("pg_advisory_unlock"), row("t"), tag("SELECT 1")
    await client.ask(query(f"SELECT pg_advisory_unlock({number})"), *unlocked, READY)


async def a_cursor_that_is_held(client: Client) -> None:
    token = client.token()
    sql = f"DECLARE mine CURSOR WITH HOLD FOR SELECT '{token}' AS v, n FROM generate_series(1, 2) AS n"
    await client.ask(query("BEGIN"), tag("BEGIN"), IN_TRANSACTION)
    await client.ask(query(sql), tag("DECLARE CURSOR"), IN_TRANSACTION)
    await client.ask(query("COMMIT"), tag("COMMIT"), READY)
    for n in ("1", "2"):
        await client.ask(query("FETCH mine"), columns("v", "n"), row(token, n), tag("FETCH 1"), READY)
    await client.ask(query("CLOSE mine"), tag("CLOSE CURSOR"), READY)


async def a_statement_prepared_in_sql(client: Client) -> None:
    token = client.token()
    await client.ask(query(f"PREPARE mine AS SELECT '{token}'::text AS theirs, $1::text AS v"), tag("PREPARE"), READY)
    for _ in range(3):
        value = client.token()
        heard = columns("theirs", "v"), row(token, value), tag("SELECT 1"), READY
        await client.ask(query(f"EXECUTE mine('{value}')"), *heard)
    await client.ask(query("DEALLOCATE PREPARE mine"), tag("DEALLOCATE"), READY)
