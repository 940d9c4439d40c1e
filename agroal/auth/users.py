"""The users that agroal knows, and the ways in which it checks that a client is one of them.

Who is unknown must not look different: not in the messages, and not in the time that a refusal takes. So every user
has a SCRAM verifier from the start, also one whose plain password is in the vault; whoever is unknown is answered
from a mock verifier, and every check does all its work before it says no.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agroal.auth.md5 import is_md5_secret, md5_response, md5_secret
from agroal.auth.mock import mock_verifier, salt_for
from agroal.auth.scram import Verifier


@dataclass(frozen=True, slots=True)
class Secret:
    """What the vault has for a user: a password, or what pg_authid stores: a SCRAM verifier or an md5 hash."""

    text: str = field(repr=False)

    @property
    def verifier(self) -> Verifier | None:
        try:
            return Verifier.parse(self.text)
        except ValueError:
            return None

    @property
    def password(self) -> str | None:
        """None for a verifier or a hash: they let a client in, but log in to no server that wants the password."""
        return None if self.verifier or self.md5 else self.text

    @property
    def md5(self) -> str | None:
        return self.text if is_md5_secret(self.text) else None


class Users(Mapping[str, Secret]):
    """Name to secret. `key` is random and secret: the salts of users without a verifier of their own come from it.

    Making it costs 1 ms of PBKDF2 for each plain password. Names and passwords that came from the network and are not
    UTF-8 are passed in decoded with `surrogateescape`.
    """

    def __init__(self, secrets: Mapping[str, str], key: bytes) -> None:
        self._secrets = {name: Secret(text) for name, text in secrets.items()}
        self._key = key
        self._verifiers = {name: made for name, secret in self._secrets.items() if (made := self._make(name, secret))}
        self._some_by_md5 = any(secret.verifier is None for secret in self._secrets.values())

    def _make(self, name: str, secret: Secret) -> Verifier | None:
        if secret.password is not None:
            return Verifier.derive(secret.password, salt_for(name, self._key))
        return secret.verifier

    def __getitem__(self, name: str) -> Secret:
        return self._secrets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def wants_md5(self, name: str) -> bool:
        """Whether the method md5 is just that for this user: where there is a verifier it is SCRAM, as in PostgreSQL.

        Who is unknown is asked like those who have none, or like everybody when nobody is.
        """
        secret = self.get(name)
        return self._some_by_md5 if secret is None else secret.verifier is None

    def challenge(self, name: str) -> tuple[Verifier, bool]:
        """The verifier for a SCRAM exchange with this user, and whether it is doomed: nobody, or just an md5 hash."""
        verifier = self._verifiers.get(name)
        return (mock_verifier(name, self._key), True) if verifier is None else (verifier, False)

    def accepts_password(self, name: str, password: str) -> bool:
        """Whether this is the user's password, sent as it is (`password`)."""
        verifier, doomed = self.challenge(name)
        accepted = verifier.accepts(password) and not doomed
        if (secret := self.get(name)) and secret.md5:
            return hmac.compare_digest(md5_secret(password, name), secret.md5)
        return accepted

    def accepts_md5(self, name: str, salt: bytes, response: bytes) -> bool:
        """Whether this answers AuthenticationMD5Password with this salt. Never where there is a verifier: use SCRAM."""
        secret = self.get(name)
        stored = secret.md5 if secret else None
        if secret and secret.password:
            stored = md5_secret(secret.password, name)
        expected = md5_response(stored or md5_secret("", name), salt)
        return hmac.compare_digest(expected.encode(), response) and stored is not None
