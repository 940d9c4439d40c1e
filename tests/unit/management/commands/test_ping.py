from __future__ import annotations

import asyncio
from dataclasses import replace

from agroal.management.commands import ping
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import ALIVE, DOWN


def test_ping_asks_every_server() -> None:
    answer = asyncio.run(ping.execute(Call(FakeControls(), Role.MONITOR)))
    assert answer == ping.Ping("0.1.0", (ALIVE, DOWN))


def test_ping_reads() -> None:
    silent = replace(DOWN, name="pg-c", error=None)
    assert list(ping.text(ping.Ping("0.1.0", (ALIVE, DOWN, silent)))) == [
        "agroal 0.1.0 is alive",
        "server  address         role     state                     answered in",
        "pg-a    127.0.0.1:5432  primary  alive                     0.4 ms",
        "pg-b    127.0.0.2:5432  standby  down: connection refused  -",
        "pg-c    127.0.0.2:5432  standby  down                      -",
    ]


def test_all_is_fine_when_every_server_answers() -> None:
    assert ping.all_alive(ping.Ping("0.1.0", (ALIVE, ALIVE)))
    assert ping.all_alive(ping.Ping("0.1.0", ()))
    assert not ping.all_alive(ping.Ping("0.1.0", (ALIVE, DOWN)))
