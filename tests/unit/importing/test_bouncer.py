from __future__ import annotations

from pathlib import Path

import pytest

from agroal.config.choices import TlsMode
from agroal.errors import ConfigurationError
from tests.certificates import Authority
from tests.unit.importing.bringing import Bringer

PEOPLE = '"ann" "pencil"\n'


def test_a_file_without_a_database_is_refused(bring: Bringer) -> None:
    with pytest.raises(ConfigurationError, match="names no database that agroal could serve"):
        bring.bouncer("")
    assert not (bring.folder / "out").exists()


def test_each_host_gets_files_and_a_port_of_its_own(bring: Bringer) -> None:
    brought = bring.bouncer(
        "shop = host=10.0.0.5 port=5433\nblog = host=10.0.0.6\nlog = host=/var/run/postgresql\nnews = host=10.0.0.6",
        people=PEOPLE,
    )
    first, second, third = (
        brought.load(name)[0] for name in ("10.0.0.5_5433", "10.0.0.6_5432", "var_run_postgresql_5432")
    )
    assert [(one.primary.host, one.primary.port) for one in (first, second, third)] == [
        ("10.0.0.5", 5433),
        ("10.0.0.6", 5432),
        ("/var/run/postgresql", 5432),
    ]
    assert [one.settings.port for one in (first, second, third)] == [6432, 6433, 6434]
    assert {limit.database for limit in second.limits} == {"blog", "news"}
    assert brought.human("blog, news on 10.0.0.6:5432", "a daemon on port 6433")
    assert brought.load("10.0.0.6_5432")[1].users == {"ann": "pencil"}
    assert [path.name for path in sorted(brought.directory.iterdir()) if path.is_file()] == ["import-report.md"]


def test_the_last_port_is_not_exceeded(bring: Bringer) -> None:
    brought = bring.bouncer("a = host=x\nb = host=y", "listen_port = 65535")
    assert [brought.load(name)[0].settings.port for name in ("x_5432", "y_5432")] == [65535, 65534]


def test_hosts_whose_names_become_the_same_are_kept_apart(bring: Bringer) -> None:
    brought = bring.bouncer("a = host=a-b\nb = host=a_b")
    assert brought.load("a_b_5432")[0].primary.host == "a-b"
    assert brought.load("a_b_5432_1")[0].primary.host == "a_b"


def test_a_password_of_a_connection_string_is_for_postgresql_and_that_of_the_auth_file_for_clients(
    bring: Bringer,
) -> None:
    brought = bring.bouncer("shop = host=h user=ann password=server-side", people=PEOPLE)
    assert brought.secrets.users == {"ann": "server-side"}
    assert brought.secrets.frontend == {"ann": "pencil"}


def test_of_two_passwords_the_first_counts(bring: Bringer) -> None:
    brought = bring.bouncer("a = host=h user=app password=one-one-one\nb = host=h user=app password=two-two-two")
    assert brought.secrets.users == {"app": "one-one-one"}
    assert brought.human("user=app", "another password elsewhere")


class TestTlsToServers:
    def test_by_default_it_is_preferred(self, bring: Bringer) -> None:
        assert bring.bouncer("shop = host=h").configuration.primary.tls is TlsMode.PREFER

    def test_over_a_unix_socket_there_is_none(self, bring: Bringer) -> None:
        brought = bring.bouncer("shop = host=/tmp", "server_tls_sslmode = require")
        assert brought.configuration.primary.tls is TlsMode.DISABLE

    def test_files_are_taken_over(self, bring: Bringer, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        own = authority.issue("pool")
        brought = bring.bouncer(
            "shop = host=h",
            f"server_tls_sslmode = verify-full\nserver_tls_ca_file = {authority.ca_file}\n"
            f"server_tls_cert_file = {own.cert_file}\nserver_tls_key_file = {own.key_file}",
        )
        server = brought.configuration.primary
        assert (server.tls, server.tls_ca_file) == (TlsMode.VERIFY_FULL, authority.ca_file)
        assert (server.tls_cert_file, server.tls_key_file) == (own.cert_file, own.key_file)

    def test_an_authority_is_only_asked_where_pgbouncer_asks_it(self, bring: Bringer, tmp_path: Path) -> None:
        ca = Authority(tmp_path).ca_file
        brought = bring.bouncer("shop = host=h", f"server_tls_sslmode = require\nserver_tls_ca_file = {ca}")
        assert brought.configuration.primary.tls_ca_file is None

    def test_without_an_authority_the_name_is_checked_as_well(self, bring: Bringer) -> None:
        brought = bring.bouncer("shop = host=h", "server_tls_sslmode = verify-ca")
        assert brought.configuration.primary.tls is TlsMode.VERIFY_FULL
        assert brought.human("verify-full is used")


def test_unknown_sections_and_peers_are_told(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h\n[peers]\n1 = host=x\n[odd]\na = 1\n[databases]")
    assert brought.human("[peers]")
    assert brought.human("[odd]", "no such section")
