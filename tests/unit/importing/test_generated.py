"""Whatever a pgbouncer.ini says, what is written loads without an error, and lets nobody in whom PgBouncer kept out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agroal.config.model import Method
from agroal.errors import ConfigurationError
from agroal.importing.bouncer_keys import DATABASES, MAIN, USERS, Key
from tests.unit.importing.bringing import Bringer

WORDS = """
0 1 2 20 99999999 3.5 -1 on session transaction statement md5 hba trust scram-sha-256 cert any require verify-ca prefer
disable * ann 10.0.0.1,10.0.0.2 tlsv1.3 HIGH $HOME ünï
"""
VALUES = st.sampled_from(
    [*WORDS.split(), "", "ann, bob", "a b", "'x'", '"quoted"', "a # b", "select 1", "DISCARD ALL", "'", '"']
)
NAMES = st.sampled_from(["shop", "blog", "all", "*", "postgres", "a b", 'q"q', "x=y", "admin", "ünï", "sameuser"])
HOSTS = st.sampled_from(["", "h", "10.0.0.5", "::1", "/tmp", "h,g", "@abstract"])
SKIPPED = ("auth_file", "auth_hba_file", "auth_ident_file", "unix_socket_dir")
"""They name what is on this machine."""


def pairs(keys: tuple[Key, ...]) -> st.SearchStrategy[str]:
    names = st.sampled_from([key.name for key in keys])
    quoted = VALUES.filter(bool).map(lambda value: "'" + value.replace("'", "''") + "'")
    return st.lists(st.tuples(names, quoted), max_size=4).map(lambda found: " ".join(f"{k}={v}" for k, v in found))


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def database_line(name: str, host: str, rest: str) -> str:
    return f"{quote(name)} = " + (f"host={host} " if host else "") + rest


DATABASE_LINES = st.builds(database_line, NAMES, HOSTS, pairs(DATABASES))
USER_LINES = st.builds(lambda name, rest: f"{quote(name)} = {rest}", NAMES, pairs(USERS))
MAIN_LINES = st.builds(
    lambda key, value: f"{key.name} = {value}",
    st.sampled_from([key for key in MAIN if key.name not in SKIPPED and not key.name.endswith("_file")]),
    VALUES,
)
SECRETS = st.sampled_from(["pencil", "", "md5aabbccddeeff00112233445566778899", "x y", 'q"', "ünï"])
PEOPLE = st.dictionaries(NAMES, SECRETS, max_size=4).map(
    lambda people: "".join(f"{quote(name)} {quote(secret)}\n" for name, secret in people.items())
)
COLUMNS = """
local host hostssl all shop "a ann 10.0.0.0/8 10.0.0.0 255.0.0.0 ::/0 samenet md5 trust reject peer ldap cert map=m +grp
@file example.com " #
"""
HBA = st.lists(st.lists(st.sampled_from(COLUMNS.split()), max_size=7).map(" ".join), max_size=6).map("\n".join)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(DATABASE_LINES, max_size=6),
    st.lists(USER_LINES, max_size=3),
    st.lists(MAIN_LINES, max_size=12),
    PEOPLE,
    HBA,
)
def test_what_is_written_loads_without_an_error(
    databases: list[str], users: list[str], main: list[str], people: str, hba: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="ag") as folder:
        bring = Bringer(Path(folder))
        keys = "\n".join([*main, "auth_hba_file = x.hba"])
        try:
            brought = bring.bouncer("\n".join(databases), keys, people=people, users="\n".join(users), x_hba=hba)
        except ConfigurationError as error:
            assert "names no database" in str(error)  # noqa: PT017
            return
        assert brought.human("agroal --check") == []
        hosts = {Path(file).parent.name for file in brought.imported.files}
        for name in hosts:
            configuration, secrets = brought.load(name)
            assert configuration.limits
            assert secrets.users.keys() <= {"app", *named(people), *given_users(databases)}
            if "auth_type = trust" not in keys and "auth_type = any" not in keys and "trust" not in hba:
                assert not [line for line in configuration.hba if line.method is Method.TRUST]


def named(people: str) -> set[str]:
    return {line.split('" "')[0].removeprefix('"').replace('""', '"') for line in people.splitlines()}


def given_users(databases: list[str]) -> set[str]:
    """Those that may stand behind `user=`."""
    return {"0", "1", "2"} | {part for line in databases for part in line.replace("''", "'").split("'")}
