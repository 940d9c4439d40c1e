"""All checks, in the order in which they are told: from the files outwards."""

from __future__ import annotations

from agroal.doctor import files, host, logins, running, servers
from agroal.doctor.check import Check

CHECKS: tuple[Check, ...] = (*files.CHECKS, *host.CHECKS, *servers.CHECKS, *logins.CHECKS, *running.CHECKS)
