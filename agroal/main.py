"""agroal: the daemon's program. Reads its arguments and files, and runs until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import uvloop

from agroal import __version__
from agroal.config.describe import describe
from agroal.config.load import ROLES
from agroal.config.model import Configuration, LogType
from agroal.daemon.background import PidFile, Readiness, go_to_background
from agroal.daemon.daemon import Daemon
from agroal.daemon.files import Secrets
from agroal.daemon.files import read as read_files
from agroal.daemon.log import Log
from agroal.daemon.reload import Read
from agroal.daemon.systemd import Systemd
from agroal.errors import AgroalError, ConfigurationError, Problem
from agroal.net.chosen import RELAY

STANDARD_ERROR = 2

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
    made.add_argument("--format", choices=("text", "json"), default="text", help="of the doctor (%(default)s)")
    made.add_argument("command", nargs="?", choices=("doctor",), help="see what is wrong, start nothing")
    made.add_argument("-V", "--version", action="version", version=f"agroal {__version__}, {RELAY}")
    made.add_argument("-?", "-h", "--help", action="help", help="show this help")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Returns its exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    options = parser().parse_args(arguments)
    flags = {role.name: getattr(options, role.name) for role in ROLES}
    if options.command == "doctor":
        from agroal.doctor import command as doctor  # the daemon has no need of it

        return doctor.run(flags, options.directory, os.environ, as_json=options.format == "json")
    read = partial(read_files, flags, options.directory, os.environ)
    try:
        configuration, secrets = read()
        for notice in configuration.notices:
            sys.stderr.write(f"agroal: notice: {notice}\n")
        if options.check:
            sys.stdout.write(describe(configuration))
            return 0
        return start(configuration, secrets, read, background=options.daemon)
    except AgroalError as error:
        sys.stderr.write("".join(f"agroal: {line}\n" for line in str(error).splitlines()))
        return 1


def start(configuration: Configuration, secrets: Secrets, read: Read, *, background: bool) -> int:
    """Run the daemon to its end."""
    settings = configuration.settings
    if background and settings.log_type == LogType.CONSOLE:
        raise ConfigurationError(
            [
                Problem(
                    str(configuration.files.main),
                    0,
                    "log_type",
                    "console can't be combined with -d: expected file, syslog or journald",
                )
            ]
        )
    pid = os.getpid()  # what systemd knows us by
    ready = go_to_background() if background else None
    try:
        _serve(configuration, secrets, read, ready, pid)
    except AgroalError as error:
        if ready:
            ready.failed(str(error))
        raise
    return 0


def _serve(configuration: Configuration, secrets: Secrets, read: Read, ready: Readiness | None, pid: int) -> None:
    settings = configuration.settings
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # there would be passwords in it
    faulthandler.enable(file=STANDARD_ERROR)  # what ends the interpreter itself is told there, as far as it can be
    output = Log(settings)
    try:
        if os.geteuid() == 0:
            sys.stderr.write("agroal: warning: running as root; a user of its own would be safer\n")
        systemd = Systemd.of(os.environ, pid, background=ready is not None)
        with PidFile(settings.pidfile):
            uvloop.run(_run(configuration, secrets, read, output, ready, systemd))
    finally:
        output.stop()


async def _run(
    configuration: Configuration, secrets: Secrets, read: Read, output: Log, ready: Readiness | None, systemd: Systemd
) -> None:
    daemon = Daemon(configuration, secrets, read, output, systemd)
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(daemon.reload.signalled())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    def reopen() -> None:
        output.reopen()
        daemon.flight.signalled()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop.signalled)
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR1, reopen)
    try:
        await daemon.run(ready.reached if ready else lambda: None)
    except AgroalError:
        raise
    except Exception:
        log.critical("internal error: agroal ends", exc_info=True)
        daemon.flight.crashed()
        raise


if __name__ == "__main__":
    sys.exit(main())
