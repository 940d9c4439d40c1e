"""What becomes of each key of PgBouncer 1.25: declared once, for the import and for docs/coming-from-pgbouncer.md."""

from __future__ import annotations

from dataclasses import dataclass

from agroal.importing.conversions import (
    Convert,
    at_least,
    ciphers,
    oldest_tls,
    plain,
    seconds,
    seconds_or,
    switch,
    within,
)
from agroal.importing.findings import Outcome

HUMAN, WITHOUT, CHANGED, TAKEN, NEEDLESS = Outcome

SECRET = ("password",)
"""Keys whose values are shown to nobody."""

_HBA, _LIMITS, _USERS = "agroal_hba.conf", "agroal_databases.conf", "agroal_users.conf"
_IN_POSTGRESQL = "PostgreSQL has it: "
_KERNEL = "The kernel's settings count: "


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    outcome: Outcome
    becomes: str = ""
    """A key of agroal.conf, or one of the files."""
    says: str = ""
    default: str | None = None
    """PgBouncer's, where agroal's is another one and the import writes it down."""
    how: Convert | None = None
    """For those whose value becomes that of one key, and depends on nothing else."""


def _key(
    name: str, becomes: str, how: Convert, says: str = "", *, default: str | None = None, outcome: Outcome = TAKEN
) -> Key:
    return Key(name, outcome, becomes, says, default, how)


def _without(says: str, *names: str) -> tuple[Key, ...]:
    return tuple(Key(name, WITHOUT, says=says) for name in names)


def _needless(says: str, *names: str) -> tuple[Key, ...]:
    return tuple(Key(name, NEEDLESS, says=says) for name in names)


