from __future__ import annotations

import pytest

from agroal.config.servers import SERVER_KEYS, ServerSettings

BY_NAME = {key.name: key for key in SERVER_KEYS}


def test_the_keys_of_a_server() -> None:
    tls = ["tls", "tls_cert_file", "tls_key_file", "tls_ca_file", "channel_binding"]
    assert list(BY_NAME) == ["host", "port", "primary", *tls]
    assert [key.name for key in SERVER_KEYS if not key.restart] == ["primary"]


def test_a_host_that_begins_with_a_slash_is_the_directory_of_a_socket() -> None:
    assert ServerSettings(name="p", host="/run/postgresql/", port=5433).unix_socket == "/run/postgresql/.s.PGSQL.5433"
    assert ServerSettings(name="p", host="/").unix_socket == "/.s.PGSQL.5432"
    assert ServerSettings(name="p", host="localhost").unix_socket is None


def test_tls_to_a_server_is_off_or_refused() -> None:
    assert BY_NAME["tls"].parse("off", {}) is False
    assert BY_NAME["tls"].parse("Disable", {}) is False
    with pytest.raises(ValueError, match="on comes with a later version; expected off"):
        BY_NAME["tls"].parse("on", {})
    with pytest.raises(ValueError, match="expected off, not 'require'"):
        BY_NAME["tls"].parse("require", {})
