r"""The password for an agroal in the network: AGROAL_PASSWORD, the first line of ~/.agroalpass that fits, or a prompt.

    host:port:user:password

as in PostgreSQL's ~/.pgpass: `*` fits everything, a colon or a backslash in a field has a backslash before it, lines
that begin with # don't count. AGROAL_PASSFILE names another file. One that others may read is not believed.
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from stat import S_IRWXG, S_IRWXO, S_ISREG
from typing import Final

from agroal.errors import ManagementError
from agroal.management.address import Remote
from agroal.management.wire import Code

PASSWORD_VARIABLE: Final = "AGROAL_PASSWORD"
FILE_VARIABLE: Final = "AGROAL_PASSFILE"

_FIELD = re.compile(r"((?:\\.|[^\\:])*)(?::|$)")


def own_name() -> str:
    """Of the user who runs this; empty when the system does not know one, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def with_password(remote: Remote, environ: Mapping[str, str]) -> Remote:
    """It may be without one still: where a certificate may be enough, and where there is nobody to ask.

    Raises ManagementError `configuration`.
    """
    password = password_for(remote.host, remote.port, remote.user, environ)
    if password is None and remote.cert is None and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {remote.user} at {remote.host}:{remote.port}: ")
    return replace(remote, password=password)


def password_for(host: str, port: int, user: str, environ: Mapping[str, str]) -> str | None:
    """None when none is known. Raises ManagementError `configuration` for a file that can't be used."""
    if (given := environ.get(PASSWORD_VARIABLE)) is not None:
        return given
    named = environ.get(FILE_VARIABLE)
    try:
        path = Path(named or "~/.agroalpass").expanduser()
    except RuntimeError:  # nobody's home
        return None
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode) and not named:
            return None
        if status.st_mode & (S_IRWXG | S_IRWXO):
            raise ManagementError(Code.CONFIGURATION, f"{path} has passwords that others may read: chmod 0600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ManagementError(Code.CONFIGURATION, f"{path} can't be read: {why}") from error
    wanted = host, str(port), user
    return next((password for line in lines if (password := _fitting(line, wanted)) is not None), None)


def _fitting(line: str, wanted: tuple[str, str, str]) -> str | None:
    """The password in a line, if it is about this."""
    if line.startswith("#"):
        return None
    fields, at = [], 0
    for _ in range(3):
        field = _FIELD.match(line, at)
        if not field or field.end() == len(line):
            return None
        fields.append(field[1])
        at = field.end()
    if all(field == "*" or _plain(field) == value for field, value in zip(fields, wanted, strict=True)):
        return _plain(line[at:])
    return None


def _plain(field: str) -> str:
    return re.sub(r"\\(.)", r"\1", field)