MAIN: tuple[Key, ...] = (
    # where it listens
    Key("listen_addr", CHANGED, "host", "agroal listens on one name, one address, or all (`*`)."),
    _key("listen_port", "port", within(1, 65535), default="6432"),
    Key("unix_socket_dir", TAKEN, "unix_socket_dir", default="/tmp"),
    *_without(
        "Whoever may open the directory may open the socket; who comes in is up to the `local` lines.",
        "unix_socket_mode",
        "unix_socket_group",
    ),
    _key("listen_backlog", "backlog", within(1, 65535)),
    _key("tcp_keepalive", "keep_alive", switch),
    *_without(_KERNEL + "`net.ipv4.tcp_keepalive_*`.", "tcp_keepcnt", "tcp_keepidle", "tcp_keepintvl"),
    *_without(_KERNEL + "`net.ipv4.tcp_retries2`.", "tcp_user_timeout"),
    *_needless("The kernel sizes socket buffers better.", "tcp_socket_buffer", "pkt_buf", "tcp_defer_accept"),
    *_needless("Messages stream through agroal, however large they are.", "max_packet_size", "sbuf_loopcnt"),
    *_without("One daemon has one process; several need ports of their own.", "so_reuseport", "peer_id"),
    # the log and the process
    Key("logfile", CHANGED, "log_path", "A file of agroal's own in the same directory, with `log_type = file`."),
    Key("syslog", TAKEN, "log_type"),
    *_without("It logs as `agroal`, facility `user`.", "syslog_ident", "syslog_facility", "job_name", "service_name"),
    _key("log_connections", "log_connections", switch, default="1"),
    _key("log_disconnections", "log_disconnections", switch, default="1"),
    *_without(
        "Errors that clients are told are counted, not logged: `agroal-cli status details`.", "log_pooler_errors"
    ),
    *_without(
        "`agroal-top`, `agroal-cli status details` and `metrics` show what happens.", "log_stats", "stats_period"
    ),
    Key("verbose", CHANGED, "log_level", "More than 0 is `debug`, more than 1 `trace`."),
    *_needless("agroal has a file of its own in `unix_socket_dir`; `pidfile` names another.", "pidfile"),
    *_without("The service manager chooses the user: `User=` of the unit.", "user"),
    *_needless("`-c` and `-D` name the files.", "conffile"),
    # who may come in
    Key("auth_type", TAKEN, _HBA, "The method of the lines.", default="md5"),
    Key("auth_file", TAKEN, _USERS, "The vault is encrypted; `agroal-admin user` changes it."),
    Key("auth_hba_file", TAKEN, _HBA, "Line by line."),
    Key("auth_ident_file", TAKEN, "agroal_ident.conf", "Line by line."),
    *_without("LDAP: PostgreSQL can do that itself, behind the method `all`.", "auth_ldap_options"),
    Key("auth_user", CHANGED, "agroal_superuser.conf", "Who asks PostgreSQL for secrets, with `auth_query = on`."),
    Key(
        "auth_query",
        HUMAN,
        "auth_query",
        "agroal's query is its own: it reads pg_authid, so the one who asks needs "
        "`GRANT SELECT ON pg_catalog.pg_authid`. A function of yours is not called.",
    ),
    _key("auth_dbname", "auth_query_database", plain),
    Key(
        "admin_users",
        CHANGED,
        "agroal_admins.conf",
        "`psql … pgbouncer` is theirs as before; with a port in `management`, agroal-cli from afar as well.",
    ),
    Key("stats_users", CHANGED, "monitors", "They stand in agroal_admins.conf and may only look."),
    _key("client_login_timeout", "authentication_timeout", seconds_or("1d"), "0 is a day.", default="60"),
    *_without("Verifiers are PostgreSQL's or made with 4096 rounds.", "scram_iterations"),
    *_without("A client gets PostgreSQL's own notices and errors.", "login_notify_message"),
    Key("client_tls_sslmode", TAKEN, "tls", "`require` and stricter make the lines of the hba file `hostssl`."),
    Key("client_tls_cert_file", TAKEN, "tls_cert_file"),
    Key("client_tls_key_file", TAKEN, "tls_key_file"),
    Key("client_tls_ca_file", TAKEN, "tls_ca_file", "With it every TLS client must show a certificate."),
    _key("client_tls_protocols", "tls_min_version", oldest_tls, "1.2 and 1.3 are spoken.", outcome=CHANGED),
    _key("client_tls_ciphers", "tls_ciphers", ciphers),
    *_without("OpenSSL chooses.", "client_tls13_ciphers", "client_tls_dheparams", "client_tls_ecdhcurve"),
    # the pools
    Key("pool_mode", TAKEN, "pipeline", "`statement` becomes `transaction`: transactions are allowed."),
    Key("default_pool_size", TAKEN, f"{_LIMITS}: MAX_SIZE", "For each pair of a database and a user.", "20"),
    Key("min_pool_size", TAKEN, f"{_LIMITS}: MIN_SIZE", "For users whose password is known; also opened at the start."),
    Key("reserve_pool_size", CHANGED, f"{_LIMITS}: MAX_SIZE", "Added to it: there is no second limit."),
    *_without("The reserve is part of MAX_SIZE: nobody waits for it.", "reserve_pool_timeout"),
    Key("max_db_connections", TAKEN, f"{_LIMITS}: MAX_SIZE", "The database's line, with user `all`."),
    Key("max_user_connections", TAKEN, f"{_LIMITS}: MAX_SIZE", "The user's line, with database `all`."),
    *_without(
        "Clients wait in a queue; as many may come as there are file descriptors (`LimitNOFILE=`).",
        "max_client_conn",
        "max_db_client_connections",
        "max_user_client_connections",
    ),
    _key("query_wait_timeout", "blocking_timeout", seconds_or("1w"), "0 is a week.", default="120"),
    _key("query_wait_notify", "wait_notice_timeout", seconds),
    _key("client_idle_timeout", "disconnect_client", seconds),
    *_without(_IN_POSTGRESQL + "`statement_timeout`.", "query_timeout"),
    *_without(_IN_POSTGRESQL + "`idle_in_transaction_session_timeout`.", "idle_transaction_timeout"),
    *_without(_IN_POSTGRESQL + "`transaction_timeout`, from version 17 on.", "transaction_timeout"),
    *_without("A cancel request goes out at once, within `connect_timeout`.", "cancel_wait_timeout"),
    *_needless("Nothing is suspended.", "suspend_timeout"),
    *_needless("Pools are made and forgotten as they are used.", "autodb_idle_timeout", "pool_idle_timeout"),
    *_without("The connection that was used last is used next, so that others can be closed.", "server_round_robin"),
    _key(
        "max_prepared_statements",
        "max_prepared_statements",
        within(1, 100_000),
        "0, which turns it off in PgBouncer, is 1: prepared statements are always followed.",
    ),
    _key("server_reset_query", "server_reset_query", plain),
    _key("server_reset_query_always", "server_reset_query_always", switch),
    *_needless("Settings that PostgreSQL reports always go with their client.", "track_extra_parameters"),
    *_needless(
        "All parameters of a client's start-up packet are set for it, `options` too; nothing has to be ignored.",
        "ignore_startup_parameters",
    ),
    *_without("`application_name` is the client's own.", "application_name_add_host"),
    *_needless("Simple queries are looked at as closely as others.", "disable_pqexec"),
    # the servers
    _key(
        "server_lifetime",
        "max_connection_age",
        seconds_or("1ms"),
        "0, once and never again, is 1ms.",
        default="3600",
    ),
    _key("server_idle_timeout", "idle_timeout", seconds, default="600"),
    _key("server_connect_timeout", "connect_timeout", seconds_or("1d"), "0 is a day.", default="15"),
    *_without(
        "agroal tries again after `connection_retry_delay`, which grows with each failure.", "server_login_retry"
    ),
    Key(
        "server_check_query",
        CHANGED,
        "validation",
        "With a query, free servers are asked in the background, in agroal's words.",
    ),
    _key(
        "server_check_delay",
        "background_interval",
        at_least(5),
        "How often free servers are asked, with `validation = background`.",
        outcome=CHANGED,
    ),
    *_without("`agroal-cli flush gracefully` does it when it is wanted.", "server_fast_close"),
    Key("server_tls_sslmode", TAKEN, "tls of the server", default="prefer"),
    Key("server_tls_ca_file", TAKEN, "tls_ca_file of the server", "With `verify-ca` and `verify-full`."),
    Key("server_tls_cert_file", TAKEN, "tls_cert_file of the server"),
    Key("server_tls_key_file", TAKEN, "tls_key_file of the server"),
    *_without("OpenSSL chooses.", "server_tls_protocols", "server_tls_ciphers", "server_tls13_ciphers"),
    *_needless(
        "Names are looked up whenever a connection is opened.",
        "dns_max_ttl",
        "dns_nxdomain_ttl",
        "dns_zone_check_period",
        "resolv_conf",
    ),
)
"""Of [pgbouncer]."""

