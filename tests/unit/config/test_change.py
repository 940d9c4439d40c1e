from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from agroal.config.change import Change, changes, effective
from agroal.config.keys import Key
from agroal.config.model import Configuration
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS
from tests.unit.config.configurations import (
    a_configuration,
    a_limit,
    a_server,
    an_hba_line,
    configurations,
    two_values,
)

RESTARTS = [key.name for key in KEYS if key.restart]
SERVER_RESTARTS = [key.name for key in SERVER_KEYS if key.restart]
FOLLOWERS = {"max_connections": {"backlog"}, "port": {"pidfile"}, "unix_socket_dir": {"pidfile"}}
"""What is derived from a key, and so changes with it."""


def servers_of(configuration: Configuration) -> dict[str, Any]:
    return {server.name: server for server in configuration.servers}


def tls_waits(old: Configuration, new: Configuration) -> list[Key]:
    """What goes with `tls`, and so waits with it."""
    return [key for key in KEYS if key.name.startswith("tls_") and old.settings.tls != new.settings.tls]


def told(old: Configuration, new: Configuration) -> list[tuple[str, str, str, bool]]:
    return [(change.key, change.old, change.new, change.restart) for change in changes(old, new)]


class TestWhateverTheConfigurations:
    @given(one=configurations())
    def test_nothing_differs_from_itself(self, one: Configuration) -> None:
        assert changes(one, one) == ()
        assert effective(one, one) == one

    @given(old=configurations(), new=configurations())
    def test_what_needs_a_restart_stays_as_it_is(self, old: Configuration, new: Configuration) -> None:
        made = effective(old, new)
        assert [getattr(made.settings, name) for name in RESTARTS] == [getattr(old.settings, name) for name in RESTARTS]
        servers = servers_of(made)
        for server in old.servers:
            kept = servers[server.name]
            assert [getattr(kept, name) for name in SERVER_RESTARTS] == [
                getattr(server, name) for name in SERVER_RESTARTS
            ]

    @given(old=configurations(), new=configurations())
    def test_what_still_differs_afterwards_is_exactly_what_waits(self, old: Configuration, new: Configuration) -> None:
        waiting = {change for change in changes(old, new) if change.restart}
        assert set(changes(effective(old, new), new)) == waiting

    @given(old=configurations(), new=configurations())
    def test_what_has_changed_afterwards_is_exactly_what_does_not_wait(
        self, old: Configuration, new: Configuration
    ) -> None:
        made = effective(old, new)
        removed = {f"server.{name}.primary" for name in servers_of(old).keys() - servers_of(new).keys()}
        assert {change for change in changes(old, made) if change.key not in removed} == {
            change for change in changes(old, new) if not change.restart
        }
        assert effective(old, made) == made

    @given(old=configurations(), new=configurations())
    def test_what_needs_no_restart_is_taken(self, old: Configuration, new: Configuration) -> None:
        made = effective(old, new)
        waiting = tls_waits(old, new)
        taken = [
            key.name for key in KEYS if not key.restart and key.name not in new.settings.derived and key not in waiting
        ]
        assert [getattr(made.settings, name) for name in taken] == [getattr(new.settings, name) for name in taken]
        assert (made.hba, made.files, made.notices) == (new.hba, new.files, new.notices)
        if sum(limit.max_size for limit in new.limits) <= old.settings.max_connections:
            assert made.limits == new.limits
        if new.primary.name in servers_of(made):
            assert made.primary.name == new.primary.name

    @given(old=configurations(), new=configurations())
    def test_what_is_in_force_would_pass_the_checks_of_a_start(self, old: Configuration, new: Configuration) -> None:
        made = effective(old, new)
        places = [(server.host.lower(), server.port) for server in made.servers]
        assert len(set(places)) == len(places)
        assert sum(server.primary for server in made.servers) <= 1
        assert sum(limit.max_size for limit in made.limits) <= made.settings.max_connections

    @given(old=configurations(), new=configurations())
    def test_each_origin_goes_with_its_value(self, old: Configuration, new: Configuration) -> None:
        made = effective(old, new)
        for name in (key.name for key in KEYS):
            source = old if name in RESTARTS or name in {key.name for key in tls_waits(old, new)} else new
            assert made.origins.get(name) == source.origins.get(name)
        for server in made.servers:
            source = old if server.name in servers_of(old) else new
            assert made.origins.get(f"server.{server.name}.host") == source.origins.get(f"server.{server.name}.host")


