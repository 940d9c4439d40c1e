"""The other side of admission.py: we prove to an agroal in the network who we are, and it proves that it knows us.

Sans-IO: the arguments of each `authenticate` out, the result of each answer in.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from agroal.auth.scram import MECHANISM, PLUS, ClientExchange
from agroal.errors import ManagementError, ServerUnavailable
from agroal.management.neutral import neutral
from agroal.management.wire import Code

Args = dict[str, object]
Result = Mapping[str, Any]


def proof(
    user: str, password: str | None, nonce: str, *, binding: bytes | None = None, verified: bool = False
) -> Generator[Args, Result, None]:
    """`nonce` is ours: printable ASCII without a comma. `binding`: the hash of agroal's certificate; None without TLS,
    or where there is nothing to bind to. `verified`: TLS has made sure that it is the agroal that was meant.

    Raises ManagementError: `denied` when it is not, or we can't prove who we are, `malformed` for what is no answer.
    """
    result = yield {"user": user}
    if "role" in result:
        if not verified:  # anybody can say welcome
            why = "agroal has not proved who it is: with our certificate alone, tls-mode verify-full is needed"
            raise ManagementError(Code.DENIED, why)
        return
    mechanism = _choice(result, binding)
    if password is None:
        raise ManagementError(Code.DENIED, "agroal wants a password: set AGROAL_PASSWORD, or add it to ~/.agroalpass")
    bound = binding if mechanism == PLUS else None
    exchange = ClientExchange(password, nonce, binding=bound, could_bind=binding is not None)
    try:
        result = yield {"mechanism": mechanism, "data": exchange.first().decode()}
        result = yield {"data": exchange.final(_data(result)).decode()}
        exchange.verify(_data(result))
    except ServerUnavailable as error:
        why = f"this is not the agroal that knows {user}: {error.message}"
        raise ManagementError(Code.DENIED, neutral(f"{why}: {error.detail}" if error.detail else why)) from error


def _choice(result: Result, binding: bytes | None) -> str:
    offered = result.get("mechanisms")
    if not isinstance(offered, list):
        raise ManagementError(Code.MALFORMED, "“mechanisms” is not an array")
    for mechanism in (PLUS, MECHANISM):
        if mechanism in offered and (mechanism != PLUS or binding is not None):
            return mechanism
    raise ManagementError(Code.DENIED, "agroal offers no way to log in that is known here: it is of another release")


def _data(result: Result) -> bytes:
    data = result.get("data")
    if not isinstance(data, str) or not data.isascii():
        raise ManagementError(Code.MALFORMED, "“data” is no message of SCRAM")
    return data.encode()
