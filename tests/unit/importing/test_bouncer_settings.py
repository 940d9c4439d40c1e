from __future__ import annotations

from pathlib import Path

import pytest

from agroal.config.model import LogLevel, LogType, Pipeline, Validation
from agroal.importing.findings import Outcome
from tests.certificates import Authority
from tests.unit.importing.bringing import Bringer

SHOP = "shop = host=10.0.0.5"


def test_what_is_not_given_is_as_in_pgbouncer(bring: Bringer) -> None:
    settings = bring.bouncer(SHOP).configuration.settings
    assert (settings.port, settings.pipeline) == (6432, Pipeline.SESSION)
    assert (settings.max_connection_age, settings.idle_timeout, settings.blocking_timeout) == (3600, 600, 120)
    assert (settings.connect_timeout, settings.authentication_timeout) == (15, 60)
    assert (settings.log_connections, settings.log_disconnections) == (True, True)
    assert settings.server_reset_query == "DISCARD ALL"


def test_values_are_taken_over_under_their_own_names(bring: Bringer) -> None:
    brought = bring.bouncer(
        SHOP,
        "listen_port = 7000\nserver_lifetime = 0\nserver_idle_timeout = 1.5\nquery_wait_timeout = 0\n"
        "client_idle_timeout = 90\nquery_wait_notify = 3\nmax_prepared_statements = 0\nlog_connections = 0\n"
        "server_reset_query = \nserver_reset_query_always = 1\ntcp_keepalive = 0\nlisten_backlog = 99999\n",
    )
    settings = brought.configuration.settings
    assert settings.port == 7000
    assert (settings.max_connection_age, settings.idle_timeout) == (0.001, 1.5)
    assert settings.blocking_timeout == 7 * 86400
    assert (settings.disconnect_client, settings.wait_notice_timeout) == (90, 3)
    assert settings.max_prepared_statements == 1
    assert (settings.log_connections, settings.keep_alive) == (False, False)
    assert (settings.server_reset_query, settings.server_reset_query_always) == ("", True)
    assert settings.backlog == 65535
    (finding,) = brought.said("server_idle_timeout = 1.5")
    assert finding.outcome is Outcome.TAKEN
    assert finding.became == "idle_timeout = 1500ms"


def test_each_key_that_is_given_is_told_with_its_line(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "max_client_conn = 500\npkt_buf = 8192\nquery_timeout = 3\nno_such_key = 1")
    (clients,) = brought.said("max_client_conn")
    assert clients.outcome is Outcome.WITHOUT
    assert "LimitNOFILE" in clients.says
    assert str(clients.place).endswith(f"pgbouncer.ini:{clients.place.line}")
    (buffer,) = brought.said("pkt_buf")
    assert buffer.outcome is Outcome.NEEDLESS
    (timeout,) = brought.said("query_timeout")
    assert "statement_timeout" in timeout.says
    assert brought.human("no_such_key", "no such key")


def test_a_value_that_is_none_is_left_out_and_told_and_pgbouncers_default_counts(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "listen_port = many\nserver_lifetime = 5m\npool_mode = turbo")
    settings = brought.configuration.settings
    assert (settings.port, settings.max_connection_age, settings.pipeline) == (6432, 3600, Pipeline.SESSION)
    assert brought.human("listen_port = many", "expected a whole number")
    assert brought.human("server_lifetime = 5m", "expected a number of seconds")
    assert brought.human("pool_mode = turbo", "expected one of")


def test_a_path_with_a_dollar_is_no_variable_and_so_left_out(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "logfile = /var/$HOME/x.log")
    assert "log_path" not in brought.text("agroal.conf")
    assert brought.human("logfile", "environment variable")


@pytest.mark.parametrize(
    ("listen_addr", "host"),
    [("*", "*"), ("127.0.0.1, ::1", "localhost"), ("localhost", "localhost"), ("10.0.0.1,*", "*"), ("", "localhost")],
)
def test_where_it_listens(bring: Bringer, listen_addr: str, host: str) -> None:
    assert bring.bouncer(SHOP, f"listen_addr = {listen_addr}").configuration.settings.host == host


