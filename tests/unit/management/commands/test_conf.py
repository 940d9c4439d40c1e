from __future__ import annotations

import asyncio

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import conf
from agroal.management.controls import Call, Change, Reloaded, Role
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import ALIASES, BLOCKING_TIMEOUT, CHANGES, FILES, SERVER_PORT

SET = Change("blocking_timeout", "10s", "20s", False)


def call(controls: FakeControls | None = None, dry_run: bool = False) -> Call:
    return Call(controls or FakeControls(), Role.ADMIN, dry_run=dry_run)


def test_files_are_listed() -> None:
    files = asyncio.run(conf.ls(call()))
    assert files == conf.Files(FILES)
    assert list(conf.text_files(files)) == [
        "file       path                     holds",
        "main       /etc/agroal/agroal.conf  the main section and the servers",
        "superuser  -                        who asks for the secrets of others",
    ]


def test_one_key_reads_as_its_value_for_scripts() -> None:
    settings = asyncio.run(conf.get(call(), "blocking_timeout"))
    assert settings == conf.Settings("blocking_timeout", (BLOCKING_TIMEOUT,))
    assert list(conf.text_settings(settings)) == ["10s"]


def test_a_section_is_a_table_even_with_one_key() -> None:
    settings = asyncio.run(conf.get(call(), "server.pg-a"))
    assert settings.settings == (SERVER_PORT,)
    assert list(conf.text_settings(settings)) == [
        "key               value  default  from            applied by  waiting for a restart",
        "server.pg-a.port  5432   5432     agroal.conf:12  reload      -",
    ]


def test_all_keys_are_a_table() -> None:
    assert list(conf.text_settings(asyncio.run(conf.get(call())))) == [
        "key               value  default  from            applied by  waiting for a restart",
        "blocking_timeout  10s    30s      agroal.conf:7   reload      -",
        "max_connections   100    100      default         restart     200",
        "server.pg-a.port  5432   5432     agroal.conf:12  reload      -",
    ]


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ManagementError, match="there is no key 'absent'"):
        asyncio.run(conf.get(call(), "absent"))


def test_a_key_is_set() -> None:
    controls = FakeControls()
    assert asyncio.run(conf.set_(call(controls), "blocking_timeout", "20s")) == SET
    assert asyncio.run(conf.set_(call(controls, dry_run=True), "blocking_timeout", "20s")) == SET
    assert controls.done == [("set", "blocking_timeout", "20s")]


def test_the_log_shows_the_value_that_was_masked_where_it_is_a_secret() -> None:
    assert conf.shown(Change("password", "********", "********", True)) == {"value": "********"}


@pytest.mark.parametrize(
    ("change", "line", "dry"),
    [
        (
            SET,
            "blocking_timeout: 10s → 20s, holds until the next reload or start",
            "blocking_timeout: 10s → 20s, would hold until the next reload or start",
        ),
        (
            Change("max_connections", "100", "200", True),
            "max_connections: 100 → 200, holds at the next start",
            "max_connections: 100 → 200, would hold at the next start",
        ),
        (
            Change("log_path", "", "/var/log/agroal.log", False),
            "log_path: nothing → /var/log/agroal.log, holds until the next reload or start",
            "log_path: nothing → /var/log/agroal.log, would hold until the next reload or start",
        ),
        (
            Change("port", "2345", "2345", True),
            "port: 2345 already, nothing changes",
            "port: 2345 already, nothing would change",
        ),
    ],
)
def test_a_change_reads(change: Change, line: str, dry: str) -> None:
    assert list(conf.text_change(change, dry_run=False)) == [line]
    assert list(conf.text_change(change, dry_run=True)) == [dry]


def test_the_files_are_read_anew() -> None:
    controls = FakeControls()
    assert asyncio.run(conf.reload(call(controls))) == controls.reloaded
    assert asyncio.run(conf.reload(call(controls, dry_run=True))) == controls.reloaded
    assert controls.done == [("reload",)]


@pytest.mark.parametrize(
    ("reloaded", "lines", "dry"),
    [
        (
            Reloaded(CHANGES, ("hugepage has no meaning here",)),
            [
                "1 change applied, 1 waits for a restart",
                "  key               change",
                "  blocking_timeout  10s → 20s",
                "  max_connections   100 → 200  waits for a restart",
                "notice: hugepage has no meaning here",
            ],
            "1 change would be applied, 1 would wait for a restart",
        ),
        (
            Reloaded(CHANGES[1:] * 2, ()),
            [
                "0 changes applied, 2 wait for a restart",
                "  key              change",
                "  max_connections  100 → 200  waits for a restart",
                "  max_connections  100 → 200  waits for a restart",
            ],
            "0 changes would be applied, 2 would wait for a restart",
        ),
        (
            Reloaded(CHANGES[:1], ()),
            ["1 change applied", "  key               change", "  blocking_timeout  10s → 20s"],
            "1 change would be applied",
        ),
        (
            Reloaded((), ()),
            ["the files were read: they say what is in force already"],
            "the files say what is in force already",
        ),
    ],
)
def test_a_reload_reads(reloaded: Reloaded, lines: list[str], dry: str) -> None:
    assert list(conf.text_reload(reloaded, dry_run=False)) == lines
    assert list(conf.text_reload(reloaded, dry_run=True)) == [dry, *lines[1:]]


def test_the_lines_of_the_databases_file_are_listed() -> None:
    aliases = asyncio.run(conf.alias(call()))
    assert aliases == conf.Aliases(ALIASES)
    assert list(conf.text_aliases(aliases)) == [
        "database  aliases          user  max  initial  min",
        "shop      store, boutique  web     1        0    0",
        "all       -                all    20        0    0",
    ]