class TestEveryKey:
    @pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
    def test_of_the_main_section_is_seen_to_change_and_waits_if_it_must(self, key: Key) -> None:
        before, after = two_values(key)
        old, new = a_configuration(**{key.name: before}), a_configuration(**{key.name: after})
        found = {change.key: change for change in changes(old, new)}
        assert found[key.name] == Change(key.name, key.spell(before), key.spell(after), key.restart)
        assert found.keys() - {key.name} <= FOLLOWERS.get(key.name, set())
        assert getattr(effective(old, new).settings, key.name) == (before if key.restart else after)

    @pytest.mark.parametrize("key", SERVER_KEYS, ids=lambda key: key.name)
    def test_of_a_server_is_seen_to_change_and_waits_if_it_must(self, key: Key) -> None:
        before, after = two_values(key)
        first = a_server("zero")
        old, new = (a_configuration(first, replace(a_server("one"), **{key.name: value})) for value in (before, after))
        change = Change(f"server.one.{key.name}", key.spell(before), key.spell(after), key.restart)
        assert change in changes(old, new)
        assert getattr(effective(old, new).servers[1], key.name) == (before if key.restart else after)


class TestSettings:
    def test_what_is_derived_from_a_key_that_waits_waits_too(self) -> None:
        old, new = a_configuration(max_connections=100), a_configuration(max_connections=200)
        assert told(old, new) == [("backlog", "400", "800", True), ("max_connections", "100", "200", True)]
        assert effective(old, new).settings == old.settings

    def test_certificates_wait_together_with_the_tls_that_they_are_for(self) -> None:
        files = {"tls_cert_file": Path("/a.crt"), "tls_key_file": Path("/a.key")}
        off, on = a_configuration(), a_configuration(tls=True, **files)
        assert {(change.key, change.restart) for change in changes(off, on)} == {
            ("tls", True),
            ("tls_cert_file", True),
            ("tls_key_file", True),
        }
        assert effective(off, on).settings == off.settings
        assert effective(on, off).settings == on.settings

    def test_certificates_of_a_tls_that_stays_are_taken(self) -> None:
        old, new = (a_configuration(tls=True, tls_cert_file=Path(name)) for name in ("/a.crt", "/b.crt"))
        assert told(old, new) == [("tls_cert_file", "/a.crt", "/b.crt", False)]
        assert effective(old, new).settings == new.settings

    def test_a_backlog_that_is_given_is_taken_whatever_it_could_be_derived_from(self) -> None:
        old, new = a_configuration(max_connections=100), a_configuration(max_connections=200, backlog=50)
        assert told(old, new) == [("backlog", "400", "50", False), ("max_connections", "100", "200", True)]

    def test_a_backlog_that_is_given_no_longer_is_derived_at_once_if_nothing_waits(self) -> None:
        assert told(a_configuration(backlog=7), a_configuration()) == [("backlog", "7", "400", False)]

    def test_the_origin_of_a_backlog_that_waits_is_as_it_was_too(self) -> None:
        old = a_configuration(max_connections=100, backlog=30, origins={"backlog": "agroal.conf:3"})
        new = a_configuration(max_connections=200, backlog=0, origins={"backlog": "agroal.conf:4"})
        made = effective(old, new)
        assert (made.settings.backlog, made.origins) == (30, {"backlog": "agroal.conf:3"})

    def test_a_pid_file_follows_the_port_at_the_next_start(self) -> None:
        old, new = a_configuration(), a_configuration(port=2346)
        assert told(old, new) == [
            ("port", "2345", "2346", True),
            ("pidfile", "/tmp/agroal.2345.pid", "/tmp/agroal.2346.pid", True),
        ]

    def test_a_value_that_comes_from_elsewhere_is_no_change(self) -> None:
        old = a_configuration(origins={"port": "agroal.conf:3"})
        new = a_configuration(origins={"port": "agroal.conf:4", "idle_timeout": "agroal.conf:5"})
        assert changes(old, new) == ()
        assert effective(old, new).origins == {"port": "agroal.conf:3", "idle_timeout": "agroal.conf:5"}


