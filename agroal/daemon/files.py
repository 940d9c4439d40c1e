"""Reads the configuration and the vault, at the start and for every reload."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agroal.auth.vault import MasterKey, list_users, master_key_path, read_users
from agroal.config.load import load, locate
from agroal.config.model import Configuration
from agroal.errors import ConfigurationError, Problem


def read(
    flags: Mapping[str, Path | None], directory: Path | None, environment: Mapping[str, str]
) -> tuple[Configuration, dict[str, str]]:
    """What the files say, and the users of the vault with their secrets. `flags` and `directory`: see `load.locate`.

    Raises ConfigurationError, VaultError.
    """
    configuration = load(locate(flags, directory, environment), environment)
    return configuration, user_secrets(configuration, environment)


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
