"""PostgreSQL's md5 authentication (manual, chapter “Password Authentication”).

Stored is md5(password ‖ user); a login answers with md5(that ‖ salt). Whoever steals the stored hash can log in with
it, and the salt has four bytes: it is here for old servers and old clients only.
"""

from __future__ import annotations

import re
from hashlib import md5

_SECRET = re.compile("md5[0-9a-f]{32}")


def is_md5_secret(text: str) -> bool:
    """Whether `text` is a stored md5 secret. PostgreSQL tells it from a password in the same way."""
    return _SECRET.fullmatch(text) is not None


def md5_secret(password: str, user: str) -> str:
    """What PostgreSQL stores for this user: "md5" and 32 hexadecimal digits."""
    return "md5" + md5((password + user).encode(errors="surrogateescape")).hexdigest()


def md5_response(secret: str, salt: bytes) -> str:
    """The answer to an AuthenticationMD5Password with these four bytes of salt."""
    return "md5" + md5(secret.removeprefix("md5").encode() + salt).hexdigest()