class TestServers:
    def test_one_that_is_added_is_taken(self) -> None:
        old, new = a_configuration(a_server("one")), a_configuration(a_server("one"), a_server("two", port=5433))
        assert told(old, new) == [("server.two", "", "two:5433", False)]
        assert effective(old, new).servers == new.servers

    def test_one_that_is_removed_stays_till_the_restart_with_its_origins(self) -> None:
        old = a_configuration(a_server("one"), a_server("two"), origins={"server.two.host": "agroal.conf:9"})
        new = a_configuration(a_server("one"))
        assert told(old, new) == [("server.two", "two:5432", "", True)]
        assert effective(old, new).servers == old.servers
        assert effective(old, new).origins == {"server.two.host": "agroal.conf:9"}

    def test_the_mark_of_the_primary_moves_at_once(self) -> None:
        old = a_configuration(a_server("one", primary=True), a_server("two"))
        new = a_configuration(a_server("one"), a_server("two", primary=True))
        assert told(old, new) == [
            ("server.one.primary", "on", "off", False),
            ("server.two.primary", "off", "on", False),
        ]
        assert effective(old, new).primary.name == "two"

    def test_without_a_mark_the_order_says_who_is_the_primary(self) -> None:
        old = a_configuration(a_server("one"), a_server("two"))
        new = a_configuration(a_server("two"), a_server("one"))
        assert told(old, new) == [
            ("server.one.primary", "on", "off", False),
            ("server.two.primary", "off", "on", False),
        ]
        assert effective(old, new).primary.name == "two"

    def test_a_mark_for_who_is_the_primary_anyway_is_no_change(self) -> None:
        old, new = a_configuration(a_server("one")), a_configuration(a_server("one", primary=True))
        assert changes(old, new) == ()

    def test_a_primary_that_is_removed_is_the_primary_no_more(self) -> None:
        old = a_configuration(a_server("one", primary=True), a_server("two"))
        new = a_configuration(a_server("two"))
        made = effective(old, new)
        assert [(server.name, server.primary) for server in made.servers] == [("two", False), ("one", False)]
        assert made.primary.name == "two"
        assert ("server.one", "one:5432", "", True) in told(old, new)

    def test_one_with_a_new_name_waits_till_its_place_is_free(self) -> None:
        old = a_configuration(a_server("one", "Here", primary=True), a_server("two"))
        new = a_configuration(a_server("uno", "here", primary=True), a_server("two"))
        assert told(old, new) == [("server.one", "Here:5432", "", True), ("server.uno", "", "here:5432", True)]
        assert effective(old, new).primary.name == "one"

    def test_two_that_change_places_wait(self) -> None:
        old = a_configuration(a_server("one", "x"), a_server("two", "y"))
        new = a_configuration(a_server("one", "y"), a_server("two", "x"))
        assert effective(old, new).servers == old.servers
        assert [change.restart for change in changes(old, new)] == [True, True]


class TestOtherFiles:
    def test_lines_of_the_hba_file_are_taken(self) -> None:
        old, new = a_configuration(hba=(an_hba_line(1, "x"),)), a_configuration()
        assert told(old, new) == [("agroal_hba.conf", "1 line: host all x 10.0.0.0/8 md5", "0 lines", False)]
        assert effective(old, new).hba == ()

    def test_limits_are_taken_whatever_changes_about_them(self) -> None:
        old = a_configuration(limits=(a_limit(1, "shop", "web", 10, 2, 1), a_limit(2, "shop", "all", 5)))
        new = a_configuration(limits=(a_limit(1, "store", "web", 5), a_limit(2, "shop", "web", 20, 2, 1)))
        assert told(old, new) == [
            ("agroal_databases.conf: shop/web", "10 2 1", "20 2 1", False),
            ("agroal_databases.conf: shop/all", "5 0 0", "", False),
            ("agroal_databases.conf: store/web", "", "5 0 0", False),
        ]
        assert effective(old, new).limits == new.limits

    def test_limits_that_need_more_connections_wait_with_these(self) -> None:
        old = a_configuration(max_connections=10, backlog=16, limits=(a_limit(1, "shop", "web", 10),))
        new = a_configuration(max_connections=20, backlog=16, limits=(a_limit(1, "shop", "web", 20),))
        assert told(old, new) == [
            ("max_connections", "10", "20", True),
            ("agroal_databases.conf: shop/web", "10 0 0", "20 0 0", True),
        ]
        assert effective(old, new).limits == old.limits

    def test_a_vault_that_is_there_now_is_taken(self) -> None:
        old = a_configuration()
        new = replace(old, files=replace(old.files, users=Path("/c/agroal_users.conf")))
        assert told(old, new) == [("users file", "", "/c/agroal_users.conf", False)]
        assert effective(old, new) == new
