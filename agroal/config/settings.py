"""The keys of the main section: all of agroal's, and all of pgagroal's from 0.6 to 2.2.

Keys of pgagroal keep their name, their default and whether a change needs a restart. What a key does here is in its
`doc`; whether it does it yet is in its `support`.
"""

# ruff: noqa: RUF009 (path, choice and the like return dataclass fields)

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agroal.config.choices import (
    EventBackend,
    HugePage,
    Libev,
    LogFormat,
    LogLevel,
    LogMode,
    LogType,
    MetricsPrefix,
    Pipeline,
    ProcessTitle,
    ResetFailure,
    SessionState,
    StartupValidation,
    TlsVersion,
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
        derived="four times max_connections, at least 128",
        doc="Connections that listen() queues.",
    )
    keep_alive: bool = boolean(True, doc="SO_KEEPALIVE on TCP sockets, from the next connection on.")
    nodelay: bool = boolean(True, doc="TCP_NODELAY on TCP sockets, from the next connection on.")
    pidfile: Path = path(
        _NOT_GIVEN, restart=True, derived="<unix_socket_dir>/agroal.<port>.pid", doc="File for the process id."
    )
    management: int = integer(0, low=0, high=65535, restart=True, doc="Port of remote management; 0 is off.")
    monitors: str = text(doc="Users of the admins file, separated by commas, who may look and not change anything.")
    metrics: int = integer(0, low=0, high=65535, restart=True, doc="Port of Prometheus metrics; 0 is off.")
    console: int = integer(0, low=0, high=65535, restart=True, support=LATER, doc="Port of the web console; 0 is off.")

    # The log
    log_type: LogType = choice(LogType.CONSOLE, restart=True, doc="Where the log goes.")
    log_format: LogFormat = choice(
        LogFormat.TEXT, doc="What a line looks like: text for people, json for programs. The journal has fields anyway."
    )
    log_level: LogLevel = choice(LogLevel.INFO, spellings=_FINER_LEVELS, doc="The least grave lines that are written.")
    log_path: Path = path(Path("agroal.log"), doc="The log file, for log_type = file; strftime patterns are replaced.")
    log_mode: LogMode = choice(
        LogMode.APPEND,
        spellings={"a": LogMode.APPEND, "c": LogMode.CREATE},
        doc="Go on with a log file that is there, or begin it anew; a reload never does the latter.",
    )
    log_line_prefix: str = text("%Y-%m-%d %H:%M:%S", doc="What each line begins with, an strftime pattern.")
    log_connections: bool = boolean(False, doc="Log each client that comes in.")
    log_disconnections: bool = boolean(False, doc="Log each client that goes.")
    log_min_duration: float = duration(
        0,
        unit="ms",
        doc="Log each statement that takes at least so long, without the values in it; 0 is never. "
        "Not in the performance pipeline.",
    )
    log_rotation_age: float = duration(0, doc="Begin a new log file when this one is so old; 0 is never.")
    log_rotation_size: int = size(0, high=1 << 40, doc="Begin a new log file before one is larger; 0 is never.")

    # Who may come in
    allow_unknown_users: bool = boolean(True, doc="Let users in who are not in the users file; PostgreSQL judges them.")
    authentication_timeout: float = duration(5, low=_MOMENT, doc="Time for a client to log in.")
    auth_query: bool = boolean(
        False, doc="Ask PostgreSQL for the secret of a user who is not in the users file; needs the superuser file."
    )
    auth_query_database: str = text("postgres", doc="The database in which auth_query asks.")
    rotate_frontend_password_timeout: float = duration(
        0,
        doc="Let clients log in with passwords that agroal makes up, other ones each time this has passed; "
        "agroal-cli get-password tells them. Not with a frontend file. 0 is never.",
    )
    rotate_frontend_password_length: int = integer(8, low=8, high=8192, doc="Length of those passwords.")
    tls: bool = boolean(False, restart=True, doc="Offer TLS to clients; hostssl in the hba file makes it a must.")
    tls_cert_file: Path | None = path(None, doc="Our certificate towards clients, and the chain to its root.")
    tls_key_file: Path | None = path(None, doc="The private key of tls_cert_file, without a passphrase.")
    tls_ca_file: Path | None = path(
        None, doc="Who must have signed a client's certificate. When it is set, TLS clients must show one."
    )
    tls_min_version: TlsVersion = choice(TlsVersion.TLS_1_2, doc="The oldest version of TLS for clients.")
    tls_ciphers: str = text(doc="Ciphers for TLS 1.2, a list as OpenSSL has it; empty is OpenSSL's choice.")

    # The pool
    max_connections: int = integer(
        100, low=1, high=MOST_CONNECTIONS, restart=True, doc="Server connections, all pools together."
    )
    pipeline: Pipeline = choice(
        Pipeline.AUTO,
        doc="When a server goes back to the pool: transaction is at the end of each transaction; session, and "
        "performance, which counts nothing, are at the end of the client's connection; auto is session. "
        "A line of the databases file may say otherwise.",
    )
    session_state: SessionState = choice(
        SessionState.PIN,
        doc="What becomes of a client in the transaction pipeline that makes what outlives a transaction (LISTEN, "
        "temporary tables, session locks): pin lets it keep its server, reset clears it at the end of the "
        "transaction, reject ends the client, warn only says so.",
    )
    max_prepared_statements: int = integer(
        200, low=1, high=100_000, doc="Prepared statements kept on each server in the transaction pipeline."
    )
    canary: bool = boolean(
        False, doc="For finding faults: ask each server at each hand-over whether it is the one and clean. Slow."
    )
    blocking_timeout: float = duration(30, doc="Longest wait for a server; 0 refuses at once.")
    wait_notice_timeout: float = duration(
        5, doc="Tell a client that has waited this long its place in the queue, once; 0 is never."
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
        unheeded=dict.fromkeys(
            (ResetFailure.TRY, ResetFailure.IGNORE), "a server that is not clean is never handed on"
        ),
        doc="What to do with a server whose reset query failed.",
    )
    server_reset_query_always: bool = boolean(
        False, doc="Reset after each transaction in the transaction pipeline, too."
    )
    flush_timeout: float = duration(
        60, doc="A graceful shutdown or flush that takes longer is forced; 0 waits for ever."
    )
    validation: Validation = choice(
        Validation.OFF,
        doc="Ask a server if it still works: foreground is before each lease, background is while it is free.",
    )
    background_interval: float = duration(300, low=5, doc="How often background validation asks each free server.")
    track_prepared_statements: bool = boolean(
        False, support=NEVER, doc="prepared statements are always followed; see max_prepared_statements."
    )
    disconnect_client: float = duration(0, doc="Disconnect a client that has been idle for this long; 0 is never.")
    disconnect_client_force: bool = boolean(False, doc="disconnect_client is for active clients too.")

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
    metrics_cache_max_age: float = duration(0, doc="Serve the same metrics for this long; 0 is never.")
    metrics_prefix: MetricsPrefix = choice(
        MetricsPrefix.AGROAL, doc="What the names of metrics begin with; pgagroal keeps its dashboards working."
    )
    metrics_cert_file: Path | None = path(
        None, doc="Certificate of the metrics port, and the chain to its root. With it, the port speaks TLS only."
    )
    metrics_key_file: Path | None = path(None, doc="The private key of metrics_cert_file, without a passphrase.")
    metrics_ca_file: Path | None = path(
        None, doc="Who must have signed a scraper's certificate. When it is set, scrapers must show one."
    )
    tracker: bool = boolean(False, doc="Log each step in the life of a connection.")
    flight_recorder: float = duration(
        1800,
        high=86_400,
        doc="Keep what was to be seen in this last while in memory, to be written by agroal-cli record dump, on "
        "SIGUSR1 and when agroal crashes; 0 is off.",
    )
    flight_recorder_path: Path | None = path(
        None, doc="Directory for these recordings; empty is that of the log file, or else unix_socket_dir."
    )

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

    derived: frozenset[str] = field(init=False, default=frozenset(), repr=False, compare=False)
    """The keys whose values follow from those of other keys, since none was given."""

    def __post_init__(self) -> None:
        derived: dict[str, object] = {}
        if self.backlog == 0:
            derived["backlog"] = min(max(4 * self.max_connections, 128), 65535)
        if self.pidfile == _NOT_GIVEN:
            derived["pidfile"] = self.unix_socket_dir / f"agroal.{self.port}.pid"
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "derived", frozenset(derived))

    def given(self) -> dict[str, Any]:
        """By key, the values from which `Settings(**given)` makes the same once more."""
        return {key.name: key.default if key.name in self.derived else getattr(self, key.name) for key in KEYS}


KEYS = keys_of(Settings)
