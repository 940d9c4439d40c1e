"""A daemon that exists only as the verbs see it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from agroal.errors import ManagementError
from agroal.management.controls import ServerPing, ShutdownMode
from agroal.management.snapshot import Client, Counters, Pool, Server, Slot, Snapshot, Waiter
from agroal.management.wire import Request, encode_request

STARTED_WALL = 1_763_812_800.0  # 2025-11-22T12:00:00Z
STARTED_MONO = 5_000.0
NOW = 5_090.5

ALIVE = ServerPing("pg-a", "127.0.0.1", 5432, "primary", True, 412, None)
DOWN = ServerPing("pg-b", "127.0.0.2", 5432, "standby", False, None, "connection refused")


def snapshot(**changes: object) -> Snapshot:
    """A daemon ninety seconds old: one client at work, one waiting behind it."""
    values = {
        "v": 1,
        "version": "0.1.0",
        "instance_id": "5f0c9a12",
        "wall": "2025-11-22T12:01:30.500Z",
        "mono_us": 5_090_500_000,
        "started_us": 5_000_000_000,
        "status": "running",
        "max_connections": 100,
        "counters": COUNTERS,
        "pools": (POOL,),
        "slots": (SLOT,),
        "servers": (SERVER,),
        "waiters": (WAITER,),
        "clients": (CLIENT, WAITING_CLIENT),
        **changes,
    }
    return Snapshot(**values)  # type: ignore[arg-type]


COUNTERS = Counters(
    clients=3,
    authenticated=2,
    rejected=1,
    leases=1,
    waits=1,
    wait_us=250_000,
    timeouts=0,
    connects=1,
    connect_failures=0,
    disconnects=0,
    queries=41,
    transactions=40,
    bytes_in=1_200,
    bytes_out=98_000,
)
POOL = Pool(
    database="shop",
    user="web",
    limit="agroal_databases.conf:3",
    max=1,
    initial=0,
    min=0,
    active=1,
    idle=0,
    other=0,
    waiting=1,
    oldest_wait_us=250_000,
    leases=1,
    waits=1,
    wait_us=250_000,
    timeouts=0,
)
SLOT = Slot(
    id=0,
    state="in-use",
    since_us=5_088_500_000,
    database="shop",
    user="web",
    application_name="psql",
    client="10.0.3.7:51422",
    server="pg-a",
    server_pid=48213,
    born_us=5_030_500_000,
    leases=1,
    queries=41,
    transactions=40,
    bytes_in=1_200,
    bytes_out=98_000,
)
SERVER = Server(name="pg-a", host="127.0.0.1", port=5432, role="primary", state="up", connections=1, error=None)
WAITER = Waiter(client=8, database="shop", user="web", since_us=5_090_250_000, position=1, reason="limit")
CLIENT = Client(
    id=7,
    state="active",
    since_us=5_088_500_000,
    user="web",
    database="shop",
    address="10.0.3.7:51422",
    application_name="psql",
    slot=0,
)
WAITING_CLIENT = Client(
    id=8,
    state="waiting",
    since_us=5_090_250_000,
    user="web",
    database="shop",
    address="10.0.3.8:40110",
    application_name="",
    slot=None,
)


@dataclass
class FakeControls:
    """Answers from its fields, and writes down what it was told to do."""

    picture: Snapshot = field(default_factory=snapshot)
    servers: tuple[ServerPing, ...] = (ALIVE, DOWN)
    flush_timeout: float | None = 60.0
    error: Exception | None = None
    hold: asyncio.Event | None = None
    """While it is set to an event that has not come, `ping_servers` waits for it."""
    pinged: asyncio.Event | None = None
    """Is set when `ping_servers` was entered."""
    shutdowns: list[tuple[ShutdownMode, float | None]] = field(default_factory=list)

    version = "0.1.0"
    instance_id = "5f0c9a12"
    started_wall = STARTED_WALL
    started_mono = STARTED_MONO

    def now(self) -> float:
        return NOW

    def snapshot(self) -> Snapshot:
        return self.picture

    async def ping_servers(self) -> tuple[ServerPing, ...]:
        if self.pinged:
            self.pinged.set()
        if self.hold:
            await self.hold.wait()
        if self.error:
            raise self.error
        return self.servers

    def shutdown(self, mode: ShutdownMode, timeout: float | None) -> float | None:
        if mode is ShutdownMode.CANCEL and not self.shutdowns:
            raise ManagementError("refused", "there is no shutdown to take back")
        self.shutdowns.append((mode, timeout))
        if mode is not ShutdownMode.GRACEFULLY:
            return None
        return self.flush_timeout if timeout is None else timeout or None


def request(verb: str = "ping", id: int | str = 1, **args: object) -> bytes:
    return encode_request(Request(id, verb, args))


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def document(frame: bytes) -> dict[str, object]:
    """The JSON of exactly one message."""
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    return json.loads(frame[4:])  # type: ignore[no-any-return]
