"""Who may administer agroal over the network, and what each of them may do there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agroal.auth.users import Secret, Users
from agroal.config.model import Settings
from agroal.config.units import names
from agroal.daemon.files import Secrets
from agroal.management.controls import Role


class Admins:
    """The users of the admins file. Deriving keys takes a while, so at a reload that is done in a thread."""

    def __init__(self, secrets: Secrets, settings: Settings, token: Callable[[int], bytes]) -> None:
        """`token` gives so many random bytes."""
        self._key = token(32)
        self.users = Users(secrets.admins, self._key)
        """What they are measured by who say that they are one of them; whoever is none is challenged all the same."""
        self._monitors = names(settings.monitors)
        self.changed: Callable[[], None] = lambda: None
        """Called when they may be others, or may do something else."""

    def secret(self, user: str) -> Secret | None:
        """What this user has to know; None for who is no admin."""
        return self.users.get(user)

    def role(self, user: str) -> Role | None:
        """What this user may do; None, and that is nothing at all, for who is not in the file."""
        if user not in self.users:
            return None
        return Role.MONITOR if user in self._monitors else Role.ADMIN

    async def renew(self, secrets: Secrets, settings: Settings) -> Callable[[], None]:
        """Get ready for other secrets; what is returned puts them in force."""
        users = self.users
        if secrets.admins != {name: secret.text for name, secret in users.items()}:
            users = await asyncio.get_running_loop().run_in_executor(None, Users, secrets.admins, self._key)

        def take() -> None:
            self.users, self._monitors = users, names(settings.monitors)
            self.changed()

        return take
