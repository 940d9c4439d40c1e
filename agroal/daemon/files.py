"""Reads the configuration and the vault, at the start and for every reload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agroal.auth.md5 import is_md5_secret
from agroal.auth.vault import MasterKey, list_users, master_key_path, read_users
from agroal.config import units
from agroal.config.load import load, locate
from agroal.config.model import Configuration
from agroal.errors import ConfigurationError, Problem


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the encrypted files hold, by name of user."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The vault: for logging in to PostgreSQL, and for clients, where `frontend` does not say otherwise."""
    frontend: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What clients have to know instead."""
    superuser: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Who asks PostgreSQL for secrets (`auth_query`): one user, or none."""
    admins: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Who may administer agroal over the network."""


def read(
    flags: Mapping[str, Path | None], directory: Path | None, environment: Mapping[str, str]
) -> tuple[Configuration, Secrets]:
    """What the files say. `flags` and `directory`: see `load.locate`. Raises ConfigurationError, VaultError."""
    configuration = load(locate(flags, directory, environment), environment)
    return configuration, read_secrets(configuration, environment)


def read_secrets(configuration: Configuration, environment: Mapping[str, str]) -> Secrets:
    """Decrypts the files of users. Raises VaultError, ConfigurationError."""
    files = configuration.files
    paths = files.users, files.frontend_users, files.superuser, files.admins
    secrets = Secrets(*(_users(path, environment) for path in paths))
    check(configuration, secrets)
    return secrets


def check(configuration: Configuration, secrets: Secrets) -> None:
    """Raises ConfigurationError where these don't go together."""
    if problems := [*_problems(configuration, secrets)]:
        raise ConfigurationError(problems)


def _problems(configuration: Configuration, secrets: Secrets) -> Iterator[Problem]:
    files, users = configuration.files, secrets.users
    for limit in configuration.limits:
        if files.users and limit.initial_size and limit.user not in users:
            why = f'user "{limit.user}" is not in {files.users}, so nobody can log in for it'
            yield Problem(limit.file, limit.line, "INITIAL_SIZE", why)
    for name in secrets.frontend:
        if name not in users:
            why = f'user "{name}" is not in the users file: agroal could not log in to PostgreSQL for it'
            yield Problem(str(files.frontend_users), 0, "", why)
    if len(secrets.superuser) > 1:
        yield Problem(str(files.superuser), 0, "", f"has {len(secrets.superuser)} users; expected one")
    if configuration.settings.auth_query and not secrets.superuser:
        yield Problem(str(files.main), 0, "auth_query", "needs a superuser file (-S) with one user")
    for name in sorted(units.names(configuration.settings.monitors) - secrets.admins.keys()):
        yield Problem(str(files.main), 0, "monitors", f'user "{name}" is not in the admins file (-A)')
    for name, secret in secrets.admins.items():
        if is_md5_secret(secret):
            why = f'user "{name}" has an md5 hash; expected a password or a SCRAM verifier'
            yield Problem(str(files.admins), 0, "", why)


def _users(path: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """None are in a file that is not there; an empty one needs no master key."""
    if path is None or not list_users(path):
        return {}
    return read_users(path, MasterKey.load(master_key_path(environment)))
