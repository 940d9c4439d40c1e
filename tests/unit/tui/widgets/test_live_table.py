"""The table under a cursor that stays on its object."""

from __future__ import annotations

from dataclasses import replace

from agroal_top.widgets.live_table import LiveTable

from agroal.management.snapshot import Snapshot
from tests.unit.tui.screens.scene import Scene, play, snapshot

MANY = 10_000


def crowd(seconds: int) -> Snapshot:
    now = snapshot(seconds)
    one = now.clients[0]
    clients = tuple(replace(one, id=id, since_us=one.since_us + id, slot=None) for id in range(MANY))
    return replace(now, clients=clients)


def test_ten_thousand_clients_are_walked_through() -> None:
    async def scenario(scene: Scene) -> None:
        table = scene.app.main.query_one("#clients-table", LiveTable)
        await scene.press("4")
        assert len(table.items) == MANY
        await scene.press("end")
        assert table.item.id == MANY - 1
        await scene.hear(crowd(3))
        assert table.item.id == MANY - 1
        await scene.press("home", "down", "pagedown")
        assert table.item.id == 1 + table.size.height - 2

    play(scenario, snapshots=(crowd(0), crowd(1)))


def test_a_row_that_is_gone_leaves_the_cursor_where_it_was() -> None:
    async def scenario(scene: Scene) -> None:
        table = scene.app.main.query_one("#clients-table", LiveTable)
        await scene.press("4", "down", "down")
        gone = table.item
        now = snapshot(3)
        await scene.hear(replace(now, clients=tuple(client for client in now.clients if client.id != gone.id)))
        assert table.item is not None
        assert table.item.id != gone.id
        assert table.items.index(table.item) == 2

    play(scenario)


def test_a_row_that_was_filtered_out_can_not_be_acted_upon() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "slash", *"nobodyatall", "enter")
        await scene.press("K")
        assert scene.source.asked == []
        assert "there is nothing under the cursor" in scene.notes[-1]

    play(scenario)
