"""One database behind several doors: an alias of it for each way to ask a client who it is."""

from __future__ import annotations

import asyncio

import asyncpg

from tests.integration.daemon import Agroal
from tests.integration.postgres import Database, Login

METHODS = ("trust", "password", "md5", "scram-sha-256", "all")


def door(method: str) -> str:
    """The alias whose HBA line has this method."""
    return f"by_{method}"


HBA = "".join(f"host {door(method)} all all {method}\n" for method in METHODS)


def limits(database: Database, *more: str) -> str:
    """The databases file that has these aliases, and `more` of them."""
    return f"{database.name}={','.join([*map(door, METHODS), *more])} all all\n"


def refusal(pool: Agroal, login: Login, database: str, host: str | None = None) -> asyncpg.PostgresError:
    """What a client is told that does not get in. AssertionError when it does."""

    async def knock() -> asyncpg.PostgresError:
        try:
            client = await asyncpg.connect(
                host=host or pool.host,
                port=pool.port,
                user=login.name,
                password=login.password,
                database=database,
                ssl=False,
                timeout=10,
            )
        except asyncpg.PostgresError as error:
            return error
        await client.close()
        raise AssertionError(f"{login.name} got into {database}")

    return asyncio.run(knock())
