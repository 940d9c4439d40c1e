from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.doctor import place
from agroal.doctor.files import SOCKETS
from tests.certificates import Authority
from tests.unit.doctor.patients import configuration


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock


def test_a_port_that_is_taken(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    settings = configuration(host="127.0.0.1", port=port).settings
    (found,) = place.listening(settings)
    assert (found.where, found.taken) == (f"127.0.0.1:{port}", True)


def test_a_port_that_is_free_is_free_afterwards(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    settings = configuration(host="127.0.0.1", port=port).settings
    assert list(place.listening(settings)) == []
    assert list(place.listening(settings)) == []


def test_an_address_that_is_not_ours() -> None:
    (found,) = place.listening(configuration(host="192.0.2.1", port=2345).settings)
    assert not found.taken
    assert "assign" in found.trouble


def test_a_name_that_is_none() -> None:
    (found,) = place.listening(configuration(host="no-such-name.invalid").settings)
    assert found.trouble
    assert not found.taken


def test_files_with_secrets(tmp_path: Path) -> None:
    vault, key = tmp_path / "agroal_users.conf", tmp_path / "key" / "master.key"
    key.parent.mkdir(mode=0o700)
    for path in (vault, key):
        path.write_text("ann:xxxx\n")
        path.chmod(0o640)
    made = configuration(unix_socket_dir=tmp_path)
    made = replace(made, files=replace(made.files, users=vault))
    found = {file.path: file.mode for file in place.files(made, {"AGROAL_MASTER_KEY_FILE": str(key)})}
    assert found[vault] == found[key] == 0o640
    assert found[key.parent] == 0o700
    assert {file.what for file in place.files(made, {})} >= {SOCKETS}


def test_a_vault_without_anybody_has_no_secret(tmp_path: Path) -> None:
    vault = tmp_path / "agroal_users.conf"
    vault.write_text("# nobody\n")
    made = configuration(unix_socket_dir=tmp_path)
    made = replace(made, files=replace(made.files, users=vault))
    missing = {"AGROAL_MASTER_KEY_FILE": str(tmp_path / "none" / "master.key")}
    assert [file.what for file in place.files(made, missing)] == [SOCKETS]


def test_certificates_and_their_order(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "Other CA")
    own = authority.issue("us").cert_file.read_bytes()
    good = list(place.read_certificates(own + authority.ca_file.read_bytes(), "tls_cert_file", chain=True))
    assert [one.signed_by_next for one in good] == [True, True]
    assert "us" in good[0].subject
    bad = list(place.read_certificates(own + other.ca_file.read_bytes(), "tls_cert_file", chain=True))
    assert [one.signed_by_next for one in bad] == [False, True]
    authorities = place.read_certificates(authority.ca_file.read_bytes() + own, "tls_ca_file", chain=False)
    assert all(one.signed_by_next for one in authorities)


def test_the_certificates_of_a_configuration(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("us")
    made = configuration(
        tls=True,
        tls_cert_file=own.cert_file,
        tls_key_file=own.key_file,
        server={"tls_ca_file": authority.ca_file, "tls": "verify-full"},
    )
    assert [one.key for one in place.certificates(made)] == ["tls_cert_file", "server.primary.tls_ca_file"]


def test_weak_ciphers_are_found_where_openssl_still_has_them() -> None:
    assert list(place.weak_ciphers(configuration(tls=True, tls_ciphers="HIGH:!aNULL").settings)) == []
    assert list(place.weak_ciphers(configuration(tls_ciphers="eNULL").settings)) == [], "tls is off"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers("eNULL:@SECLEVEL=0")
    except ssl.SSLError:
        pytest.skip("this OpenSSL has none")
    assert list(place.weak_ciphers(configuration(tls=True, tls_ciphers="eNULL:@SECLEVEL=0").settings))


def test_a_daemon_that_is_not_there(tmp_path: Path) -> None:
    picture, why = place.daemon(configuration(unix_socket_dir=tmp_path).settings)
    assert picture is None
    assert str(tmp_path) in why


def test_the_hard_limit_of_descriptors() -> None:
    assert place.descriptors() > 0
