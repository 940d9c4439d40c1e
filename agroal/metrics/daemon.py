"""What agroal itself is doing, and what it was given."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from agroal.config.choices import Pipeline
from agroal.metrics.clients import total
from agroal.metrics.family import Family, Kind, Row, Spread, one
from agroal.metrics.seen import Seen

PIPELINES = {Pipeline.PERFORMANCE: 0, Pipeline.AUTO: 1, Pipeline.SESSION: 1, Pipeline.TRANSACTION: 2}
"""pgagroal's numbers."""
NOTHING, SOON = timedelta(), timedelta(days=30)


def _system(seen: Seen) -> Iterator[Row]:
    release = platform.release()
    numbers = [*re.findall(r"\d+", release.partition("-")[0]), "0", "0", "0"][:3]
    yield (platform.system(), *numbers), 1


def _expiries(seen: Seen) -> dict[tuple[str, str], datetime]:
    """When each file is worth nothing any more: a file may hold many certificates."""
    expiries: dict[tuple[str, str], datetime] = {}
    for one_of_them in seen.snapshot.certificates:
        *section, key = one_of_them.key.split(".")
        owner = section[-1] if section else "metrics" if key.startswith("metrics_") else seen.facts.prefix
        until = datetime.fromisoformat(one_of_them.not_after)
        place = str(owner), one_of_them.file
        expiries[place] = min(until, expiries.get(place, until))
    return expiries


def _left(seen: Seen) -> list[timedelta]:
    now = datetime.fromisoformat(seen.snapshot.wall)
    return [until - now for until in _expiries(seen).values()]


def _status(seen: Seen) -> Iterator[Row]:
    now = datetime.fromisoformat(seen.snapshot.wall)
    return ((place, until > now) for place, until in _expiries(seen).items())


def _lag(seen: Seen) -> Spread:
    loop = seen.snapshot.loop
    return Spread(seen.snapshot.bounds_us, loop.lag_hist, loop.lag_us)


CERTIFICATE = ("server", "path")

DAEMON = (
    one("state", Kind.GAUGE, "1 running, 2 shutting down.", lambda seen: 1 if seen.snapshot.status == "running" else 2),
    one(
        "pipeline_mode",
        Kind.GAUGE,
        "The key pipeline: 0 performance, 1 session, 2 transaction.",
        lambda seen: PIPELINES[seen.facts.pipeline],
    ),
    Family(
        "build_info",
        Kind.GAUGE,
        "1, with the version of agroal.",
        lambda seen: [((seen.snapshot.version,), 1)],
        ("version",),
    ),
    Family("os_info", Kind.GAUGE, "1, with the system's release.", _system, ("os", "major", "minor", "patch")),
    total("logging_info", "Lines of the log of the level info.", lambda counters: counters.log_infos, Kind.TOTAL),
    total("logging_warn", "Lines of the log of the level warn.", lambda counters: counters.log_warnings, Kind.TOTAL),
    total("logging_error", "Lines of the log of the level error.", lambda c: c.log_errors - c.log_fatals, Kind.TOTAL),
    total("logging_fatal", "Lines of the log of the level fatal.", lambda counters: counters.log_fatals, Kind.TOTAL),
    one(
        "loop_lag_seconds",
        Kind.HISTOGRAM,
        "How late the event loop was for a timer that asks once a second: what every client may have to wait.",
        _lag,
    ),
    one("loop_tasks", Kind.GAUGE, "Tasks of the event loop.", lambda seen: seen.snapshot.loop.tasks),
    one(
        "pending_restart",
        Kind.GAUGE,
        "Keys of the configuration whose new value waits for a restart.",
        lambda seen: len(seen.snapshot.configuration.pending_restart),
    ),
    one("certificates_total", Kind.GAUGE, "Files with certificates.", lambda seen: len(_expiries(seen))),
    one(
        "certificates_valid",
        Kind.GAUGE,
        "Files whose certificates are all valid.",
        lambda seen: sum(left > NOTHING for left in _left(seen)),
    ),
    one(
        "certificates_expired",
        Kind.GAUGE,
        "Files with a certificate that is not valid any more.",
        lambda seen: sum(left <= NOTHING for left in _left(seen)),
    ),
    one(
        "certificates_expiring_soon",
        Kind.GAUGE,
        "Files whose certificates are valid for less than 30 days more.",
        lambda seen: sum(NOTHING < left < SOON for left in _left(seen)),
    ),
    Family(
        "tls_certificate_status",
        Kind.GAUGE,
        "1 while all certificates in the file are valid, else 0.",
        _status,
        CERTIFICATE,
    ),
    Family(
        "tls_certificate_expiration_seconds",
        Kind.GAUGE,
        "When the first certificate in the file ceases to be valid, in seconds since 1970.",
        lambda seen: ((place, until.astimezone(UTC).timestamp()) for place, until in _expiries(seen).items()),
        CERTIFICATE,
    ),
)
