"""Remote management, taken together: the port, who may use it, and the lines of the hba file about it.

Those lines name the database `admin`. `all` does not stand for it, as it does not for `replication`: a line for clients
lets nobody administer the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from agroal.config.model import Files, HbaLine, HbaType, Method
from agroal.config.report import Report
from agroal.config.settings import Settings

ADMIN = "admin"
"""The database that stands for remote management in the hba file."""
STRONG = (Method.SCRAM_SHA_256, Method.CERT, Method.REJECT)
"""The methods that there are for it: nothing secret crosses, and both sides prove themselves."""


def is_about_admins(line: HbaLine) -> bool:
    """Whether the line names the database `admin` and is about TCP."""
    return line.type is not HbaType.LOCAL and any(name.text == ADMIN and not name.keyword for name in line.databases)


def check_remote(settings: Settings, lines: Sequence[HbaLine], files: Files, main: Report, hba: Report) -> None:
    """Says what is weak as a problem, and why nobody could come in as a notice."""
    if not settings.management:
        return
    if settings.management in (settings.port, settings.metrics):
        main.problem(
            0, "management", f"{settings.management} is another port of agroal's already; expected one of its own"
        )
    about = [line for line in lines if is_about_admins(line)]
    for line in about:
        if line.method not in STRONG:
            expected = f"expected {', '.join(STRONG[:-1])} or {STRONG[-1]}"
            hba.problem(line.line, "METHOD", f"{line.method} is too weak for {ADMIN}, remote management; {expected}")
    if not about:
        hba.notice(0, "", f"no line names the database {ADMIN}: nobody can come in at the management port")
    if files.admins is None:
        main.notice(0, "management", "nobody can use it: there is no admins file (-A)")
    if not (settings.tls or _is_loopback(settings.host)):
        main.notice(0, "management", "tls is off: what admins ask and are told crosses the network unencrypted")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
