from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config.limits import ALL, read_limits
from agroal.config.report import Report
from agroal.config.settings import MOST_CONNECTIONS
from agroal.importing.bouncer_databases import ANY, Database, Host, Pool, User
from agroal.importing.bouncer_limits import MOST_LINES, Sizes
from agroal.importing.bouncer_settings import Main
from agroal.importing.findings import Findings, Outcome, Place
from agroal.importing.people import People
from tests.unit.importing.bringing import Bringer, sizes

PEOPLE = '"ann" "pencil"\n"bob" "md5aabbccddeeff00112233445566778899"\n'


def test_each_pair_of_a_database_and_a_known_user_has_a_line(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h pool_size=7\nblog = host=h", "default_pool_size = 5", people=PEOPLE)
    assert brought.limits == ["shop ann 7", "shop bob 7", "blog ann 5", "blog bob 5"]
    assert brought.configuration.settings.max_connections == sizes(brought) == 24


def test_a_database_whose_users_nobody_knows_has_one_line(bring: Bringer) -> None:
    assert bring.bouncer("shop = host=h").limits == ["shop all 20"]


def test_with_auth_query_there_is_a_line_for_those_who_are_not_known(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h", "auth_user = ann", people='"ann" "pencil"\n')
    assert brought.limits == ["shop ann 20", "shop all 20"]


def test_the_reserve_is_added(bring: Bringer) -> None:
    brought = bring.bouncer(
        "a = host=h reserve_pool=3\nb = host=h reserve_pool_size=4\nc = host=h", "reserve_pool_size=1"
    )
    assert brought.limits == ["a all 23", "b all 24", "c all 21"]


def test_a_bound_of_a_database_is_one_line_for_all_its_users(bring: Bringer) -> None:
    brought = bring.bouncer(
        "shop = host=h max_db_connections=9\nblog = host=h", "max_db_connections = 4", people=PEOPLE
    )
    assert brought.limits == ["shop all 9", "blog all 4"]


def test_a_bound_of_a_user_is_one_line_for_all_databases(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h\nblog = host=h", people=PEOPLE, users="ann = max_user_connections=6")
    assert brought.limits == ["shop bob 20", "blog bob 20", "all ann 6"]
    everybody = bring.bouncer("shop = host=h", "max_user_connections = 3", people=PEOPLE, force=True)
    assert everybody.limits == ["all ann 3", "all bob 3"]


def test_a_user_has_sizes_and_modes_of_its_own(bring: Bringer) -> None:
    brought = bring.bouncer(
        "shop = host=h pool_size=7", "pool_mode=transaction", people=PEOPLE, users="bob = pool_size=2 pool_mode=session"
    )
    assert brought.limits == ["shop ann 7", "shop bob 2 pipeline=session"]


def test_connections_are_kept_open_for_whom_agroal_can_log_in(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h", "min_pool_size = 2", people=PEOPLE)
    assert brought.limits == ["shop ann 20 2 2", "shop bob 20"]
    assert brought.human("min_pool_size of shop", "bob's password is not known")


def test_other_names_are_aliases(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h dbname=shop_v2 pool_size=5")
    assert brought.limits == ["shop_v2=shop all 5"]
    assert brought.configuration.alias("shop") == "shop_v2"


def test_names_of_one_database_share_the_sum(bring: Bringer) -> None:
    brought = bring.bouncer("web = host=h dbname=shop pool_size=5\nbatch = host=h dbname=shop pool_size=3")
    assert brought.limits == ["shop=web,batch all 8"]
    assert brought.said("web, batch are one database")


def test_names_of_one_database_with_different_modes_are_in_session(bring: Bringer) -> None:
    brought = bring.bouncer(
        "web = host=h dbname=shop\nbatch = host=h dbname=shop pool_mode=session", "pool_mode=transaction"
    )
    assert brought.limits == ["shop=web,batch all 40 pipeline=session"]
    assert brought.human("different pool modes")


def test_databases_that_have_each_others_names_cannot_be_told_apart(bring: Bringer) -> None:
    brought = bring.bouncer("a = host=h dbname=b\nb = host=h dbname=a")
    assert brought.limits == ["b all 20", "a all 20"]
    assert brought.human("another database's real name")


def test_more_aliases_than_a_line_has_room_for_are_told(bring: Bringer) -> None:
    brought = bring.bouncer("\n".join(f"name{n} = host=h dbname=shop" for n in range(10)))
    assert brought.limits == ["shop=name0,name1,name2,name3,name4,name5,name6,name7 all 200"]
    assert len(brought.human("Clients have to ask for shop")) == 2


def test_an_alias_has_a_line_even_where_all_users_have_bounds(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h dbname=shop_v2", "max_user_connections = 3", people='"ann" "pencil"\n')
    assert brought.limits == ["all ann 3", "shop_v2=shop all 20"]


def test_every_other_database_is_a_line_at_the_end(bring: Bringer) -> None:
    brought = bring.bouncer("* = host=h pool_size=4\nshop = host=h", people=PEOPLE)
    assert brought.limits == ["shop ann 20", "shop bob 20", "all all 8"]
    assert brought.said("all databases without a line share 8")


def test_a_user_of_a_connection_string_has_the_pool(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h user=app password=x min_pool_size=1 pool_size=3", people=PEOPLE)
    assert brought.limits == ["shop app 3 1 1"]
    assert brought.human("user=app", "clients have to come in as this one")
    assert "app" in brought.secrets.users


def test_many_pairs_become_one_line_for_each_database(bring: Bringer) -> None:
    people = "".join(f'"user{n}" "x{n}"\n' for n in range(MOST_LINES // 2 + 1))
    brought = bring.bouncer("shop = host=h pool_size=1\nblog = host=h pool_size=2", people=people)
    assert brought.limits == ["shop all 51", "blog all 102"]


def test_more_connections_than_agroal_can_have_are_lowered_and_told(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=h pool_size=900000\nblog = host=h pool_size=100000\ntiny = host=h pool_size=1")
    assert sizes(brought) <= MOST_CONNECTIONS
    assert all(limit.max_size >= 1 for limit in brought.configuration.limits)
    assert brought.human("add up to 1000001 connections")


NAMES = st.sampled_from(["shop", "blog", "a b", 'q"q', "x=y,z", "#", "ö", "pgbouncer"])
POOLS = st.builds(
    Pool,
    st.none() | st.integers(0, 100_000),
    st.none() | st.integers(0, 100),
    st.sampled_from([None, "session", "transaction"]),
    st.none() | st.integers(1, 10_000),
)
DATABASES = st.builds(
    Database,
    name=NAMES | st.just(ANY),
    real=NAMES,
    at=st.just(Host("h", 5432)),
    pool=POOLS,
    least=st.integers(0, 50),
    user=st.sampled_from(["", "", "app", "ann", ALL]),
    password=st.just(""),
    auth_user=st.just(""),
    place=st.just(Place("p.ini", 1)),
)
USERS = st.lists(st.builds(User, st.sampled_from(["ann", "bob", "a,b", ALL]), POOLS, st.just(Place("p.ini", 2))))


@given(
    st.lists(DATABASES, min_size=1, max_size=8, unique_by=lambda database: database.name),
    USERS,
    st.sets(st.sampled_from(["ann", "bob", "a,b", "c d", ALL])),
    st.booleans(),
)
def test_whatever_the_sizes_are_agroal_can_load_the_lines(
    databases: list[Database], users: list[User], known: set[str], strangers: bool
) -> None:
    findings = Findings()
    people = People(dict.fromkeys(known, "pencil"))
    made = Sizes(Main({}, "p.ini", findings), databases, {user.name: user for user in users}, people, strangers)
    text = "\n".join(limit.line().text for limit in made.lines())
    report = Report("agroal_databases.conf")
    limits = read_limits(text, report, MOST_CONNECTIONS)
    assert report.problems == []
    for database in databases:
        if database.name == ANY or findings_about(findings, database):
            continue
        names = {limit.database for limit in limits} | {alias for limit in limits for alias in limit.aliases}
        reachable = ALL in names or database.name in names
        assert reachable, "no line is about the database, under this name"


def findings_about(findings: Findings, database: Database) -> bool:
    """Somebody has been told that this name is no more."""
    told = [finding for finding in findings.of(Outcome.HUMAN) if finding.what == f"database {database.name!r}"]
    return bool(told) or database.user == ALL


@pytest.mark.parametrize("mode", ["session", "transaction", "statement", ""])
def test_a_line_names_its_pipeline_only_where_it_is_another(bring: Bringer, mode: str) -> None:
    brought = bring.bouncer(f"shop = host=h pool_mode={mode or 'session'}", f"pool_mode = {mode}")
    assert brought.limits == ["shop all 20"]
