"""What can be done on the console: PgBouncer's commands, and the verbs of agroal that carry them out.

One row each. The verbs decide who may do it, and write it into the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from agroal.errors import ConsoleError
from agroal.management.verb import Value


@dataclass(frozen=True, slots=True)
class Errand:
    """A verb that the management dispatcher is to execute. Its result comes back; ManagementError is thrown in."""

    verb: str
    args: Mapping[str, Value]
    waits: bool = False
    """It may take its time, and the client may cancel it."""


Errands = tuple[Errand, ...]


class Takes(Enum):
    """What stands behind a command. The value is for people."""

    NOTHING = ""
    DATABASE = "db"
    MAYBE_DATABASE = "[db]"
    NUMBER = "id"
    MAYBE_HOW = "[WAIT_FOR_SERVERS | WAIT_FOR_CLIENTS]"


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    takes: Takes
    doc: str
    errands: Callable[[str], Errands]
    """What is to be done, in this order; called with the argument, empty without one. Raises ConsoleError."""
    undo: Callable[[str], Errands] | None = None
    """What is to be done when the client cancels it while it waits."""

    @property
    def usage(self) -> str:
        return f"{self.name} {self.takes.value}".rstrip()

    def checked(self, words: tuple[str, ...]) -> str:
        """Its argument. Raises ConsoleError."""
        if len(words) > 1 or (words and self.takes is Takes.NOTHING):
            raise ConsoleError("42601", f"too many words: expected {self.usage}")
        if not words and self.takes in (Takes.DATABASE, Takes.NUMBER):
            raise ConsoleError("42601", f"something is missing: expected {self.usage}")
        return words[0] if words else ""


def _of(database: str, **more: Value) -> dict[str, Value]:
    return {**({"database": database} if database else {}), **more}


def _pause(database: str) -> Errands:
    # First at once, so that it is done and in the log however long the rest takes.
    return Errand("pause", _of(database)), Errand("pause", _of(database, timeout=0.0), waits=True)


def _resume(database: str) -> Errands:
    return (Errand("resume", _of(database)),)


def _kill(database: str) -> Errands:
    return Errand("pause", _of(database)), Errand("flush all", _of(database))


def _kill_client(number: str) -> Errands:
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise ConsoleError("22023", "expected the id of a client, as SHOW CLIENTS has it")
    return (Errand("kill", {"client": int(number)}),)


def _shutdown(how: str) -> Errands:
    match how.upper():
        case "":
            return (Errand("shutdown immediate", {}),)
        case "WAIT_FOR_CLIENTS":
            return (Errand("shutdown gracefully", {"timeout": 0.0}),)
        case "WAIT_FOR_SERVERS":
            return Errand("shutdown gracefully", {"timeout": 0.0}), *_pause(""), Errand("shutdown immediate", {})
    raise ConsoleError("42601", f"expected SHUTDOWN {Takes.MAYBE_HOW.value}")


def _cancel_shutdown(_: str) -> Errands:
    return Errand("shutdown cancel", {}), *_resume("")


def _refuse(why: str, hint: str) -> Callable[[str], Errands]:
    def refuse(_: str) -> Errands:
        raise ConsoleError("0A000", why, hint=hint)

    return refuse


COMMANDS: Final = (
    Command(
        "PAUSE",
        Takes.MAYBE_DATABASE,
        "hold the clients of a database, or of all, and wait until no server is left; cancelled, it is resumed",
        _pause,
        _resume,
    ),
    Command("RESUME", Takes.MAYBE_DATABASE, "let clients go on that PAUSE or KILL holds", _resume),
    Command(
        "RECONNECT",
        Takes.MAYBE_DATABASE,
        "replace the servers of a database, or of all, as they come back; does not wait",
        lambda database: (Errand("reconnect", _of(database)),),
    ),
    Command("RELOAD", Takes.NOTHING, "read the configuration files anew", lambda _: (Errand("conf reload", {}),)),
    Command("ENABLE", Takes.DATABASE, "let new clients into a database again", lambda db: (Errand("enable", _of(db)),)),
    Command("DISABLE", Takes.DATABASE, "refuse new clients of a database", lambda db: (Errand("disable", _of(db)),)),
    Command(
        "KILL",
        Takes.MAYBE_DATABASE,
        "pause a database, or all, and close its servers at once, under their clients too",
        _kill,
    ),
    Command("KILL_CLIENT", Takes.NUMBER, "end the connection of one client", _kill_client),
    Command(
        "SHUTDOWN",
        Takes.MAYBE_HOW,
        "stop agroal: at once, when no server is in use any more, or when the last client has gone",
        _shutdown,
        _cancel_shutdown,
    ),
    Command(
        "SUSPEND",
        Takes.NOTHING,
        "not supported: no connection is ever handed to another process",
        _refuse("SUSPEND is not supported by agroal", "PAUSE holds the clients."),
    ),
    Command(
        "WAIT_CLOSE",
        Takes.MAYBE_DATABASE,
        "not supported",
        _refuse("WAIT_CLOSE is not supported by agroal", "agroal-cli reconnect -T 0 waits until all are replaced."),
    ),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
