from __future__ import annotations

from pathlib import Path

import pytest

from agroal.config.report import Report
from agroal.config.sections import MainFile, read_main
from agroal.config.servers import MOST_SERVERS


def read(text: str, report: Report | None = None) -> MainFile:
    return read_main(text, report or Report("it.conf"), {"HOME": "/root"})


def problems(text: str) -> list[str]:
    report = Report("it.conf")
    read(text, report)
    return sorted(map(str, report.problems))


def notices(text: str) -> list[str]:
    report = Report("it.conf")
    read(text, report)
    assert report.problems == []
    return list(map(str, report.notices))


AGROAL = "[agroal]\nhost = *\nport = 2345\nunix_socket_dir = /tmp\n"
PRIMARY = "[primary]\nhost = db\n"


def test_the_least_that_works() -> None:
    main = read(AGROAL + PRIMARY)
    assert main.settings is not None
    assert (main.settings.host, main.settings.port, main.settings.unix_socket_dir) == ("*", 2345, Path("/tmp"))
    [server] = main.servers
    assert (server.name, server.host, server.port) == ("primary", "db", 5432)


def test_each_value_knows_its_line() -> None:
    assert read(AGROAL + PRIMARY).origins == {
        "host": "it.conf:2",
        "port": "it.conf:3",
        "unix_socket_dir": "it.conf:4",
        "server.primary.host": "it.conf:6",
    }


def test_the_section_of_pgagroal_is_ours() -> None:
    assert notices(AGROAL.replace("agroal", "pgagroal") + PRIMARY) == []


def test_main_keys_may_stand_in_the_sections_that_pgagroal_allows_them_in() -> None:
    main = read(
        "[prometheus]\nmetrics_cache_max_age = 5\n" + AGROAL + PRIMARY + "[health_check]\nhealth_check_period = 10"
    )
    assert main.settings is not None
    assert (main.settings.metrics_cache_max_age, main.settings.health_check_period) == (5.0, 10.0)
    assert [server.name for server in main.servers] == ["primary"]


def test_a_main_key_may_be_given_once_in_all_its_sections() -> None:
    assert problems(AGROAL + "[prometheus]\nport = 1\n" + PRIMARY) == [
        "it.conf:6: port: is given twice; the first is in line 3"
    ]


def test_paths_take_environment_variables_and_nothing_else_does() -> None:
    main = read(AGROAL + "log_path = $HOME/log\nlog_line_prefix = $HOME\n" + PRIMARY)
    assert main.settings is not None
    assert (main.settings.log_path, main.settings.log_line_prefix) == (Path("/root/log"), "$HOME")


def test_the_main_section_is_wanted_once() -> None:
    assert problems(PRIMARY) == ["it.conf: has no section [agroal]; expected exactly one"]
    assert problems(AGROAL + "[pgagroal]\nbacklog = 20\n" + PRIMARY) == [
        "it.conf:5: a second [pgagroal]; the first main section is in line 1"
    ]


def test_what_is_required_is_asked_for() -> None:
    assert problems("[agroal]\n[primary]") == [
        "it.conf:1: host: is missing in [agroal]. Name or address to listen on; * is all of them.",
        "it.conf:1: port: is missing in [agroal]. Port to listen on; also in socket names.",
        "it.conf:1: unix_socket_dir: is missing in [agroal]. Existing directory for the Unix sockets.",
        "it.conf:2: host: is missing in [primary]. Name or address; with a leading / the directory of its Unix socket.",
    ]


def test_what_is_required_can_not_be_empty() -> None:
    assert problems(AGROAL.replace("*", "''").replace("/tmp", "") + PRIMARY) == [
        "it.conf:2: host: expected text, not nothing",
        "it.conf:4: unix_socket_dir: expected a path, not nothing",
    ]


def test_a_value_that_is_bad_is_not_missing_as_well() -> None:
    assert problems(AGROAL.replace("2345", "high") + PRIMARY) == [
        "it.conf:3: port: expected a whole number, not 'high'"
    ]


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = AGROAL + "max_connections = 0\ntls = maybe\nlog_type = paper\n" + PRIMARY + "port = x\nport = 1\n"
    assert problems(text) == [
        "it.conf:10: port: expected a whole number, not 'x'",
        "it.conf:11: port: is given twice; the first is in line 10",
        "it.conf:5: max_connections: expected a whole number from 1 to 10000, not '0'",
        "it.conf:6: tls: expected on or off, not 'maybe'",
        "it.conf:7: log_type: expected console, file, syslog or journald, not 'paper'",
    ]