DATABASES: tuple[Key, ...] = (
    Key("dbname", TAKEN, f"{_LIMITS}: an alias", "The real name comes first, those of the clients behind `=`."),
    Key("host", TAKEN, "host of the server", "One daemon serves one host: each gets files of its own."),
    Key("port", TAKEN, "port of the server"),
    Key("user", HUMAN, _USERS, "agroal logs in as the user that the client is: clients have to come in as this one."),
    Key("password", TAKEN, _USERS),
    Key("auth_user", CHANGED, "agroal_superuser.conf", "One for all databases of a daemon."),
    *_without("See `auth_query` above.", "auth_query"),
    Key("auth_dbname", CHANGED, "auth_query_database", "One for all databases of a daemon."),
    Key("pool_size", TAKEN, f"{_LIMITS}: MAX_SIZE", "For each user."),
    Key("min_pool_size", TAKEN, f"{_LIMITS}: MIN_SIZE"),
    Key("reserve_pool", CHANGED, f"{_LIMITS}: MAX_SIZE", "Added to it."),
    Key("reserve_pool_size", CHANGED, f"{_LIMITS}: MAX_SIZE", "Added to it."),
    Key("pool_mode", TAKEN, f"{_LIMITS}: pipeline=", "`statement` becomes `transaction`."),
    Key("max_db_connections", TAKEN, f"{_LIMITS}: MAX_SIZE", "One line for all users of the database."),
    *_without("Clients wait in a queue.", "max_db_client_connections"),
    *_without("It is one value for all: `blocking_timeout`.", "query_wait_timeout"),
    *_without("It is one value for all: `max_connection_age`.", "server_lifetime"),
    *_without("One daemon serves one host.", "load_balance_hosts"),
    *_without(
        "Put it into PostgreSQL: `ALTER DATABASE … SET`, or a trigger on login.",
        "connect_query",
        "client_encoding",
        "datestyle",
        "timezone",
        "application_name",
    ),
)
"""Of the connection strings in [databases]."""

USERS: tuple[Key, ...] = (
    Key("pool_size", TAKEN, f"{_LIMITS}: MAX_SIZE"),
    Key("reserve_pool_size", CHANGED, f"{_LIMITS}: MAX_SIZE", "Added to it."),
    Key("pool_mode", TAKEN, f"{_LIMITS}: pipeline="),
    Key("max_user_connections", TAKEN, f"{_LIMITS}: MAX_SIZE", "One line for all databases of the user."),
    *_without(
        _IN_POSTGRESQL + "`ALTER ROLE … SET statement_timeout` and the like.",
        "query_timeout",
        "idle_transaction_timeout",
        "transaction_timeout",
    ),
    *_without("It is one value for all: `blocking_timeout`.", "query_wait_timeout"),
    *_without("It is one value for all: `disconnect_client`.", "client_idle_timeout"),
    *_without("Clients wait in a queue.", "max_user_client_connections"),
)
"""Of the lines in [users]."""


def by_name(keys: tuple[Key, ...]) -> dict[str, Key]:
    return {key.name: key for key in keys}
