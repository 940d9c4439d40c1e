from __future__ import annotations

from pathlib import Path

import pytest

from agroal.errors import ManagementError
from agroal.management.address import Remote, TlsMode


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("agroal://ops@pool:2346", Remote("pool", 2346, "ops")),
        ("agroal://pool:2346/", Remote("pool", 2346, "me")),
        ("agroal://@pool:2346", Remote("pool", 2346, "me")),
        ("agroal://o%40ps@10.0.0.7:1", Remote("10.0.0.7", 1, "o@ps")),
        ("agroal://ops@[fd00::7]:65535", Remote("fd00::7", 65535, "ops")),
        ("agroal://ops@pool:1?tls-mode=disable", Remote("pool", 1, "ops", tls_mode=TlsMode.DISABLE)),
        ("agroal://ops@pool:1?tls-mode=verify-full", Remote("pool", 1, "ops", tls_mode=TlsMode.VERIFY_FULL)),
        ("agroal://pool:1?ca=/a%20b", Remote("pool", 1, "me", tls_mode=TlsMode.VERIFY_FULL, ca=Path("/a b"))),
        ("agroal://pool:1/?cert=c&key=k", Remote("pool", 1, "me", cert=Path("c"), key=Path("k"))),
    ],
)
def test_a_uri_says_where_it_is_and_who_asks(uri: str, remote: Remote) -> None:
    assert Remote.parse(uri, "me") == remote


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://ops@pool:1", "agroal://USER@HOST:PORT"),
        ("agroal://ops@pool", "agroal://USER@HOST:PORT"),
        ("agroal://ops@:1", "agroal://USER@HOST:PORT"),
        ("agroal://ops@[]:1", "agroal://USER@HOST:PORT"),
        ("agroal://ops@pool:0", "agroal://USER@HOST:PORT"),
        ("agroal://ops@pool:65536", "agroal://USER@HOST:PORT"),
        ("agroal://ops@fd00::7:1", "agroal://USER@HOST:PORT"),
        ("agroal://ops@pool:1/shop", "agroal://USER@HOST:PORT"),
        ("agroal://ops:secret@pool:1", "set AGROAL_PASSWORD instead"),
        ("agroal://ops@pool:1?sslmode=disable", "not 'sslmode'"),
        ("agroal://ops@pool:1?tls-mode=prefer", "tls-mode is one of disable, require, verify-full, and not 'prefer'"),
        ("agroal://ops@pool:1?tls-mode=require&ca=x", "a ca is for verify-full, not for require"),
    ],
)
def test_what_can_not_be_followed_is_said_and_no_password_repeated(uri: str, why: str) -> None:
    with pytest.raises(ManagementError) as refused:
        Remote.parse(uri, "me")
    assert refused.value.code == "bad-argument"
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


def test_somebody_has_to_ask() -> None:
    with pytest.raises(ManagementError, match="USER@ is missing"):
        Remote.parse("agroal://pool:1", "")


def test_it_is_shown_without_its_password() -> None:
    remote = Remote("fd00::7", 2346, "o ps", "secret")
    assert str(remote) == "agroal://o%20ps@[fd00::7]:2346"
    assert "secret" not in repr(remote)
    assert Remote.parse(str(remote), "me").host == "fd00::7"
