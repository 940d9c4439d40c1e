"""agroal-admin: the master key and the users of the vault, offline.

It works on files and asks no daemon; one that runs takes notice when it reloads. Each command has two spellings, that
of pgagroal 2 and that of 0.6. Exit status: 0 done, 1 refused or failed, 2 the command line is wrong.

With `--format json` one object is printed: `format` (1), `command` (in the newer spelling), `status` (`done` or
`failed`), and then `error`, or what there is to tell: `file`, `user`, `users`, `password` (a generated one of a user);
of an import `from`, `files` and `findings`, each with `outcome`, `place`, `what`, `became` and `says`.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import secrets
import string
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agroal import __version__
from agroal.auth import vault
from agroal.auth.vault import MasterKey
from agroal.errors import ConfigurationError, VaultError
from agroal.importing import command as importing
from agroal.importing.show import as_facts

USERS_FILE = Path("/etc/agroal/agroal_users.conf")
PASSWORD_VARIABLE = "AGROAL_PASSWORD"

_ALPHABET = string.ascii_letters + string.digits + "-._"  # needs no quoting in a shell, a URI or a connection string


class Usage(Exception):
    """The command line lacks what the command needs, and there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say, to people and to programs."""

    text: str
    facts: dict[str, object]


def main(arguments: Sequence[str] | None = None) -> int:
    made = parser()
    options = made.parse_intermixed_args(arguments)
    spelling = _spelling(options)
    if spelling not in COMMANDS:
        made.error(f"unknown command {spelling!r}; choose from: {', '.join(COMMANDS)}")
    name, command = COMMANDS[spelling]
    if options.password is not None and sys.stderr.isatty():
        _complain(f"others can see -P in the list of processes: use {PASSWORD_VARIABLE} or the prompt")
    try:
        answer = command(options)
    except Usage as problem:
        made.error(str(problem))
    except (VaultError, ConfigurationError, OSError) as problem:
        return _failed(name, options, str(problem))
    except (KeyboardInterrupt, EOFError):
        return _failed(name, options, "interrupted: nothing was changed")
    if options.format == "json":
        _print_json(name, "done", answer.facts)
    elif answer.text:
        print(answer.text)
    return 0


def master_key(options: argparse.Namespace) -> Answer:
    """Makes the master key, which nothing can replace."""
    path = vault.master_key_path(os.environ)
    if path.exists():
        raise vault.already_there(path)
    MasterKey.create(path, _password(options, "Master key"), secrets.token_bytes)
    return Answer(
        f"The master key is in {path}. Keep a copy of this file: without it the vault can't be read.",
        {"file": str(path)},
    )


def add_user(options: argparse.Namespace) -> Answer:
    """Adds a user and its password."""
    name, master = _user(options), _master_key()
    users = vault.read_users(options.file, master) if options.file.exists() else {}
    if name in users:
        raise VaultError(f"{options.file}: user {name!r} is there already; to change the password use: user edit")
    users[name] = _password(options, f"Password of {name}")
    vault.write_users(options.file, master, users, secrets.token_bytes)
    return _changed(options, name, users[name], "was added to")


def edit_user(options: argparse.Namespace) -> Answer:
    """Gives a user another password."""
    name, master = _user(options), _master_key()
    users = vault.read_users(options.file, master)
    _require(options.file, users, name)
    users[name] = _password(options, f"New password of {name}")
    vault.write_users(options.file, master, users, secrets.token_bytes)
    return _changed(options, name, users[name], "has a new password in")


def delete_user(options: argparse.Namespace) -> Answer:
    """Removes a user."""
    name, master = _user(options), _master_key()
    users = vault.read_users(options.file, master)
    _require(options.file, users, name)
    del users[name]
    vault.write_users(options.file, master, users, secrets.token_bytes)
    return Answer(f"{name} was removed from {options.file}.", {"file": str(options.file), "user": name})


def list_users(options: argparse.Namespace) -> Answer:
    """Names the users; needs no master key."""
    users = vault.list_users(options.file)
    return Answer("\n".join(users), {"file": str(options.file), "users": users})


def import_files(options: argparse.Namespace) -> Answer:
    """Writes agroal's files from a `pgbouncer.ini` or a `pgagroal.conf`, with a report of what became of everything."""
    if options.source is None:
        raise Usage("which file? agroal-admin import FILE")
    origin = importing.Origin(options.origin) if options.origin else None
    wish = importing.Wish(
        Path(options.source), options.output, origin, options.source_key, options.force, options.dry_run
    )
    imported = importing.run(wish, os.environ, secrets.token_bytes)
    facts: dict[str, object] = {
        "from": imported.origin,
        "files": list(imported.files),
        "findings": as_facts(imported.findings),
    }
    return Answer(importing.summary(imported, wish), facts)


