"""Somebody else who works all the time, so that a client's transactions wander from one server to another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.integration.daemon import Agroal


@contextmanager
def stirred(pool: Agroal) -> Iterator[None]:
    """Again and again one more client comes, and has the server that came back last: whose that was finds another."""
    enough = threading.Event()

    def stir() -> None:
        while not enough.is_set():
            with suppress(psycopg.OperationalError), pool.connect() as client:  # a test may kill its server
                client.execute("BEGIN")
                enough.wait(0.002)
                client.execute("COMMIT")
            enough.wait(0.001)

    stirrer = threading.Thread(target=stir)
    stirrer.start()
    try:
        yield
    finally:
        enough.set()
        stirrer.join()
