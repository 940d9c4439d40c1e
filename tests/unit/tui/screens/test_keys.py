"""What the keys do to the view."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agroal_top import keymap
from agroal_top.keymap import PAGES, Where
from agroal_top.screens.choice import Choice
from agroal_top.screens.clients import ClientsPage
from agroal_top.screens.details import Details
from agroal_top.screens.help import Help
from agroal_top.screens.slots import SlotsPage
from agroal_top.views.slots import Grouping, Heat
from agroal_top.widgets.live_table import LiveTable
from agroal_top.widgets.slot_grid import SlotGrid

from tests.unit.tui.screens.scene import FakeSource, Scene, play, snapshot


def test_a_digit_opens_its_page() -> None:
    async def scenario(scene: Scene) -> None:
        for number, (name, _, _) in enumerate(PAGES, start=1):
            await scene.press(str(number % 10))
            assert scene.app.main.current == name

    play(scenario)


def test_brackets_turn_the_pages_round() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("left_square_bracket")
        assert scene.app.main.current == "config"
        await scene.press("right_square_bracket", "right_square_bracket")
        assert scene.app.main.current == "pools"

    play(scenario)


def test_brackets_change_the_window_where_there_is_one() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("6", "right_square_bracket")
        assert scene.app.main.current == "waits"
        assert scene.app.model.window == 300
        await scene.press("left_square_bracket", "left_square_bracket")
        assert scene.app.model.window == 60

    play(scenario)


def test_enter_leads_from_a_pool_to_its_slots_to_the_client_and_escape_back() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "enter")
        page = scene.app.main.query_one(SlotsPage)
        assert page.scope is not None
        assert page.scope.title == "analytics/bi"
        bright = [cell.id for group in page.query_one(SlotGrid)._groups for cell in group.cells if cell.bright]
        assert bright == [0]
        await scene.press("enter")
        assert scene.app.main.current == "clients"
        assert scene.app.main.query_one(ClientsPage).query_one(LiveTable).cursor_key == 7
        await scene.press("enter")
        assert isinstance(scene.app.screen, Details)
        await scene.see("bi@analytics")
        await scene.press("escape", "escape")
        assert scene.app.main.current == "slots"
        assert page.scope is not None
        await scene.press("escape")
        assert scene.app.main.current == "pools"
        assert page.query_one(SlotGrid).cursor_id == 0

    play(scenario)


def test_a_waiter_leads_to_the_client() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("6", "enter")
        assert scene.app.main.current == "clients"
        assert scene.app.main.query_one(ClientsPage).query_one(LiveTable).item.id == 9

    play(scenario)


def test_the_cursor_stays_on_its_pool_whatever_the_order() -> None:
    async def scenario(scene: Scene) -> None:
        table = scene.app.main.query_one("#pools-table", LiveTable)
        await scene.press("2", "down")
        on = table.cursor_key
        await scene.press("greater_than_sign", "r", "greater_than_sign")
        await scene.hear(snapshot(3))
        assert table.cursor_key == on
        assert (table.item.pool.database, table.item.pool.user) == on

    play(scenario)


def test_a_filter_works_while_it_is_typed_and_escape_takes_it_back() -> None:
    async def scenario(scene: Scene) -> None:
        table = scene.app.main.query_one("#clients-table", LiveTable)
        await scene.press("4", "slash", *"state=waiting")
        await scene.until(lambda: {client.id for client in table.items} == {9, 10})
        await scene.press("enter")
        assert table.has_focus
        await scene.see("state=waiting")
        await scene.hear(snapshot(3))
        assert {client.id for client in table.items} == {9, 10}
        await scene.press("escape")
        assert len(table.items) == 6

    play(scenario)


def test_a_filter_that_is_none_says_why_and_hides_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "slash", *"nosuch>3")
        await scene.see("no column is called")
        assert len(scene.app.main.query_one("#clients-table", LiveTable).items) == 6

    play(scenario, size=(160, 24))


def test_a_filter_of_slots_dims_the_others() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("3", "slash", *"state:in-use", "enter")
        grid = scene.app.main.query_one(SlotGrid)
        await scene.until(lambda: [cell.id for group in grid._groups for cell in group.cells if cell.bright] == [0, 1])

    play(scenario)


def test_pause_stops_the_picture_and_not_the_counting() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "space")
        await scene.see("PAUSED")
        before = scene.text().splitlines()[3:]
        await scene.hear(snapshot(30))
        assert scene.text().splitlines()[3:] == before
        assert scene.app.model.latest == snapshot(30)
        await scene.press("space")
        await scene.until(lambda: scene.text().splitlines()[2:] != before)

    play(scenario)


def test_plus_and_minus_change_the_interval_within_bounds() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("plus")
        assert (scene.app.poller.interval, scene.app.model.interval) == (2.0, 2.0)
        await scene.press(*["minus"] * 9)
        assert scene.app.poller.interval == 0.2
        await scene.press(*["plus"] * 20)
        assert scene.app.poller.interval == 60.0

    play(scenario)


def test_i_hides_clients_that_do_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        table = scene.app.main.query_one("#clients-table", LiveTable)
        await scene.press("4", "i")
        assert 11 not in [client.id for client in table.items]
        assert 9 in [client.id for client in table.items]
        await scene.press("i")
        assert len(table.items) == 6

    play(scenario)


def test_b_and_h_change_how_slots_are_shown() -> None:
    async def scenario(scene: Scene) -> None:
        page = scene.app.main.query_one(SlotsPage)
        await scene.press("3", "b", "h")
        assert (page.grouping, page.heat) == (Grouping.POOL, Heat.AGE)
        await scene.see("shop/web (6)")

    play(scenario, size=(120, 36))


def test_h_turns_to_other_curves() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("7", "h")
        await scene.see("slots in use 3")

    play(scenario)


def test_y_copies_the_object() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "y")
        assert scene.app.clipboard.split("\t")[:2] == ["analytics", "bi"]

    play(scenario)


def test_m_gives_a_panel_the_whole_page_and_takes_it_back() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("1", "m")
        assert scene.app.main.maximized is not None
        await scene.press("escape")
        assert scene.app.main.maximized is None

    play(scenario)


def test_help_lists_the_keys_of_the_page() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("3", "question_mark")
        assert isinstance(scene.app.screen, Help)
        await scene.see("the client behind the slot")
        await scene.press("escape")
        assert scene.app.screen is scene.app.main

    play(scenario)


def test_q_leaves_with_status_0() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("q")
        assert scene.app.return_value == 0

    play(scenario)


def test_the_palette_goes_to_a_pool_by_its_name() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("colon", *"slots of analytics")
        await scene.until(lambda: "slots of analytics/bi" in scene.text())
        await scene.pilot.pause(0.3)
        await scene.press("enter")
        await scene.until(lambda: scene.app.main.current == "slots")

    play(scenario)


def test_a_click_on_a_page_opens_it_and_one_on_a_heading_sorts() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.pilot.click("#navigation", offset=(9, 0))
        await scene.pilot.pause()
        assert scene.app.main.current == "pools"
        table = scene.app.main.query_one("#pools-table", LiveTable)
        await scene.pilot.click("#pools-table", offset=(3, 0))
        assert table.order == ("database", False)
        await scene.pilot.click("#pools-table", offset=(3, 0))
        assert table.order == ("database", True)

    play(scenario)


def test_a_click_in_the_footer_does_what_the_key_does() -> None:
    async def scenario(scene: Scene) -> None:
        at = scene.text().splitlines()[-1].index("Pause")
        await scene.pilot.click("#footer", offset=(at, 0))
        await scene.see("PAUSED")

    play(scenario)


def test_the_right_button_asks_what_can_be_done_with_a_slot() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("3")
        await scene.pilot.click("#grid", offset=(9, 0), button=3)
        await scene.until(lambda: isinstance(scene.app.screen, Choice))
        await scene.see("Kill client 8")

    play(scenario)


def test_help_is_of_what_has_the_focus() -> None:
    async def scenario(scene: Scene) -> None:
        for key, expected in (("9", [Where.TABLE, Where.LOG]), ("3", [Where.GRID]), ("7", [])):
            await scene.press(key)
            assert scene.app.main.listeners() == expected

    play(scenario)


def test_a_page_is_seen_though_a_panel_of_another_had_it_all() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "m", "5")
        await scene.see("pg-b")

    play(scenario)


def test_a_page_without_a_table_takes_no_filter_and_goes_on() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("7", "slash", "x")
        await scene.see("there is no table on this page")
        await scene.press("escape")
        assert not scene.app.main.page.filter

    play(scenario, size=(120, 36))


def test_a_terminal_that_is_too_small_says_so_and_comes_back() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.pilot.resize_terminal(50, 10)
        await scene.see("50×10 is too small")
        await scene.pilot.resize_terminal(100, 30)
        await scene.see("analytics")

    play(scenario)


def test_every_size_is_drawn() -> None:
    async def scenario(scene: Scene) -> None:
        for size in ((200, 60), (61, 16), (99, 29), (100, 30), (159, 47), (160, 48), (80, 24)):
            await scene.pilot.resize_terminal(*size)
            await scene.pilot.pause()
            assert "agroal-top" in scene.text()

    play(scenario)


def test_keys_that_act_are_capitals_but_for_the_menu() -> None:
    acting = [key.keys for key in keymap.of(*Where) if key.acts]
    assert [key for key in acting if not key.isupper()] == ["a"]
    assert {key.keys for key in keymap.of(*Where) if key.keys.isupper()} - set(acting) == {"N", "T"}


@pytest.mark.parametrize("where", Where)
def test_no_key_is_declared_twice(where: Where) -> None:
    keys = [key for one in keymap.of(where) for key in one.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_a_daemon_without_pools_is_shown_too() -> None:

    empty = replace(snapshot(), pools=(), slots=(), clients=(), waiters=(), servers=(), authentication_failures=())

    async def scenario(scene: Scene) -> None:
        for key in "2345678901":
            await scene.press(key, "enter", "escape")
        await scene.see("no pool yet")

    play(scenario, FakeSource(), snapshots=(empty,))
