"""What a client does that breaks the rules must not be felt by those who keep them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.daemon import Agroal
from tests.integration.waiting import wait_until


@contextmanager
def unharmed(pool: Agroal, **how: str) -> Iterator[None]:
    """A client who was there before goes on afterwards with the same server; another one comes; nothing stays taken.

    `how` they connect: the arguments are those of Agroal.connect.
    """
    with pool.connect(**how) as bystander:
        pid = bystander.execute("SELECT pg_backend_pid()").fetchone()
        yield
        assert bystander.execute("SELECT pg_backend_pid()").fetchone() == pid
        with pool.connect(**how) as newcomer:
            assert newcomer.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: _is_deserted(pool), "all clients have gone, and their servers are free")


def _is_deserted(pool: Agroal) -> bool:
    picture = pool.snapshot()
    return not (picture.clients or picture.waiters or any(known.active or known.other for known in picture.pools))
