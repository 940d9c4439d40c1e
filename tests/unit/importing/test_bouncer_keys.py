from __future__ import annotations

import pytest

from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS
from agroal.importing.bouncer_keys import DATABASES, MAIN, USERS, Key, by_name
from agroal.importing.findings import Outcome

PGBOUNCER_1_25 = """
admin_users application_name_add_host auth_dbname auth_file auth_hba_file auth_ident_file auth_ldap_options auth_query
auth_type auth_user autodb_idle_timeout cancel_wait_timeout client_idle_timeout client_login_timeout
client_tls13_ciphers client_tls_ca_file client_tls_cert_file client_tls_ciphers client_tls_dheparams
client_tls_ecdhcurve client_tls_key_file client_tls_protocols client_tls_sslmode conffile default_pool_size
disable_pqexec dns_max_ttl dns_nxdomain_ttl dns_zone_check_period idle_transaction_timeout ignore_startup_parameters
job_name listen_addr listen_backlog listen_port log_connections log_disconnections log_pooler_errors log_stats logfile
login_notify_message max_client_conn max_db_client_connections max_db_connections max_packet_size
max_prepared_statements max_user_client_connections max_user_connections min_pool_size peer_id pidfile pkt_buf
pool_idle_timeout pool_mode query_timeout query_wait_notify query_wait_timeout reserve_pool_size reserve_pool_timeout
resolv_conf sbuf_loopcnt scram_iterations server_check_delay server_check_query server_connect_timeout
server_fast_close server_idle_timeout server_lifetime server_login_retry server_reset_query server_reset_query_always
server_round_robin server_tls13_ciphers server_tls_ca_file server_tls_cert_file server_tls_ciphers server_tls_key_file
server_tls_protocols server_tls_sslmode service_name so_reuseport stats_period stats_users suspend_timeout syslog
syslog_facility syslog_ident tcp_defer_accept tcp_keepalive tcp_keepcnt tcp_keepidle tcp_keepintvl tcp_socket_buffer
tcp_user_timeout track_extra_parameters transaction_timeout unix_socket_dir unix_socket_group unix_socket_mode user
verbose
"""
PER_DATABASE = """
application_name auth_dbname auth_query auth_user client_encoding connect_query datestyle dbname host
load_balance_hosts max_db_client_connections max_db_connections min_pool_size password pool_mode pool_size port
query_wait_timeout reserve_pool reserve_pool_size server_lifetime timezone user
"""
PER_USER = """
client_idle_timeout idle_transaction_timeout max_user_client_connections max_user_connections pool_mode pool_size
query_timeout query_wait_timeout reserve_pool_size transaction_timeout
"""
ALL = (*MAIN, *DATABASES, *USERS)


@pytest.mark.parametrize(
    ("keys", "names"),
    [(MAIN, PGBOUNCER_1_25), (DATABASES, PER_DATABASE), (USERS, PER_USER)],
    ids=["[pgbouncer]", "[databases]", "[users]"],
)
def test_every_key_of_pgbouncer_is_declared_once(keys: tuple[Key, ...], names: str) -> None:
    assert sorted(key.name for key in keys) == sorted(names.split())
    assert len(by_name(keys)) == len(keys)


def test_what_is_without_an_equivalent_says_what_to_do_instead() -> None:
    assert [key.name for key in ALL if key.outcome in (Outcome.WITHOUT, Outcome.NEEDLESS) and not key.says] == []


def test_what_is_taken_over_says_where_it_went() -> None:
    assert [key.name for key in ALL if key.outcome in (Outcome.TAKEN, Outcome.CHANGED) and not key.becomes] == []


def test_a_value_that_is_converted_becomes_that_of_a_key_of_agroal() -> None:
    known = {key.name for key in (*KEYS, *SERVER_KEYS)}
    assert [key.name for key in MAIN if key.how and key.becomes not in known] == []


@pytest.mark.parametrize("key", [key for key in MAIN if key.how and key.default is not None], ids=lambda key: key.name)
def test_each_default_of_pgbouncer_is_a_value_that_agroal_takes(key: Key) -> None:
    assert key.how
    assert key.default is not None
    (own,) = (own for own in KEYS if own.name == key.becomes)
    own.parse(key.how(key.default), {})
