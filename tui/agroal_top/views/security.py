"""Who was refused, and how long certificates still hold."""

from __future__ import annotations

from agroal.management.snapshot import AuthenticationFailure, Certificate, Snapshot
from agroal_top import format
from agroal_top.alerts import FEW_DAYS, days_left
from agroal_top.rates import Rates
from agroal_top.views.figures import UNKNOWN
from agroal_top.views.listing import Column, Kind, Listing, worded
from agroal_top.views.text import Part, Tone

VERY_FEW_DAYS = 14


def failures(snapshot: Snapshot) -> Listing[AuthenticationFailure]:
    def ago(failure: AuthenticationFailure) -> int:
        return snapshot.mono_us - failure.last_us

    columns: tuple[Column[AuthenticationFailure], ...] = (
        Column("last", "Ago", 8, ago, lambda failure: Part(format.duration(ago(failure))), Kind.DURATION),
        Column("count", "Count", 7, lambda failure: failure.count, _count, Kind.NUMBER),
        worded("user", "User", 12, lambda failure: failure.user),
        worded("database", "Database", 12, lambda failure: failure.database),
        worded("address", "Address", 16, lambda failure: failure.address, priority=1),
        worded("reason", "Reason", 24, lambda failure: failure.error, grows=True),
    )
    return Listing(columns, snapshot.authentication_failures, _same, "last")


def _same(failure: AuthenticationFailure) -> tuple[str, str, str, str]:
    return failure.user, failure.database, failure.address, failure.error


def _count(failure: AuthenticationFailure) -> Part:
    return Part(format.number(failure.count), Tone.WARN if failure.count > 1 else Tone.PLAIN)


def certificates(snapshot: Snapshot) -> Listing[Certificate]:
    def left(certificate: Certificate) -> int | None:
        return days_left(certificate.not_after, snapshot.wall)

    def shown(certificate: Certificate) -> Part:
        days = left(certificate)
        if days is None:
            return UNKNOWN
        return Part("EXPIRED" if days < 0 else f"{days} d", _tone(days))

    columns: tuple[Column[Certificate], ...] = (
        worded("certificate", "Certificate", 24, lambda certificate: certificate.file, grows=True),
        worded("key", "Used by", 22, lambda certificate: certificate.key, priority=1),
        worded("expires", "Expires", 10, lambda certificate: certificate.not_after[:10]),
        Column("left", "Left", 9, left, shown, Kind.NUMBER),
        worded("subject", "Subject", 30, lambda certificate: certificate.subject, priority=2),
    )
    return Listing(columns, snapshot.certificates, lambda certificate: (certificate.key, certificate.file), "left")


def _tone(days: int) -> Tone:
    if days < VERY_FEW_DAYS:
        return Tone.ERROR
    return Tone.WARN if days < FEW_DAYS else Tone.OK


def summary(snapshot: Snapshot, rates: Rates | None) -> list[Part]:
    """How often it worked, and how much of it is encrypted."""
    counters = snapshot.counters
    parts = [Part(f" logins {counters.authenticated:,}  refused {counters.rejected:,}  ")]
    parts.append(Part(f"TLS failures {counters.tls_failures:,}  "))
    if rates is not None and rates.rejected:
        parts.append(Part(f"now {rates.rejected * 60:.1f} refused/min  ", Tone.ERROR))
    encrypted = sum(1 for client in snapshot.clients if client.tls)
    parts.append(Part(f"TLS: {encrypted:,} of {len(snapshot.clients):,} clients"))
    return parts
