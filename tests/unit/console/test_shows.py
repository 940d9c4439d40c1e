from __future__ import annotations

import pytest

from agroal.console.commands import COMMANDS
from agroal.console.face import Face
from agroal.console.shows import BY_NAME, HELP, SHOWS
from agroal.console.values import Type, data_row
from tests.unit.console.sitting import table, view

SOCKET = (
    "type:s user:s database:s replication:s state:s addr:s port:i local_addr:s local_port:i connect_time:s "
    "request_time:s wait:i wait_us:i close_needed:i ptr:s link:s remote_pid:i tls:s application_name:s "
    "prepared_statements:i id:i"
)
LOW = "recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i pkt_avail:i send_avail:i"
PGBOUNCER = {
    "pools": (
        "database:s user:s cl_active:i cl_waiting:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active:i "
        "sv_active_cancel:i sv_being_canceled:i sv_idle:i sv_used:i sv_tested:i sv_login:i maxwait:i maxwait_us:i "
        "pool_mode:s load_balance_hosts:s"
    ),
    "clients": SOCKET,
    "servers": SOCKET,
    "sockets": f"{SOCKET} {LOW}",
    "active_sockets": f"{SOCKET} {LOW}",
    "databases": (
        "name:s host:s port:i database:s force_user:s pool_size:i min_pool_size:i reserve_pool_size:i "
        "server_lifetime:i pool_mode:s load_balance_hosts:s max_connections:i current_connections:i "
        "max_client_connections:i current_client_connections:i paused:i disabled:i"
    ),
    "users": (
        "name:s pool_size:s reserve_pool_size:s pool_mode:s max_user_connections:i current_connections:i "
        "max_user_client_connections:i current_client_connections:i"
    ),
    "lists": "list:s items:i",
    "stats": (
        "database:s total_server_assignment_count:N total_xact_count:N total_query_count:N total_received:N "
        "total_sent:N total_xact_time:N total_query_time:N total_wait_time:N total_client_parse_count:N "
        "total_server_parse_count:N total_bind_count:N total_client_login_count:N avg_server_assignment_count:N "
        "avg_xact_count:N avg_query_count:N avg_recv:N avg_sent:N avg_xact_time:N avg_query_time:N avg_wait_time:N "
        "avg_client_parse_count:N avg_server_parse_count:N avg_bind_count:N avg_client_login_count:N"
    ),
    "stats_totals": (
        "database:s server_assignment_count:N xact_count:N query_count:N bytes_received:N bytes_sent:N xact_time:N "
        "query_time:N wait_time:N client_parse_count:N server_parse_count:N bind_count:N client_login_count:N"
    ),
    "stats_averages": (
        "database:s server_assignment_count:N xact_count:N query_count:N bytes_received:N bytes_sent:N xact_time:N "
        "query_time:N wait_time:N avg_client_parse_count:N avg_server_parse_count:N avg_bind_count:N "
        "avg_client_login_count:N"
    ),
    "totals": "name:s value:N",
    "config": "key:s value:s default:s changeable:s",
    "mem": "name:s size:i used:i free:i memtotal:q",  # PgBouncer's memtotal is an int4, and overflows
    "state": "key:s value:s",
    "version": "version:s",
    "dns_hosts": "hostname:s ttl:q addrs:s",
    "dns_zones": "zonename:s serial:q count:i",
    "peers": "peer_id:i host:s port:i pool_size:i",
    "peer_pools": "peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active_cancel:i sv_login:i",
}
"""The columns of PgBouncer 1.25, and their types: s text, i int4, q int8, N numeric."""
LETTERS = {Type.TEXT: "s", Type.INT4: "i", Type.INT8: "q", Type.NUMERIC: "N"}


@pytest.mark.parametrize("name", PGBOUNCER)
def test_under_its_name_the_columns_are_those_of_pgbouncer(name: str) -> None:
    seen = [f"{column.name}:{LETTERS[column.type]}" for column in BY_NAME[name].seen(Face.PGBOUNCER)]
    assert seen == PGBOUNCER[name].split()


def test_the_descriptors_are_shown_without_what_is_secret() -> None:
    show = BY_NAME["fds"]
    assert [column.name for column in show.seen(Face.PGBOUNCER)][:8] == [
        *("fd", "task", "user", "database", "addr", "port", "cancel", "link")
    ]
    for row in table(show, view()):
        assert {row[name] for name in ("cancel", "password", "scram_client_key", "scram_server_key")} == {None}
    assert [(row["fd"], row["task"]) for row in table(show, view())] == [(12, "client"), (13, "client"), (14, "server")]


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize("show", SHOWS, ids=lambda show: show.name)
@pytest.mark.parametrize("code", [0, 1])
def test_every_row_can_be_sent(face: Face, show: object, code: int) -> None:
    name = show.name  # type: ignore[attr-defined]
    columns = BY_NAME[name].seen(face)
    types = [column.type for column in columns]
    for row in BY_NAME[name].rows(view(face)):
        assert data_row(row, types, [code] * len(types))


@pytest.mark.parametrize("show", SHOWS, ids=lambda show: show.name)
def test_the_names_of_columns_are_unique_and_each_is_explained(show: object) -> None:
    columns = BY_NAME[show.name].columns  # type: ignore[attr-defined]
    assert len({column.name for column in columns}) == len(columns)
    assert all(column.doc.endswith(".") for column in columns)


def test_under_its_own_name_agroal_tells_more() -> None:
    for name in PGBOUNCER:
        theirs, ours = (BY_NAME[name].seen(face) for face in (Face.PGBOUNCER, Face.AGROAL))
        assert ours[: len(theirs)] == theirs
    assert [column.name for column in BY_NAME["pools"].seen(Face.AGROAL)][17:19] == ["limit", "max"]


def test_help_has_everything_that_can_be_typed() -> None:
    found = [row["command"] for row in table(HELP, view())]
    assert {f"SHOW {show.name.upper()}" for show in SHOWS} <= {*found}
    assert {command.usage for command in COMMANDS} <= {*found}
    assert len(found) == len(SHOWS) + len(COMMANDS) + 1
