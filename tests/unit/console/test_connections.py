from __future__ import annotations

from dataclasses import replace

from agroal.console.connections import ACTIVE_SOCKETS, CLIENTS, SERVERS, SOCKETS
from agroal.console.face import Face
from tests.unit.console.sitting import table, view
from tests.unit.management import sample


def test_each_client_is_shown_with_its_server_and_its_wait() -> None:
    first, second = table(CLIENTS, view())
    assert (first["type"], first["ptr"], first["link"], first["id"]) == ("C", "C7", "S0", 7)
    assert (first["addr"], first["port"], first["tls"]) == ("10.0.3.7", 51422, "TLSv1.3")
    assert (first["state"], first["application_name"], first["prepared_statements"]) == ("active", "psql", 3)
    assert (first["connect_time"], first["request_time"]) == ("2025-11-22 12:01:28 UTC", "2025-11-22 12:01:28 UTC")
    assert (second["state"], second["link"], second["wait"], second["wait_us"]) == ("waiting", "", 0, 250_000)
    assert (first["local_addr"], first["local_port"]) == (None, None)


def test_each_server_is_shown_with_its_client() -> None:
    [row] = table(SERVERS, view())
    assert (row["type"], row["ptr"], row["link"], row["remote_pid"]) == ("S", "S0", "C7", 48213)
    assert (row["addr"], row["port"], row["state"]) == ("127.0.0.1", 5432, "active")
    assert (row["connect_time"], row["close_needed"], row["prepared_statements"]) == ("2025-11-22 12:00:30 UTC", 0, 3)
    [row] = table(SERVERS, view(Face.AGROAL))
    assert (row["queries"], row["transactions"], row["state_us"]) == (41, 40, 2_000_000)


def test_a_client_of_the_unix_socket_has_no_port() -> None:
    client = replace(sample.CLIENT, address="[local]")
    [row] = table(CLIENTS, view(clients=(client,)))
    assert (row["addr"], row["port"]) == ("unix", 0)
    [row] = table(CLIENTS, view(clients=(replace(client, address="2001:db8::7:51422"),)))
    assert (row["addr"], row["port"]) == ("2001:db8::7", 51422)


def test_who_has_not_said_who_it_is_is_a_socket_that_logs_in() -> None:
    nobody = replace(sample.CLIENT, id=9, state="auth", user="", database="", slot=None)
    on = view(clients=(sample.CLIENT, nobody))
    assert [row["id"] for row in table(CLIENTS, on)] == [7]
    assert [(row["state"], row["user"], row["database"]) for row in table(SOCKETS, on)][-1] == (
        *("login", "(nouser)", "(nodb)"),
    )


def test_a_server_that_will_not_be_used_again_is_about_to_be_closed() -> None:
    [row] = table(SERVERS, view(slots=(replace(sample.SLOT, state="gracefully"),)))
    assert row["close_needed"] == 1


def test_active_sockets_are_those_that_are_connected_with_each_other() -> None:
    assert [row["ptr"] for row in table(ACTIVE_SOCKETS, view())] == ["C7", "S0"]
    assert [row["ptr"] for row in table(SOCKETS, view())] == ["C7", "C8", "S0"]
