"""Patients for the checks: one that is well, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agroal.config.hba import read_hba
from agroal.config.limits import read_limits
from agroal.config.model import Configuration, Files
from agroal.config.report import Report
from agroal.config.servers import ServerSettings
from agroal.config.settings import Settings
from agroal.daemon.files import Secrets
from agroal.doctor.check import Check, Grade, Result, apply
from agroal.doctor.checks import CHECKS
from agroal.doctor.patient import Facts, Login, Patient, Role, Seen

NOW = 1_800_000_000.0

SETTINGS = {
    "max_connections": "100",
    "superuser_reserved_connections": "3",
    "reserved_connections": "0",
    "password_encryption": "scram-sha-256",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "60000",
    "tcp_keepalives_idle": "60",
}


def configuration(
    *,
    hba: str = "local all all scram-sha-256\nhost all all 10.0.0.0/8 scram-sha-256\n",
    limits: str = "shop web 5\nall all 5\n",
    server: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Configuration:
    main = {"host": "localhost", "port": 2345, "unix_socket_dir": Path("/tmp"), "max_connections": 10, **settings}
    lines = read_hba(hba, Report("agroal_hba.conf"), tls=True, certificates=True)
    rows = read_limits(limits, Report("agroal_databases.conf"), main["max_connections"])
    where = {"name": "primary", "host": "127.0.0.1", **(server or {})}
    return Configuration(Settings(**main), (ServerSettings(**where),), lines, rows, Files(Path("m"), Path("h")))


def facts(**changes: Any) -> Facts:
    """Those of a PostgreSQL 17 with everything that the files name."""
    changes["settings"] = {**SETTINGS, **changes.get("settings", {})}
    roles = {"web": Role("scram")}
    return replace(Facts("web", 170002, False, SETTINGS, 4, roles, {"shop": -1, "postgres": -1}), **changes)


def patient(made: Configuration | None = None, **changes: Any) -> Patient:
    """One that is well, but for the changes; those of a server are `seen`."""
    made = made or configuration()
    known = {"facts": facts(), "logins": (Login("web", "shop"),), "addresses": ("127.0.0.1",)}
    seen = Seen(made.primary, True, **{**known, **changes.pop("seen", {})})
    well = Patient(
        "/etc/agroal/agroal.conf", NOW, configuration=made, secrets=Secrets({"web": "pencil"}), servers=(seen,)
    )
    return replace(well, **changes)


def check(id: str) -> Check:
    (found,) = (check for check in CHECKS if check.id == id)
    return found


def result(id: str, of: Patient) -> Result:
    return apply(check(id), of)


def told(id: str, of: Patient) -> list[tuple[Grade, str]]:
    return [(finding.grade, finding.text) for finding in result(id, of).findings]
