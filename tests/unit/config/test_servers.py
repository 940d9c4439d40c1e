from __future__ import annotations

import pytest

from agroal.config.choices import ChannelBinding, TlsMode
from agroal.config.servers import SERVER_KEYS, ServerSettings

BY_NAME = {key.name: key for key in SERVER_KEYS}


def test_the_keys_of_a_server() -> None:
    tls = ["tls", "tls_cert_file", "tls_key_file", "tls_ca_file", "tls_direct", "channel_binding"]
    assert list(BY_NAME) == ["host", "port", "primary", *tls]
    assert [key.name for key in SERVER_KEYS if key.restart] == ["host", "port"]


def test_a_host_that_begins_with_a_slash_is_the_directory_of_a_socket() -> None:
    assert ServerSettings(name="p", host="/run/postgresql/", port=5433).unix_socket == "/run/postgresql/.s.PGSQL.5433"
    assert ServerSettings(name="p", host="/").unix_socket == "/.s.PGSQL.5432"
    assert ServerSettings(name="p", host="localhost").unix_socket is None


def test_tls_to_a_server_is_spelled_as_in_libpq_and_as_in_pgagroal() -> None:
    key = BY_NAME["tls"]
    words = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    assert [key.parse(word, {}) for word in words] == list(TlsMode) == words
    for word in ("off", "no", "false", "0", "Disable"):
        assert key.parse(word, {}) is TlsMode.DISABLE
    for word in ("on", "YES", "true", "1", "Require"):
        assert key.parse(word, {}) is TlsMode.REQUIRE
    with pytest.raises(
        ValueError, match="expected disable, allow, prefer, require, verify-ca or verify-full, not 'maybe'"
    ):
        key.parse("maybe", {})


def test_channel_binding_is_spelled_as_in_libpq_and_as_in_pgagroal() -> None:
    key = BY_NAME["channel_binding"]
    assert [key.parse(word, {}) for word in ("disable", "prefer", "require")] == list(ChannelBinding)
    assert key.parse("Disabled", {}) is ChannelBinding.DISABLE


def test_a_server_is_not_encrypted_and_a_login_is_bound_where_it_can_be_unless_it_says_otherwise() -> None:
    server = ServerSettings(name="p", host="db")
    assert (server.tls, server.channel_binding) == (TlsMode.DISABLE, ChannelBinding.PREFER)
