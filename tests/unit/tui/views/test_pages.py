"""Pools, slots, clients, waits, servers, security, status: what is said of a snapshot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agroal_top.model import Model
from agroal_top.views import clients, pools, security, servers, slots, status, waits
from agroal_top.views.clients import Scope
from agroal_top.views.slots import Grouping, Heat
from agroal_top.views.text import Tone, entry_at, plain

from tests.unit.tui.screens.scene import BOUNDS, snapshot


def fed(*seconds: int) -> Model:
    model = Model()
    for second in seconds:
        model.feed(snapshot(second), 100.0 + second)
    return model


def test_pools_that_hurt_come_first() -> None:
    listing = pools.listing(fed(0, 1))
    assert [row.key for row in listing.items] == [
        ("shop", "batch"), ("analytics", "bi"), ("shop", "web"), ("billing", "billing"),
    ]  # fmt: skip
    assert listing.arranged(None)[0].key == ("analytics", "bi")


def test_a_full_pool_is_red_and_a_rate_needs_two_snapshots() -> None:
    first, second = pools.rows(fed(0))[1], pools.rows(fed(0, 1))[1]
    use, leases = (pools.listing(fed(0)).column(id) for id in ("use", "leases"))
    assert use is not None
    assert leases is not None
    assert use.show(first).tone is Tone.ERROR
    assert leases.show(first).text == "–"
    assert leases.show(second).text == "5.0"


def test_a_failing_pool_says_why() -> None:
    row = next(row for row in pools.rows(fed(0, 1)) if row.pool.error)
    said = [plain(line) for line in pools.details(row, fed(0, 1), 10)]
    assert "4 connects failed in a row: connection refused" in said


def test_a_paused_pool_says_so_and_what_ends_it() -> None:
    row = pools.rows(fed(0, 1))[0]
    paused = replace(row, pool=replace(row.pool, enabled=True, paused=True))
    enabled = pools.listing(fed(0)).column("enabled")
    assert enabled is not None
    assert (enabled.show(paused).text, enabled.show(paused).tone) == ("PAU", Tone.WARN)
    assert [plain(line) for line in pools.details(paused, fed(0, 1), 10) if "held" in plain(line)] == [
        "paused: clients are held; R lets them go on"
    ]


def test_empty_seats_are_slots_too() -> None:
    (group,) = slots.groups(snapshot())
    assert len(group.cells) == 40
    assert [cell.id for cell in group.cells] == list(range(40))
    assert group.cells[39].look.glyph == "·"


def test_slots_are_grouped_with_the_empty_ones_last() -> None:
    titles = [group.title for group in slots.groups(snapshot(), Grouping.POOL)]
    assert titles == ["analytics/bi", "shop/batch", "shop/web", "not-init"]
    titles = [group.title for group in slots.groups(snapshot(), Grouping.SERVER)]
    assert titles == ["pg-a", "not-init"]


def test_heat_goes_from_least_to_most() -> None:
    (group,) = slots.groups(snapshot(1), Grouping.NUMBER, Heat.QUERIES)
    assert (group.cells[0].tone, group.cells[9].tone) == (Tone.DIM, Tone.ERROR)


def test_an_unknown_state_is_a_question_mark() -> None:
    now = snapshot()
    strange = replace(now, slots=(replace(now.slots[0], state="dreaming"),))
    assert slots.groups(strange)[0].cells[0].look.glyph == "?"


def test_the_legend_counts_the_states_that_occur() -> None:
    text = plain(slots.legend(snapshot(), ascii=True))
    assert ". not-init 30" in text
    assert "# in-use 2" in text


@pytest.mark.parametrize(("across", "lines"), [(10, 4), (20, 2), (40, 1), (30, 2)])
def test_the_grid_breaks_its_lines(across: int, lines: int) -> None:
    assert len(slots.lines(slots.groups(snapshot()), across)) == lines


def test_clients_of_one_pool() -> None:
    listing = clients.listing(snapshot(), scope=Scope("shop/web", "shop", "web"))
    assert {client.id for client in listing.items} == {8, 11}
    assert {client.id for client in clients.listing(snapshot(), hide_idle=True).items} == {7, 8, 9, 10, 12}


def test_a_client_says_what_it_waits_for_and_what_it_holds() -> None:
    now = snapshot()
    waiting = "\n".join(plain(line) for line in clients.details(now.clients[2], now))
    assert "number 1 in the queue of analytics/bi: limit" in waiting
    holding = "\n".join(plain(line) for line in clients.details(now.clients[0], now))
    assert "slot 0: analytics/bi on pg-a, backend pid 48000" in holding


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("limit", "limit analytics/bi 1/1 in use"),
        ("max_connections", "max_connections: 10/40 slots taken"),
        ("opening", "its connection is being opened"),
        ("validating", "its connection is being validated"),
        ("retry", "connecting failed: it is tried again"),
        ("paused", "the database is paused: R lets it go on"),
        ("connects", "too many connections are being opened at once"),
        ("something-new", "something-new"),
    ],
)
def test_each_reason_to_wait_has_its_words(reason: str, words: str) -> None:
    now = snapshot()
    assert waits.blocked_by(replace(now.waiters[0], reason=reason), now) == words


def test_the_histogram_joins_buckets_when_there_is_no_room() -> None:
    counts = (100, 10, 0, 1, 0, 0, 0)
    lines = [plain(line) for line in waits.histogram(BOUNDS, counts, 60, 7)]
    assert len(lines) == 7
    assert lines[0].strip().startswith("≤ 1 ms █")
    assert lines[0].endswith(" 100")
    short = [plain(line) for line in waits.histogram(BOUNDS, counts, 60, 2)]
    assert len(short) == 2
    assert sum(int(line.split()[-1]) for line in short) == 111


def test_a_server_that_is_down_says_why() -> None:
    lines = [plain(line) for line in servers.topology(snapshot())]
    assert lines == ["pg-a primary up", "  ├─ pg-b standby up  ", "  └─ pg-d unknown DOWN  connection refused"]
    assert [plain(line) for line in servers.topology(replace(snapshot(), servers=()))] == ["no primary is known"]


def test_certificates_are_judged_by_the_days_that_are_left() -> None:
    listing = security.certificates(snapshot())
    left = listing.column("left")
    assert left is not None
    shown = [left.show(certificate) for certificate in listing.items]
    assert [(part.text, part.tone) for part in shown] == [("8 d", Tone.ERROR), ("269 d", Tone.OK)]
    over = replace(snapshot().certificates[0], not_after="2020-01-01T00:00:00.000Z")
    assert left.show(over).text == "EXPIRED"
    assert left.show(replace(over, not_after="never")).text == "–"


VIEW = status.View("/run/.s.agroal.2346", read_only=False, interval=1.0, paused=False, now=100.0)


@pytest.mark.parametrize(
    ("source", "name"),
    [("/run/.s.agroal.2346", "agroal:2346"), ("/tmp/monday.agrec", "monday.agrec"), ("demo", "demo")],
)
def test_an_instance_has_a_name_that_can_be_typed(source: str, name: str) -> None:
    assert status.instance(source) == name


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_the_status_line_is_never_longer_than_the_screen(columns: int) -> None:
    assert len(plain(status.status_line(fed(0, 1), VIEW, columns))) <= columns


def test_a_click_hits_the_page_that_is_written_there() -> None:
    entries = status.navigation(fed(0), "overview", 80)
    line = "".join(plain(parts) for _, parts in entries)
    for name, short in (("pools", "Pool"), ("waits", "Wait"), ("config", "Conf")):
        assert entry_at(entries, line.index(short)) == name
    assert entry_at(entries, 500) == ""


def test_marks_say_where_to_look() -> None:
    assert set(status.attention(fed(0, 1))) == {"servers", "pools", "security", "config", "waits"}


def test_the_banner_counts_down() -> None:
    model = fed(0)
    model.lost("it hung up", 100.0, 104.0)
    assert plain(status.banner(model, VIEW)) == " ✗ LOST · try 2 in 4 s · r = now · data frozen · it hung up"
    model.lost("not let in", 100.0, None)
    assert "r = try again" in plain(status.banner(model, VIEW))


def test_rates_over_a_window_are_of_counters() -> None:
    rates = fed(0, 10).rates()
    assert rates is not None
    assert (rates.qps, rates.tps) == (1000, 200)
