"""Which secrets clients have to know: the vault's, those of the frontend file, or, rotated, ones that we make up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from agroal.auth.users import Users
from agroal.config.model import Settings
from agroal.daemon.files import Secrets

log = logging.getLogger("agroal.passwords")

PRINTABLE: Final = bytes(range(33, 127))
"""What made-up passwords consist of: 94 characters."""


class Passwords:
    """`users` is what clients are measured by. Deriving keys takes a while, so new ones are made in a thread."""

    def __init__(self, secrets: Secrets, settings: Settings, token: Callable[[int], bytes]) -> None:
        self._token = token
        self._key = token(32)
        self._secrets = secrets
        self._settings = settings
        self._made_up = self._make_up(secrets, settings, {})
        self._rotating: asyncio.Task[None] | None = None
        self._started = False
        self._due = 0.0
        """When they rotate next, by the clock of the loop."""
        self.users = self.measure(of_clients(secrets, self._made_up))

    def measure(self, secrets: Mapping[str, str]) -> Users:
        """What clients are measured by who have to know these."""
        return Users(secrets, self._key)

    @property
    def rotate(self) -> bool:
        """We make them up."""
        return rotating(self._secrets, self._settings)

    def shown(self, user: str) -> str | None:
        """The password that this client has to know, if it is one that we have made up."""
        return self._made_up.get(user)

    def start(self) -> None:
        """Rotate from now on, if that is wanted."""
        self._started = True
        self._due = asyncio.get_running_loop().time() + self._settings.rotate_frontend_password_timeout
        self._go_on()

    def stop(self) -> None:
        """Rotate no more."""
        self._started = False
        self._pause()

    async def renew(self, secrets: Secrets, settings: Settings) -> Callable[[], None]:
        """Get ready for other secrets; what is returned puts them in force. Passwords that we have made up stay."""
        while True:
            before = self._made_up
            made_up = self._make_up(secrets, settings, before)
            users = await self._measured(of_clients(secrets, made_up))
            if before is self._made_up:  # else they have been rotated meanwhile
                break

        def take() -> None:
            same_pace = settings.rotate_frontend_password_timeout == self._settings.rotate_frontend_password_timeout
            self._secrets, self._settings, self._made_up, self.users = secrets, settings, made_up, users
            if not self._started:
                return
            if same_pace:
                self._go_on()
            else:
                self.start()

        return take

    def _go_on(self) -> None:
        self._pause()
        if self._made_up:
            self._rotating = asyncio.get_running_loop().create_task(self._rotate())

    def _pause(self) -> None:
        if self._rotating:
            self._rotating.cancel()
            self._rotating = None

    async def _rotate(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._due - loop.time())
            made_up = self._make_up(self._secrets, self._settings, {})
            users = await self._measured(of_clients(self._secrets, made_up))
            self._made_up, self.users = made_up, users
            self._due = loop.time() + self._settings.rotate_frontend_password_timeout
            log.info("the passwords of clients have been rotated")

    async def _measured(self, secrets: Mapping[str, str]) -> Users:
        if secrets == {name: secret.text for name, secret in self.users.items()}:
            return self.users
        return await asyncio.get_running_loop().run_in_executor(None, self.measure, secrets)

    def _make_up(self, secrets: Secrets, settings: Settings, kept: Mapping[str, str]) -> dict[str, str]:
        """By user; those of `kept` stay."""
        if not rotating(secrets, settings):
            return {}
        length = settings.rotate_frontend_password_length
        return {user: kept.get(user) or made_up(length, self._token) for user in secrets.users}


def rotating(secrets: Secrets, settings: Settings) -> bool:
    """Whether passwords are made up: not where a file says what clients have to know."""
    return settings.rotate_frontend_password_timeout > 0 and not secrets.frontend


def of_clients(secrets: Secrets, made_up: Mapping[str, str]) -> dict[str, str]:
    """By user, what a client has to know."""
    return {**secrets.users, **secrets.frontend, **made_up}


def made_up(length: int, token: Callable[[int], bytes]) -> str:
    """A random password: every character equally likely."""
    fit = 256 // len(PRINTABLE) * len(PRINTABLE)
    password = ""
    while len(password) < length:
        password += "".join(chr(PRINTABLE[byte % len(PRINTABLE)]) for byte in token(length) if byte < fit)
    return password[:length]
