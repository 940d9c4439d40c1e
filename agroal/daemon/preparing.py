"""What is done with a server before a client that keeps it for long may use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from agroal.daemon.cleaning import undress
from agroal.errors import PeerGone, ProtocolViolation, ServerLost
from agroal.net.server import Server
from agroal.pipeline.between import OutOfStep, adopt, difference


def wears(server: Server, settings: Mapping[str, str]) -> bool:
    """Whether the server has its next client's settings already, and `prepare` has nothing to do."""
    if server.outfit or server.channel.unread or difference({**server.worn, **settings}, server.parameters):
        return False
    server.wanted = settings
    return True


async def prepare(server: Server, settings: Mapping[str, str], seconds: float) -> None:
    """Give the server its next client's settings, unless it wears them already. Raises ServerLost, ServerRefused."""
    with preparing(server):
        if server.outfit:  # it is from the transaction pipeline
            await undress(server)
        wanted = {**server.worn, **settings}
        if difference(wanted, server.parameters):
            await server.converse(adopt(wanted, server.parameters), seconds)
    server.wanted = settings


@contextmanager
def preparing(server: Server) -> Iterator[None]:
    """The server is talked to in here, and is lost when it does not answer what it is asked, or says more than that.

    Raises ServerLost.
    """
    try:
        yield
    except (PeerGone, TimeoutError, OutOfStep, ProtocolViolation) as error:
        why = str(error) or "no answer in time"
        raise ServerLost(f"the server was lost while it was being prepared: {why}") from error
    if server.channel.unread:
        server.fit = False
        raise ServerLost("the server said more than it was asked while it was being prepared")
