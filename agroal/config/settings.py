"""The keys of the main section: all of agroal's, and all of pgagroal's from 0.6 to 2.2.

Keys of pgagroal keep their name, their default and whether a change needs a restart. What a key does here is in its
`doc`; whether it does it yet is in its `support`.
"""

# ruff: noqa: RUF009 (path, choice and the like return dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agroal.config.choices import (
    EventBackend,
    HugePage,
    Libev,
    LogLevel,
    LogMode,
    LogType,
    Pipeline,
    ProcessTitle,
    ResetFailure,
    StartupValidation,
    Validation,
)
from agroal.config.keys import Support, boolean, choice, duration, integer, keys_of, path, size, text

LATER, NEVER = Support.LATER, Support.NEVER

MOST_CONNECTIONS = 10_000

_NOT_GIVEN = Path()
_MOMENT = 0.001
_FINER_LEVELS = {
    "debug1": LogLevel.DEBUG,
    "debug2": LogLevel.TRACE,
    "debug3": LogLevel.TRACE,
    "debug4": LogLevel.TRACE,
    "debug5": LogLevel.TRACE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Durations are seconds, sizes bytes."""

    # Where clients and tools find us
    host: str = text(required=True, restart=True, doc="Name or address to listen on; * is all of them.")
    port: int = integer(low=1, high=65535, required=True, restart=True, doc="Port to listen on; also in socket names.")
    unix_socket_dir: Path = path(Path(), required=True, restart=True, doc="Existing directory for the Unix sockets.")
    backlog: int = integer(
        0,
        low=0,
        high=65535,
        derived="a quarter of max_connections, at least 16",
        doc="Connections that listen() queues.",
    )
    keep_alive: bool = boolean(True, doc="SO_KEEPALIVE on every TCP socket.")
    nodelay: bool = boolean(True, doc="TCP_NODELAY on every TCP socket.")
    pidfile: Path = path(
        _NOT_GIVEN, restart=True, derived="<unix_socket_dir>/agroal.<port>.pid", doc="File for the process id."
    )
    management: int = integer(
        0, low=0, high=65535, restart=True, support=LATER, doc="Port of remote management; 0 is off."
    )
    metrics: int = integer(
        0, low=0, high=65535, restart=True, support=LATER, doc="Port of Prometheus metrics; 0 is off."
    )
    console: int = integer(0, low=0, high=65535, restart=True, support=LATER, doc="Port of the web console; 0 is off.")

    # The log
    log_type: LogType = choice(LogType.CONSOLE, restart=True, doc="Where the log goes.")
    log_level: LogLevel = choice(LogLevel.INFO, spellings=_FINER_LEVELS, doc="The least grave lines that are written.")
    log_path: Path = path(Path("agroal.log"), doc="The log file, for log_type = file; strftime patterns are replaced.")
    log_mode: LogMode = choice(
        LogMode.APPEND,
        spellings={"a": LogMode.APPEND, "c": LogMode.CREATE},
        doc="Keep an existing log file or start anew.",
    )
    log_line_prefix: str = text("%Y-%m-%d %H:%M:%S", doc="What each line begins with, an strftime pattern.")
    log_connections: bool = boolean(False, doc="Log each client that comes in.")
    log_disconnections: bool = boolean(False, doc="Log each client that goes.")
    log_rotation_age: float = duration(0, support=LATER, doc="Begin a new log file when it is this old; 0 is never.")
    log_rotation_size: int = size(0, high=1 << 40, support=LATER, doc="Begin a new log file at this size; 0 is never.")

    # Who may come in
    allow_unknown_users: bool = boolean(True, doc="Let users in who are not in the users file; PostgreSQL judges them.")
    authentication_timeout: float = duration(5, low=_MOMENT, doc="Time for a client to log in.")
    auth_query: bool = boolean(False, support=LATER, doc="Ask PostgreSQL for the secrets of users.")
    rotate_frontend_password_timeout: float = duration(
        0, support=LATER, doc="How often the passwords of frontend users change; 0 is never."
    )
    rotate_frontend_password_length: int = integer(8, low=8, high=8192, support=LATER, doc="Length of those passwords.")
    tls: bool = boolean(False, restart=True, refused=frozenset({True}), doc="Offer TLS to clients.")
    tls_cert_file: Path | None = path(None, support=LATER, doc="Our certificate towards clients.")
    tls_key_file: Path | None = path(None, support=LATER, doc="The private key of tls_cert_file.")
    tls_ca_file: Path | None = path(None, support=LATER, doc="Who must have signed a client's certificate.")

    # The pool
    max_connections: int = integer(
        100, low=1, high=MOST_CONNECTIONS, restart=True, doc="Server connections, all pools together."
    )
    pipeline: Pipeline = choice(
        Pipeline.AUTO,
        refused=frozenset({Pipeline.PERFORMANCE, Pipeline.TRANSACTION}),
        restart=True,
        doc="When a server goes back to the pool; auto is session, at the end of the client's connection.",
    )
    blocking_timeout: float = duration(30, doc="Longest wait for a server; 0 refuses at once.")
    wait_notice_timeout: float = duration(
        5, support=LATER, doc="Tell a client that waits this long its position; 0 is never."
    )
    connect_timeout: float = duration(10, low=_MOMENT, doc="Time to reach a server and log in to it.")
    connection_retry_delay: float = duration(
        0.25,
        low=_MOMENT,
        unit="ms",
        doc="First pause after a connect that failed; it grows with each further failure. (pgagroal: the longest.)",
    )
    idle_timeout: float = duration(0, doc="Close a server connection that nobody used for this long; 0 is never.")
    max_connection_age: float = duration(
        0, doc="Close a server connection that is this old when it is free; 0 is never."
    )
    server_reset_query: str = text("DISCARD ALL", doc="Run before a server goes to its next client; empty is off.")
    server_reset_query_behavior_on_failure: ResetFailure = choice(
        ResetFailure.DISCARD,
        unheeded=frozenset({ResetFailure.TRY, ResetFailure.IGNORE}),
        doc="What to do with a server whose reset query failed.",
    )
    server_reset_query_always: bool = boolean(False, support=LATER, doc="Reset in the transaction pipeline too.")
    flush_timeout: float = duration(
        60, doc="A graceful shutdown or flush that takes longer is forced; 0 waits for ever."
    )
    validation: Validation = choice(Validation.OFF, support=LATER, doc="When a free server is asked if it still works.")
    background_interval: float = duration(300, low=5, support=LATER, doc="How often background validation runs.")
    track_prepared_statements: bool = boolean(
        False, support=LATER, doc="Know prepared statements in the transaction pipeline."
    )
    disconnect_client: float = duration(0, support=LATER, doc="Disconnect a client that is idle this long; 0 is never.")
    disconnect_client_force: bool = boolean(False, support=LATER, doc="Disconnect it even when it is active.")

    # The servers
    failover: bool = boolean(False, support=LATER, doc="Make another server primary when the primary fails.")
    failover_script: Path | None = path(None, support=LATER, doc="The program that promotes the new primary.")
    failover_notify_script: Path | None = path(None, support=LATER, doc="The program to run after a fail-over.")
    health_check: bool = boolean(False, support=LATER, doc="Ask each server regularly whether it is up.")
    health_check_period: float = duration(30, low=1, support=LATER, doc="How often the health check runs.")
    health_check_timeout: float = duration(5, low=1, support=LATER, doc="Time for a server to answer the health check.")
    health_check_user: str = text(support=LATER, doc="User and database of the health check.")
    startup_validation: StartupValidation = choice(
        StartupValidation.TRY, support=LATER, doc="Compare the servers with each other at the start."
    )

    # Seeing what it does
    metrics_cache_max_age: float = duration(0, support=LATER, doc="Serve the same metrics for this long; 0 is never.")
    metrics_cert_file: Path | None = path(None, support=LATER, doc="Certificate of the metrics port.")
    metrics_key_file: Path | None = path(None, support=LATER, doc="The private key of metrics_cert_file.")
    metrics_ca_file: Path | None = path(None, support=LATER, doc="Who must have signed a scraper's certificate.")
    tracker: bool = boolean(False, support=LATER, doc="Log each step in the life of a connection.")

    # What pgagroal needs and agroal does not
    buffer_size: int = size(
        65535, restart=True, high=1 << 30, support=NEVER, doc="the kernel sizes socket buffers better."
    )
    ev_backend: EventBackend = choice(EventBackend.AUTO, restart=True, support=NEVER, doc="the event loop is uvloop's.")
    hugepage: HugePage = choice(HugePage.TRY, restart=True, support=NEVER, doc="there is no shared memory.")
    libev: Libev = choice(Libev.AUTO, restart=True, support=NEVER, doc="the event loop is uvloop's.")
    max_retries: int = integer(5, low=0, high=1_000_000, support=NEVER, doc="clients wait in a queue and don't retry.")
    metrics_cache_max_size: int = size(
        1 << 18, restart=True, high=1 << 20, support=NEVER, doc="the cache needs no bound."
    )
    non_blocking: bool = boolean(True, restart=True, support=NEVER, doc="sockets are always non-blocking.")
    update_process_title: ProcessTitle = choice(
        ProcessTitle.VERBOSE,
        spellings={"off": ProcessTitle.NEVER, "full": ProcessTitle.VERBOSE},
        support=NEVER,
        doc="there is no process per client.",
    )

    def __post_init__(self) -> None:
        if self.backlog == 0:
            object.__setattr__(self, "backlog", max(self.max_connections // 4, 16))
        if self.pidfile == _NOT_GIVEN:
            object.__setattr__(self, "pidfile", self.unix_socket_dir / f"agroal.{self.port}.pid")


KEYS = keys_of(Settings)
