"""The vault: users and their secrets in a file, encrypted under a master key. The format is pgagroal's since 2.1.

    master.key   two lines, base64(passphrase) and base64(salt of 16 bytes); it and its directory are the owner's alone
    users file   a line for each user, name:base64(salt of 16 bytes ‖ iv of 12 ‖ ciphertext ‖ tag of 16), AES-256-GCM

    stretched       = PBKDF2-HMAC-SHA256(passphrase, salt of the master key, 600 000 rounds, 64 bytes)
    key ‖ iv        = PBKDF2-HMAC-SHA256(stretched, salt of the entry, 1 round, 32 + 12 bytes)

The passphrase has to survive a guess by whoever holds the users file, hence the 600 000 rounds (OWASP's figure for
SHA-256). What they yield is random enough to need no more of them for each entry. An entry is not tied to its name,
the format has no place for it: whoever can write the file can swap two users' secrets, so it is private to its owner
as well.

Random bytes come from `token`, a callable that gives as many as it is asked for.
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agroal.auth.private import Token, check_private, write_private
from agroal.errors import VaultError

MAX_NAME = 127
"""Bytes in UTF-8."""
MAX_SECRET = 8192
"""Bytes in UTF-8: room for the access tokens that clouds use as passwords."""

_ROUNDS = 600_000
_SALT, _IV, _TAG = 16, 12, 16


def master_key_path(environment: Mapping[str, str]) -> Path:
    """Where the master key is: AGROAL_MASTER_KEY_FILE, else ~/.agroal/master.key."""
    return Path(environment.get("AGROAL_MASTER_KEY_FILE") or "~/.agroal/master.key").expanduser()


def check_passphrase(passphrase: str) -> list[str]:
    """Everything that a passphrase for a master key lacks; empty if it will do."""
    rules = {
        "at least 8 characters": len(passphrase) >= 8,
        "an upper-case letter": any(map(str.isupper, passphrase)),
        "a lower-case letter": any(map(str.islower, passphrase)),
        "a digit": any(map(str.isdigit, passphrase)),
        "a special character": not all(char.isalnum() or char.isspace() for char in passphrase),
        "no control characters": not _has_control(passphrase),
    }
    return [rule for rule, kept in rules.items() if not kept]


def already_there(path: Path) -> VaultError:
    return VaultError(
        f"{path}: a master key is there already, and what it encrypted can't be read without it; "
        "to begin anew, move it away and add every user again"
    )


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The stretched master key: 64 bytes."""

    stretched: bytes = field(repr=False)

    @classmethod
    def create(cls, path: Path, passphrase: str, token: Token) -> Self:
        """A new master key in a file of its own, in a directory that is made if need be. Raises VaultError."""
        if missing := check_passphrase(passphrase):
            raise VaultError(f"the master key must have {', '.join(missing)}")
        salt = token(_SALT)
        lines = (b64encode(passphrase.encode()), b64encode(salt), b"")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise VaultError(f"{path.parent}: the directory can't be made: {error.strerror}") from None
        check_private(path.parent)
        try:
            write_private(path, b"\n".join(lines), token, replace=False)
        except FileExistsError:
            raise already_there(path) from None
        except OSError as error:
            raise VaultError(f"{path}: the master key can't be written: {error.strerror}") from None
        return cls(_stretch(passphrase.encode(), salt))

    @classmethod
    def load(cls, path: Path) -> Self:
        """The master key in this file. Raises VaultError. Takes 0.4 s of CPU the first time."""
        try:
            check_private(path.parent)
            check_private(path)
            lines = path.read_bytes().split()
        except FileNotFoundError:
            raise VaultError(f"{path}: there is no master key; make one with: agroal-admin master-key") from None
        except OSError as error:
            raise VaultError(f"{path}: the master key can't be read: {error.strerror}") from None
        if len(lines) == 1:
            raise VaultError(
                f"{path}:2: the salt is missing, as in master keys of pgagroal 2.0 and older, which can't be used; "
                "make a new master key and add every user again"
            )
        try:
            passphrase, salt = (a2b_base64(line, strict_mode=True) for line in lines)
        except ValueError:
            raise VaultError(f"{path}: not a master key: two lines of base64 expected") from None
        if not passphrase or len(salt) != _SALT:
            raise VaultError(f"{path}: not a master key: a passphrase and a salt of {_SALT} bytes expected")
        return cls(_stretch(passphrase, salt))

    def encrypt(self, secret: str, token: Token) -> str:
        """What stands behind the name in a users file."""
        salt = token(_SALT)
        key, iv = self._entry_key(salt)
        return b64encode(salt + iv + AESGCM(key).encrypt(iv, secret.encode(), None)).decode()

    def decrypt(self, text: str) -> str:
        """Raises ValueError, which says nothing of the secret."""
        try:
            blob = a2b_base64(text.encode(), strict_mode=True)
        except ValueError:
            raise ValueError("name:base64 expected") from None
        if len(blob) < _SALT + _IV + _TAG:
            raise ValueError("the entry is too short to be one of ours")
        salt, iv, sealed = blob[:_SALT], blob[_SALT : _SALT + _IV], blob[_SALT + _IV :]
        try:
            return AESGCM(self._entry_key(salt)[0]).decrypt(iv, sealed, None).decode()
        except InvalidTag:
            raise ValueError("can't be decrypted: made with another master key, or damaged?") from None
        except UnicodeDecodeError:
            raise ValueError("the secret is not UTF-8") from None

    def _entry_key(self, salt: bytes) -> tuple[bytes, bytes]:
        derived = pbkdf2_hmac("sha256", self.stretched, salt, 1, 32 + _IV)
        return derived[:32], derived[32:]