def test_of_several_addresses_the_first_is_used_and_somebody_has_to_look(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "listen_addr = 10.0.0.1, 10.0.0.2")
    assert brought.configuration.settings.host == "10.0.0.1"
    assert brought.human("listen_addr", "listens on 10.0.0.1 only")


def test_without_a_directory_for_sockets_nobody_comes_in_by_one(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "unix_socket_dir =")
    assert str(brought.configuration.settings.unix_socket_dir) == "/tmp"
    assert not any(line.startswith("local") for line in brought.hba)
    assert brought.human("unix_socket_dir")


def test_the_log(bring: Bringer) -> None:
    settings = bring.bouncer(SHOP, "logfile = /var/log/pgbouncer.log\nverbose = 2").configuration.settings
    assert (settings.log_type, str(settings.log_path)) == (LogType.FILE, "/var/log/agroal.log")
    assert settings.log_level is LogLevel.TRACE
    assert bring.bouncer(SHOP, "syslog = 1\nverbose = 1", force=True).configuration.settings.log_type is LogType.SYSLOG


@pytest.mark.parametrize(
    ("main", "validation", "interval"),
    [
        ("", Validation.OFF, 300),
        ("server_check_delay = 60", Validation.BACKGROUND, 60),
        ("server_check_delay = 1\nserver_check_query = select 1", Validation.BACKGROUND, 5),
        ("server_check_delay = 60\nserver_check_query =", Validation.OFF, 300),
    ],
)
def test_servers_are_asked_where_pgbouncer_was_told_to(
    bring: Bringer, main: str, validation: Validation, interval: float
) -> None:
    settings = bring.bouncer(SHOP, main).configuration.settings
    assert (settings.validation, settings.background_interval) == (validation, interval)


def test_statement_pooling_becomes_transaction_and_is_told(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "pool_mode = statement")
    assert brought.configuration.settings.pipeline is Pipeline.TRANSACTION
    assert brought.said("pool_mode = statement", "several statements are allowed")


class TestTlsForClients:
    @pytest.fixture
    def files(self, tmp_path: Path) -> str:
        authority = Authority(tmp_path)
        identity = authority.issue("localhost")
        return (
            f"client_tls_cert_file = {identity.cert_file}\nclient_tls_key_file = {identity.key_file}\n"
            f"client_tls_ca_file = {authority.ca_file}\n"
        )

    def test_it_is_offered_with_the_same_files(self, bring: Bringer, files: str) -> None:
        brought = bring.bouncer(SHOP, f"client_tls_sslmode = prefer\nclient_tls_protocols = tlsv1.3\n{files}")
        settings = brought.configuration.settings
        assert settings.tls
        assert settings.tls_ca_file is None, "in PgBouncer nobody has to show a certificate then"
        assert settings.tls_min_version == "TLSv1.3"
        assert brought.hba == ["local shop all md5", "host shop all all md5"]

    def test_what_is_required_is_required(self, bring: Bringer, files: str) -> None:
        brought = bring.bouncer(SHOP, f"client_tls_sslmode = require\n{files}")
        assert brought.hba == ["local shop all md5", "hostssl shop all all md5"]

    def test_certificates_are_checked(self, bring: Bringer, files: str) -> None:
        brought = bring.bouncer(SHOP, f"client_tls_sslmode = verify-ca\n{files}")
        assert brought.configuration.settings.tls_ca_file

    def test_without_a_certificate_nobody_comes_in_who_had_to_be_encrypted(self, bring: Bringer) -> None:
        brought = bring.bouncer(SHOP, "client_tls_sslmode = require")
        assert not brought.configuration.settings.tls
        assert brought.hba == ["local shop all md5", "hostssl shop all all md5"]
        assert brought.human("client_tls_sslmode", "is missing")

    def test_without_an_authority_it_is_told_that_nobodys_certificate_is_checked(
        self, bring: Bringer, files: str
    ) -> None:
        without = "\n".join(line for line in files.splitlines() if "ca_file" not in line)
        brought = bring.bouncer(SHOP, f"client_tls_sslmode = verify-ca\n{without}")
        assert brought.hba[1] == "hostssl shop all all md5"
        assert brought.configuration.settings.tls_ca_file is None
        assert brought.human("client_tls_sslmode", "nobody's certificate is checked")
