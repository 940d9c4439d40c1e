"""A whole daemon on loopback, in the loop of the test."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agroal.config.model import Configuration, Files, HbaLine, HbaType, LimitLine, Method, Name, Scope, Settings
from agroal.config.servers import ServerSettings
from agroal.daemon.daemon import Daemon
from agroal.daemon.files import Secrets
from agroal.demo.ports import free_port
from agroal.net.dial import Address

SECRETS = Secrets({"ann": "pencil"})
EVERYBODY = (Name("all", keyword=True),)
HBA = (
    HbaLine("agroal_hba.conf", 1, HbaType.LOCAL, EVERYBODY, EVERYBODY, None, Method.TRUST),
    HbaLine("agroal_hba.conf", 2, HbaType.HOST, EVERYBODY, EVERYBODY, Scope.SAMEHOST, Method.TRUST),
)
LIMITS = (LimitLine("agroal_databases.conf", 1, "shop", ("store",), "all", 1, 0, 0),)


def configuration(directory: Path, server: Address, **settings: object) -> Configuration:
    """One server, one connection to it."""
    main = {
        "host": "127.0.0.1",
        "port": free_port(),
        "unix_socket_dir": directory,
        "server_reset_query": "",
        **settings,
    }
    return Configuration(
        Settings(**main),  # type: ignore[arg-type]
        (ServerSettings(name=server.name, host=server.host, port=server.port),),
        HBA,
        LIMITS,
        Files(directory / "agroal.conf", directory / "agroal_hba.conf"),
    )


@asynccontextmanager
async def running(configuration: Configuration, secrets: Secrets = SECRETS) -> AsyncIterator[Daemon]:
    """A daemon that listens. In the end it stops at once."""
    daemon = Daemon(configuration, secrets, lambda: (configuration, secrets))
    ready = asyncio.Event()
    life = asyncio.create_task(daemon.run(ready.set))
    await ready.wait()
    try:
        yield daemon
    finally:
        daemon.stop.immediately()
        await life
        gc.unfreeze()


def connect(daemon: Daemon, *, unix: bool = False) -> socket.socket:
    """A client's connection. The kernel takes it before the daemon does."""
    client = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    client.connect(str(daemon.socket_path("PGSQL")) if unix else ("127.0.0.1", daemon.settings.port))
    client.setblocking(False)
    return client
