from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest

from agroal.config.choices import LogLevel, LogMode, Pipeline, TlsVersion
from agroal.config.keys import Kind, Support
from agroal.config.settings import KEYS, Settings

BY_NAME = {key.name: key for key in KEYS}

# The reference manual of pgagroal: every key of 0.6 to 2.2, and which of them a reload applies.
RELOADED = """
metrics_cache_max_age log_level log_path log_rotation_age log_rotation_size log_line_prefix log_mode
log_connections log_disconnections blocking_timeout connection_retry_delay idle_timeout
rotate_frontend_password_timeout rotate_frontend_password_length max_connection_age flush_timeout validation
background_interval max_retries allow_unknown_users authentication_timeout auth_query failover failover_script
failover_notify_script tls_cert_file tls_key_file tls_ca_file metrics_cert_file metrics_key_file
metrics_ca_file keep_alive nodelay backlog tracker track_prepared_statements server_reset_query
server_reset_query_always pipeline server_reset_query_behavior_on_failure update_process_title health_check
health_check_period health_check_timeout health_check_user startup_validation disconnect_client
disconnect_client_force
"""
RESTARTED = """
host port unix_socket_dir metrics metrics_cache_max_size management console log_type max_connections
tls ev_backend hugepage pidfile libev buffer_size non_blocking
"""
OUR_OWN = """
auth_query_database connect_timeout wait_notice_timeout tls_min_version tls_ciphers session_state
max_prepared_statements canary monitors metrics_prefix
log_format log_min_duration flight_recorder flight_recorder_path
"""


def a_setting(**values: object) -> Settings:
    return Settings(**{"host": "localhost", "port": 2345, "unix_socket_dir": Path("/run"), **values})  # type: ignore[arg-type]


def test_every_key_of_pgagroal_is_known_and_no_other_but_our_own() -> None:
    assert sorted(BY_NAME) == sorted((RELOADED + RESTARTED + OUR_OWN).split())


def test_each_key_says_whether_it_can_be_reloaded() -> None:
    assert sorted(key.name for key in KEYS if key.restart) == sorted(RESTARTED.split())


def test_every_field_is_a_key_with_a_text_for_its_reader() -> None:
    assert [key.name for key in KEYS] == [field.name for field in fields(Settings) if field.init]
    assert all(key.doc.endswith((".", ".)")) for key in KEYS)


@pytest.mark.parametrize("key", [key for key in KEYS if not key.required], ids=lambda key: key.name)
def test_each_default_is_a_value_that_a_file_could_give(key: object) -> None:
    assert isinstance(key, type(KEYS[0]))
    assert key.parse(key.spell(key.default), {}) == key.default


def test_the_documented_defaults() -> None:
    settings = a_setting()
    assert settings.blocking_timeout == 30.0
    assert settings.connection_retry_delay == 0.25
    assert settings.connect_timeout == 10.0
    assert settings.wait_notice_timeout == 5.0
    assert settings.authentication_timeout == 5.0
    assert settings.idle_timeout == settings.max_connection_age == 0.0
    assert settings.flush_timeout == 60.0
    assert settings.max_connections == 100
    assert settings.pipeline is Pipeline.AUTO
    assert settings.server_reset_query == "DISCARD ALL"
    assert settings.log_path == Path("agroal.log")
    assert settings.metrics_cache_max_size == 256 * 1024
    assert settings.allow_unknown_users
    assert not settings.tls
    assert settings.tls_min_version is TlsVersion.TLS_1_2


def test_the_versions_of_tls_are_spelled_as_in_postgresql() -> None:
    key = BY_NAME["tls_min_version"]
    assert [key.parse(text, {}) for text in ("TLSv1.2", "tlsv1.3", "TLSV1.3")] == [
        TlsVersion.TLS_1_2,
        TlsVersion.TLS_1_3,
        TlsVersion.TLS_1_3,
    ]
    with pytest.raises(ValueError, match=r"expected TLSv1\.2 or TLSv1\.3, not 'TLSv1\.1'"):
        key.parse("TLSv1.1", {})


@pytest.mark.parametrize(("most", "backlog"), [(10, 128), (64, 256), (100, 400), (10_000, 40_000)])
def test_the_backlog_is_four_times_the_connections_and_at_least_128(most: int, backlog: int) -> None:
    assert a_setting(max_connections=most).backlog == backlog
    assert a_setting(max_connections=most, backlog=7).backlog == 7


def test_the_pid_file_is_beside_the_sockets_unless_it_is_named() -> None:
    assert a_setting().pidfile == Path("/run/agroal.2345.pid")
    assert a_setting(pidfile=Path("/x/y.pid")).pidfile == Path("/x/y.pid")


def test_what_is_derived_is_known_and_derived_again_from_what_was_given() -> None:
    settings = a_setting(pidfile=Path("/x/y.pid"))
    assert settings.derived == {"backlog"}
    assert a_setting().derived == {"backlog", "pidfile"}
    given = settings.given()
    assert (given["backlog"], given["pidfile"]) == (0, Path("/x/y.pid"))
    assert Settings(**given) == settings
    assert Settings(**given | {"max_connections": 200}).backlog == 800


def test_what_it_would_be_wrong_to_hand_on_is_closed_whatever_is_asked_for() -> None:
    key = BY_NAME["server_reset_query_behavior_on_failure"]
    for value in ("try", "ignore"):
        assert key.remark(key.parse(value, {})) == (
            f"accepted, but {value} is never heeded, discard holds: a server that is not clean is never handed on"
        )
    assert key.remark(key.default) == ""


def test_the_finer_log_levels_of_pgagroal_are_ours() -> None:
    spelled = {
        text: BY_NAME["log_level"].parse(text, {}) for text in ("DEBUG", "debug1", "debug2", "debug5", "trace", "Warn")
    }
    assert spelled == {
        "DEBUG": LogLevel.DEBUG,
        "debug1": LogLevel.DEBUG,
        "debug2": LogLevel.TRACE,
        "debug5": LogLevel.TRACE,
        "trace": LogLevel.TRACE,
        "Warn": LogLevel.WARN,
    }


def test_the_short_log_modes_of_pgagroal_are_ours() -> None:
    assert [BY_NAME["log_mode"].parse(text, {}) for text in "ac"] == [LogMode.APPEND, LogMode.CREATE]


def test_what_has_no_meaning_here_says_so() -> None:
    for name in ("hugepage", "ev_backend", "libev", "buffer_size", "non_blocking", "metrics_cache_max_size"):
        assert BY_NAME[name].support is Support.NEVER


def test_the_enum_of_a_key_is_the_type_of_its_field() -> None:
    settings = a_setting()
    for key in KEYS:
        assert isinstance(getattr(settings, key.name), StrEnum) == (key.kind is Kind.ENUM)
