"""A daemon ninety seconds old, as the verbs see it: one client at work, one waiting behind it."""

from __future__ import annotations

from agroal.management.controls import (
    Alias,
    Change,
    ConfigurationFile,
    LogLine,
    Paused,
    Reloaded,
    Resumed,
    ServerPing,
    Setting,
    Switched,
)
from agroal.management.dump import Dump
from agroal.management.event import Event
from agroal.management.snapshot import (
    AuthenticationFailure,
    Certificate,
    Client,
    ConfigurationState,
    Count,
    Counters,
    Database,
    Loop,
    Pin,
    Pool,
    Server,
    Slot,
    Snapshot,
    Waiter,
)

STARTED_WALL = 1_763_812_800.0  # 2025-11-22T12:00:00Z
STARTED_MONO = 5_000.0
NOW = 5_090.5

ALIVE = ServerPing("pg-a", "127.0.0.1", 5432, "primary", True, 412, None)
DOWN = ServerPing("pg-b", "127.0.0.2", 5432, "standby", False, None, "connection refused")


def snapshot(**changes: object) -> Snapshot:
    """A daemon ninety seconds old: one client at work, one waiting behind it."""
    values = {
        "v": 1,
        "seq": 812,
        "version": "0.1.0",
        "instance_id": "5f0c9a12",
        "wall": "2025-11-22T12:01:30.500Z",
        "mono_us": 5_090_500_000,
        "started_us": 5_000_000_000,
        "status": "running",
        "configuration": CONFIGURATION,
        "max_connections": 100,
        "bounds_us": (1_000, 1_000_000),
        "counters": COUNTERS,
        "closes": (Count("idle", 3),),
        "pools": (POOL,),
        "slots": (SLOT,),
        "servers": (SERVER,),
        "waiters": (WAITER,),
        "clients": (CLIENT, WAITING_CLIENT),
        "databases": (Database("billing", False),),
        "authentication_failures": (FAILED_LOGIN,),
        "certificates": (CERTIFICATE,),
        "loop": Loop((90, 0, 0), 6, 4_100),
        "verified": 8123,
        "refused": (Count("batch_open", 2),),
        "pins": (Pin("listen", "web", "jobs", 1),),
        "bounds_fine_us": (50, 1_000),
        "bounds_long_us": (1_000_000,),
        "errors": (Count("AuthenticationFailed", 1),),
        "max_clients": 1_000,
        **changes,
    }
    return Snapshot(**values)  # type: ignore[arg-type]


CONFIGURATION = ConfigurationState(reloaded_us=5_060_000_000, pending_restart=("max_connections",))
FAILED_LOGIN = AuthenticationFailure(
    user="eve",
    database="shop",
    address="10.0.3.9",
    error="password authentication failed",
    count=12,
    last_us=5_089_000_000,
)
CERTIFICATE = Certificate(
    file="/etc/agroal/server.crt", key="tls_cert_file", subject="CN=shop", not_after="2026-11-22T00:00:00.000Z"
)
COUNTERS = Counters(
    clients=3,
    authenticated=2,
    rejected=1,
    tls_failures=0,
    leases=1,
    declined=0,
    waits=1,
    wait_us=250_000,
    timeouts=0,
    cancelled=0,
    connects=1,
    connect_failures=0,
    validations=0,
    disconnects=0,
    queries=41,
    transactions=40,
    bytes_in=1_200,
    bytes_out=98_000,
    log_warnings=1,
    log_errors=0,
    log_infos=9,
)
POOL = Pool(
    database="shop",
    user="web",
    limit="agroal_databases.conf:3",
    enabled=True,
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
    wait_hist=(0, 1, 0),
    timeouts=0,
    failures=0,
    error=None,
    connect_us=1_900,
    connect_hist=(0, 1, 0),
    lease_us=40_000,
    lease_hist=(0, 1),
    query_us=9_150,
    query_hist=(37, 3, 1),
    transaction_us=11_400,
    transaction_hist=(36, 3, 1),
    pipeline="transaction",
    queries=41,
    transactions=40,
    bytes_in=1_200,
    bytes_out=98_000,
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
    tls="",
    prepared=3,
    fd=14,
)
SERVER = Server(
    name="pg-a", host="127.0.0.1", port=5432, role="primary", state="up", connections=1, error=None, rtt_us=240
)
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
    tls="TLSv1.3",
    connected_us=5_088_000_000,
    prepared=3,
    fd=12,
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
    tls="TLSv1.3",
    connected_us=5_090_000_000,
    fd=13,
)


STARTED = Event(1, 5_000_000_000, "2025-11-22T12:00:00.000Z", "started", "info", "agroal 0.1.0 started")
LIMIT_REACHED = Event(
    2,
    5_090_250_000,
    "2025-11-22T12:01:30.250Z",
    "limit-reached",
    "warn",
    "shop/web at limit 1/1, 1 client waiting",
)
LOG = (
    LogLine(5_000_000_000, "info", "2025-11-22 12:00:00.000 UTC INFO agroal 0.1.0 started"),
    LogLine(5_089_000_000, "warn", "2025-11-22 12:01:29.000 UTC WARN eve@shop: password authentication failed"),
)
LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"]
BLOCKING_TIMEOUT = Setting(
    key="blocking_timeout",
    value="10s",
    default="30s",
    origin="agroal.conf:7",
    reloadable=True,
    pending=None,
    doc="how long a client waits for a connection",
)
MAX_CONNECTIONS = Setting(
    key="max_connections",
    value="100",
    default="100",
    origin="default",
    reloadable=False,
    pending="200",
    doc="how many connections there are at most",
)
SERVER_PORT = Setting(
    key="server.pg-a.port",
    value="5432",
    default="5432",
    origin="agroal.conf:12",
    reloadable=True,
    pending=None,
    doc="the port of the server",
)
FILES = (
    ConfigurationFile("main", "/etc/agroal/agroal.conf", "the main section and the servers"),
    ConfigurationFile("superuser", None, "who asks for the secrets of others"),
)
ALIASES = (Alias("shop", ("store", "boutique"), "web", 1, 0, 0), Alias("all", (), "all", 20, 0, 0))
CHANGES = (
    Change("blocking_timeout", "10s", "20s", False),
    Change("max_connections", "100", "200", True),
)
RELOADED = Reloaded(CHANGES, ("hugepage has no meaning here",))
SWITCHED = Switched(("shop",), 2)
DUMPED = Dump("", bytes=1_200_000, span_us=1_790_000_000, frames=1791, events=1, lines=3)
PAUSED = Paused(("shop",), leased=1, others=3, held=2, waited_us=None)
RESUMED = Resumed(("shop",), held=2)