def test_settings_with_a_problem_are_not_to_be_had_but_what_limits_are_checked_against_is() -> None:
    main = read(AGROAL + "max_connections = 7\ntls = maybe\n" + PRIMARY)
    assert main.settings is None
    assert main.max_connections == 7
    assert read(AGROAL + "max_connections = x\n" + PRIMARY).max_connections == 10_000


def test_an_unknown_key_is_a_notice_with_the_nearest_name_and_without_its_value() -> None:
    assert notices(AGROAL + "Max_Conections = 3\npassword = sesame\n" + PRIMARY) == [
        "it.conf:5: Max_Conections: unknown key; did you mean max_connections?",
        "it.conf:6: password: unknown key",
    ]


def test_a_key_in_the_wrong_section_is_told_where_it_belongs() -> None:
    assert notices(AGROAL + "primary = on\n" + PRIMARY + "max_connections = 3\n") == [
        "it.conf:5: primary: is ignored here: it belongs in a server's section",
        "it.conf:8: max_connections: is ignored here: it belongs in [agroal]",
    ]


def test_what_has_no_effect_is_a_notice_each() -> None:
    text = "ev_backend = auto\nhealth_check = on\nfailover = off\nserver_reset_query_behavior_on_failure = try\n"
    assert notices(AGROAL + text + PRIMARY) == [
        "it.conf:5: ev_backend: accepted, but has no meaning here: the event loop is uvloop's.",
        "it.conf:6: health_check: accepted, but has no effect yet",
        "it.conf:8: server_reset_query_behavior_on_failure: accepted, but try is never heeded, "
        "discard holds: a server that is not clean is never handed on",
    ]


def test_the_directory_of_the_sockets_must_exist() -> None:
    assert problems(AGROAL.replace("/tmp", "/tmp/no/such") + PRIMARY) == [
        "it.conf:4: unix_socket_dir: expected an existing directory, not '/tmp/no/such'"
    ]


def test_the_directory_of_the_sockets_is_looked_at_whatever_else_is_wrong() -> None:
    assert problems(AGROAL.replace("/tmp", "/tmp/no/such") + "backlog = many\n" + PRIMARY) == [
        "it.conf:4: unix_socket_dir: expected an existing directory, not '/tmp/no/such'",
        "it.conf:5: backlog: expected a whole number, not 'many'",
    ]


def test_the_directory_of_the_sockets_must_leave_room_for_their_names(tmp_path: Path) -> None:
    fits = tmp_path / ("x" * (107 - len(f"{tmp_path}//.s.agroal.2345")))
    fits.mkdir()
    assert problems(AGROAL.replace("/tmp", str(fits)) + PRIMARY) == []
    too_long = fits.with_name(fits.name + "x")
    too_long.mkdir()
    assert problems(AGROAL.replace("/tmp", str(too_long)) + PRIMARY) == [
        "it.conf:4: unix_socket_dir: is too long for a socket path; expected at most 92 bytes"
    ]


def test_there_is_a_server() -> None:
    assert problems(AGROAL) == ["it.conf: has no server; expected a section such as [primary] with host and port"]


def test_there_are_not_too_many_servers() -> None:
    servers = [f"[s{n}]\nhost = h{n}\n" for n in range(MOST_SERVERS)]
    assert problems(AGROAL + "".join(servers)) == []
    assert problems(AGROAL + "".join(servers) + PRIMARY) == [
        "it.conf:133: [primary] is one server too many; expected at most 64"
    ]


def test_servers_have_names_and_places_of_their_own() -> None:
    assert problems(AGROAL + PRIMARY + "[primary]\nhost = other\n") == [
        "it.conf:7: a second server [primary]; the first is in line 5"
    ]
    assert problems(AGROAL + PRIMARY + "[twin]\nport = 5432\nhost = DB\n") == [
        "it.conf:9: host: [primary] is at db:5432 already"
    ]
    assert problems(AGROAL + PRIMARY.replace("db", "DB") + "[twin]\nhost = db\n") == [
        "it.conf:8: host: [primary] is at DB:5432 already"
    ]
    assert problems(AGROAL + PRIMARY + "[other]\nport = 5433\nhost = db\n") == []


def test_one_server_at_most_is_the_primary() -> None:
    assert problems(AGROAL + "[a]\nhost = a\nprimary = on\n[b]\nhost = b\nprimary = off\n") == []
    assert problems(AGROAL + "[a]\nhost = a\n[b]\nhost = b\nprimary = on\n") == []
    assert problems(AGROAL + "[a]\nhost = a\nprimary = on\n[b]\nhost = b\nprimary = yes\n") == [
        "it.conf:10: primary: [a] is the primary already; expected one at most"
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_misses_everything(text: str) -> None:
    assert problems(text) == [
        "it.conf: has no section [agroal]; expected exactly one",
        "it.conf: has no server; expected a section such as [primary] with host and port",
    ]