COMMANDS: dict[str, tuple[str, Callable[[argparse.Namespace], Answer]]] = {
    "master-key": ("master-key", master_key),
    "user add": ("user add", add_user),
    "user edit": ("user edit", edit_user),
    "user del": ("user del", delete_user),
    "user ls": ("user ls", list_users),
    "import": ("import", import_files),
    "add-user": ("user add", add_user),
    "update-user": ("user edit", edit_user),
    "remove-user": ("user del", delete_user),
    "list-users": ("user ls", list_users),
}
"""By spelling: the name of the command, and what it does."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="agroal-admin",
        description="The master key and the users of agroal's vault; files of other pools become agroal's.",
        epilog=textwrap.fill(
            f"Commands: {', '.join(COMMANDS)}. An import takes a FILE. A password comes from -g, -P, "
            f"{PASSWORD_VARIABLE} or a prompt.",
            break_on_hyphens=False,
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="COMMAND", nargs="+", help="what to do; see below")
    parser.add_argument("-f", "-u", "--file", type=Path, default=USERS_FILE, help="the users file (%(default)s)")
    parser.add_argument("-U", "--user", metavar="NAME", help="the user to add, edit or delete")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("-P", "--password", help="the password of the user, or the master key")
    source.add_argument("-g", "--generate", action="store_true", help="generate the password or the master key")
    parser.add_argument(
        "-l", "--length", metavar="N", type=_length, default=64, help="characters of what is generated (%(default)s)"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, default=Path(), help="where imported files go (here)"
    )
    parser.add_argument(
        "--from", dest="origin", choices=tuple(importing.Origin), help="whose file is imported, when it does not show"
    )
    parser.add_argument("--source-key", metavar="FILE", type=Path, help="pgagroal's master key, for an import")
    parser.add_argument("--force", action="store_true", help="an import may overwrite files")
    parser.add_argument("-n", "--dry-run", action="store_true", help="show what an import would write")
    parser.add_argument("-F", "--format", choices=("text", "json"), default="text", help="of the output (%(default)s)")
    parser.add_argument("-V", "--version", action="version", version=f"agroal-admin {__version__}")
    parser.add_argument("-?", "--help", action="help", help="show this and exit")
    return parser


def _spelling(options: argparse.Namespace) -> str:
    """The command without what it is to work on, which becomes `source`."""
    words: list[str] = options.command
    options.source = words[1] if words[0] == "import" and len(words) == 2 else None
    return words[0] if options.source is not None else " ".join(words)


def _length(text: str) -> int:
    if not text.isdecimal() or not 8 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 8 to 1024")
    return int(text)


def _master_key() -> MasterKey:
    return MasterKey.load(vault.master_key_path(os.environ))


def _require(file: Path, users: dict[str, str], name: str) -> None:
    if name not in users:
        raise VaultError(f"{file}: there is no user {name!r}; to add one use: user add")


def _user(options: argparse.Namespace) -> str:
    if options.user is not None:
        return str(options.user)
    if not sys.stdin.isatty():
        raise Usage("which user? Give -U NAME")
    return input("User: ")


def _password(options: argparse.Namespace, prompt: str) -> str:
    """From -g, -P, the environment or the terminal, in this order."""
    if options.generate:
        return _generate(options.length)
    given = options.password if options.password is not None else os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return str(given)
    if not sys.stdin.isatty():
        raise Usage(f"no password, and no terminal to ask for one: give -P or -g, or set {PASSWORD_VARIABLE}")
    password = getpass.getpass(f"{prompt}: ")
    if getpass.getpass("Once more: ") != password:
        raise VaultError("the two entries differ: nothing was changed")
    return password


def _generate(length: int) -> str:
    """Also good for a master key, and never mistaken for an option."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if password[0].isalnum() and not vault.check_passphrase(password):
            return password


def _changed(options: argparse.Namespace, name: str, password: str, what: str) -> Answer:
    text = f"{name} {what} {options.file}."
    facts: dict[str, object] = {"file": str(options.file), "user": name}
    if not options.generate:
        return Answer(text, facts)
    return Answer(f"{text}\nGenerated password: {password}", {**facts, "password": password})


def _failed(command: str, options: argparse.Namespace, problem: str) -> int:
    if options.format == "json":
        _print_json(command, "failed", {"error": problem})
    else:
        _complain(problem)
    return 1


def _complain(problem: str) -> None:
    print("\n".join(f"agroal-admin: {line}" for line in problem.splitlines()), file=sys.stderr)


def _print_json(command: str, status: str, facts: dict[str, object]) -> None:
    print(json.dumps({"format": 1, "command": command, "status": status, **facts}))


if __name__ == "__main__":
    sys.exit(main())