def read_users(path: Path, master: MasterKey) -> dict[str, str]:
    """Name to secret: a password, or what pg_authid stores in its place. Raises VaultError with every bad line."""
    lines, problems = _parse(path)
    users = {}
    for line in lines:
        if line.name:
            try:
                users[line.name] = master.decrypt(line.sealed)
                _check_secret(users[line.name])
            except ValueError as problem:
                problems.append((line.number, str(problem)))
    _refuse(path, problems)
    return users


def list_users(path: Path) -> list[str]:
    """The names, which need no master key. Raises VaultError with every line that does not look like an entry."""
    lines, problems = _parse(path)
    _refuse(path, problems)
    return [line.name for line in lines if line.name]


def write_users(path: Path, master: MasterKey, users: Mapping[str, str], token: Token) -> None:
    """Makes these the users of the file, atomically; its comments and its order are kept. Raises VaultError."""
    for name, secret in users.items():
        try:
            check_user(name, secret)
        except ValueError as problem:
            raise VaultError(f"user {name!r}: {problem}") from None
    lines, problems = _parse(path) if path.exists() else ([], [])
    _refuse(path, problems)
    left = dict(users)
    texts = []
    for line in lines:
        if not line.name:
            texts.append(line.text)
        elif line.name in left:
            texts.append(f"{line.name}:{master.encrypt(left.pop(line.name), token)}")
    texts += [f"{name}:{master.encrypt(secret, token)}" for name, secret in left.items()]
    try:
        write_private(path, "".join(f"{text}\n" for text in texts).encode(), token, replace=True)
    except OSError as error:
        raise VaultError(f"{path}: the users file can't be written: {error.strerror}") from None


def check_user(name: str, secret: str) -> None:
    """Raises ValueError that says why a users file can't hold them."""
    _check_name(name)
    _check_secret(secret)


class _Line(NamedTuple):
    number: int
    text: str
    name: str  # empty for a comment or a blank line
    sealed: str


def _parse(path: Path) -> tuple[list[_Line], list[tuple[int, str]]]:
    """The lines of a users file, and what is wrong with them by their numbers."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise VaultError(f"{path}: the users file can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise VaultError(f"{path}: the users file is not UTF-8 (byte {error.start})") from None
    lines: list[_Line] = []
    problems: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            lines.append(_Line(number, line, "", ""))
            continue
        name, _, sealed = line.rstrip().rpartition(":")  # base64 has no colon, a name may have one
        try:
            _check_name(name)
        except ValueError as problem:
            problems.append((number, f"{problem} (name:base64 expected)"))
            continue
        if first := seen.get(name):
            problems.append((number, f"user {name!r} is in line {first} already"))
        seen.setdefault(name, number)
        lines.append(_Line(number, line, name, sealed))
    return lines, problems


def _refuse(path: Path, problems: list[tuple[int, str]]) -> None:
    if problems:
        raise VaultError("\n".join(f"{path}:{number}: {problem}" for number, problem in sorted(problems)))


def _check_name(name: str) -> None:
    if not name or name.strip() != name or name.startswith("#"):
        raise ValueError("a user name must not be empty, begin or end with a blank, or begin with #")
    if _has_control(name):
        raise ValueError("a user name must be UTF-8 without control characters")
    if len(name.encode()) > MAX_NAME:
        raise ValueError(f"a user name must be at most {MAX_NAME} bytes")


def _check_secret(secret: str) -> None:
    if not secret:
        raise ValueError("the password is empty")
    if _has_control(secret):
        raise ValueError("a password must be UTF-8 without control characters")
    if len(secret.encode()) > MAX_SECRET:
        raise ValueError(f"a password must be at most {MAX_SECRET} bytes")


def _has_control(text: str) -> bool:
    """Also true for surrogates: they stand for bytes of a command line that are not UTF-8."""
    return any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


# A reload finds the same key again, and must not stop the clients for as long as the rounds take.
@lru_cache(maxsize=4)
def _stretch(passphrase: bytes, salt: bytes) -> bytes:
    return pbkdf2_hmac("sha256", passphrase, salt, _ROUNDS, 64)
