"""The keys whose values are words, and the words.

A value is read in any case. Further spellings that pgagroal knows are given where the key is declared (`settings.py`).
"""

from __future__ import annotations

from enum import StrEnum


class LogType(StrEnum):
    CONSOLE = "console"
    FILE = "file"
    SYSLOG = "syslog"
    JOURNALD = "journald"


class LogFormat(StrEnum):
    """What a line of the log looks like."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From the fewest lines to the most."""

    FATAL = "fatal"
    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"
    TRACE = "trace"


class LogMode(StrEnum):
    APPEND = "append"
    CREATE = "create"


class Pipeline(StrEnum):
    """What is looked at while relaying, and so when a server can go back."""

    AUTO = "auto"
    PERFORMANCE = "performance"
    SESSION = "session"
    TRANSACTION = "transaction"


class SessionState(StrEnum):
    """What becomes of a client that makes what outlives a transaction, in the transaction pipeline."""

    PIN = "pin"
    RESET = "reset"
    REJECT = "reject"
    WARN = "warn"


class Validation(StrEnum):
    """When a server is asked whether it still works."""

    OFF = "off"
    FOREGROUND = "foreground"
    BACKGROUND = "background"


class StartupValidation(StrEnum):
    """Whether servers that are not copies of one database cluster keep the daemon from starting."""

    OFF = "off"
    TRY = "try"
    ON = "on"


class MetricsPrefix(StrEnum):
    """What the names of all metrics begin with."""

    AGROAL = "agroal"
    PGAGROAL = "pgagroal"


class ResetFailure(StrEnum):
    """What happens to a server whose reset query failed."""

    DISCARD = "discard"
    TRY = "try"
    IGNORE = "ignore"


class TlsVersion(StrEnum):
    """The oldest version of TLS that is spoken; older ones are not safe any more (RFC 8996)."""

    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"


class TlsMode(StrEnum):
    """How connections to a server are encrypted: libpq's `sslmode`."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class ChannelBinding(StrEnum):
    """Whether SCRAM towards a server is bound to its TLS certificate."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"


class ProcessTitle(StrEnum):
    NEVER = "never"
    STRICT = "strict"
    MINIMAL = "minimal"
    VERBOSE = "verbose"


class HugePage(StrEnum):
    OFF = "off"
    TRY = "try"
    ON = "on"


class EventBackend(StrEnum):
    AUTO = "auto"
    IO_URING = "io_uring"
    EPOLL = "epoll"
    KQUEUE = "kqueue"


class Libev(StrEnum):
    AUTO = "auto"
    SELECT = "select"
    POLL = "poll"
    EPOLL = "epoll"
    LINUXAIO = "linuxaio"
    IOURING = "iouring"
    DEVPOLL = "devpoll"
    PORT = "port"
