"""agroal: the daemon's program. Reads its arguments and files, and runs until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from agroal import __version__
from agroal.auth.vault import MasterKey, list_users, master_key_path, read_users
from agroal.config.describe import describe
from agroal.config.load import ROLES, load, locate
from agroal.config.model import Configuration, LogType
from agroal.daemon.background import PidFile, Readiness, go_to_background
from agroal.daemon.daemon import Daemon
from agroal.daemon.log import Log
from agroal.errors import AgroalError, ConfigurationError, Problem

log = logging.getLogger("agroal.main")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="agroal", description="A connection pool for PostgreSQL.", add_help=False, allow_abbrev=False
    )
    for role in ROLES:
        made.add_argument(role.flag, role.option, dest=role.name, type=Path, metavar="FILE", help=role.doc)
    made.add_argument("-D", "--directory", type=Path, metavar="DIR", help="the directory of all these files")
    made.add_argument("-d", "--daemon", action="store_true", help="run in the background")
    made.add_argument("--check", action="store_true", help="check the files, print what is in force, start nothing")
    made.add_argument("-V", "--version", action="version", version=f"agroal {__version__}")
    made.add_argument("-?", "-h", "--help", action="help", help="show this help")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Returns its exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    options = parser().parse_args(arguments)
    try:
        configuration = load(locate({role.name: getattr(options, role.name) for role in ROLES}, options.directory))
        secrets = user_secrets(configuration, os.environ)
        for notice in (*configuration.notices, *not_opened_ahead(configuration)):
            sys.stderr.write(f"agroal: notice: {notice}\n")
        if options.check:
            sys.stdout.write(describe(configuration))
            return 0
        return start(configuration, secrets, background=options.daemon)
    except AgroalError as error:
        sys.stderr.write("".join(f"agroal: {line}\n" for line in str(error).splitlines()))
        return 1


def user_secrets(configuration: Configuration, environment: Mapping[str, str]) -> dict[str, str]:
    """The users of the vault with their secrets; none when there is no users file.

    Raises VaultError, ConfigurationError.
    """
    path = configuration.files.users
    if path is None:
        return {}
    # An empty vault needs no master key.
    users = read_users(path, MasterKey.load(master_key_path(environment))) if list_users(path) else {}
    missing = [
        Problem(
            limit.file, limit.line, "INITIAL_SIZE", f'user "{limit.user}" is not in {path}, so nobody can log in for it'
        )
        for limit in configuration.limits
        if limit.initial_size and limit.user not in users
    ]
    if missing:
        raise ConfigurationError(missing)
    return users


def not_opened_ahead(configuration: Configuration) -> list[Problem]:
    """Notices: the databases file wants connections opened ahead of the clients, which comes with a later release."""
    why = "accepted, but has no effect yet: connections are opened when clients come"
    return [
        Problem(limit.file, limit.line, "INITIAL_SIZE", why) for limit in configuration.limits if limit.initial_size
    ]


def start(configuration: Configuration, secrets: Mapping[str, str], *, background: bool) -> int:
    """Run the daemon to its end."""
    settings = configuration.settings
    if background and settings.log_type == LogType.CONSOLE:
        raise ConfigurationError(
            [
                Problem(
                    str(configuration.files.main),
                    0,
                    "log_type",
                    "console can't be combined with -d: expected file or syslog",
                )
            ]
        )
    ready = go_to_background() if background else None
    try:
        _serve(configuration, secrets, ready)
    except AgroalError as error:
        if ready:
            ready.failed(str(error))
        raise
    return 0


def _serve(configuration: Configuration, secrets: Mapping[str, str], ready: Readiness | None) -> None:
    settings = configuration.settings
    output = Log(settings)
    try:
        if os.geteuid() == 0:
            sys.stderr.write("agroal: warning: running as root; a user of its own would be safer\n")
        with PidFile(settings.pidfile):
            uvloop.run(_run(configuration, secrets, ready))
    finally:
        output.stop()


async def _run(configuration: Configuration, secrets: Mapping[str, str], ready: Readiness | None) -> None:
    daemon = Daemon(configuration, secrets)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop.signalled)
    loop.add_signal_handler(
        signal.SIGHUP, log.warning, "SIGHUP: reload comes with a later release; nothing has changed"
    )
    await daemon.run(ready.reached if ready else lambda: None)


if __name__ == "__main__":
    sys.exit(main())
