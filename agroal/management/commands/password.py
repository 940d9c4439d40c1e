"""`get-password`: what a client has to know while agroal makes up the passwords. The result is a secret."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.management.controls import Call, Password


async def execute(call: Call, user: str) -> Password:
    return call.controls.password(user)


def text(found: Password) -> Iterator[str]:
    """The bare password, for scripts."""
    yield found.password
