"""The command palette: every key of the main screen, and the pools by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from agroal_top import keymap
from agroal_top.views import actions
from agroal_top.views.clients import Scope

if TYPE_CHECKING:
    from agroal_top.screens.main import MainScreen


class Command(NamedTuple):
    title: str
    help: str
    run: Callable[[], object]


class Commands(Provider):
    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.title, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.title)) > 0:
                yield Hit(score, matcher.highlight(command.title), command.run, text=command.title, help=command.help)

    def _commands(self) -> Iterator[Command]:
        screen = cast("MainScreen", self.screen)
        for key in keymap.of(keymap.Where.MAIN, read_only=screen.top.read_only):
            yield Command(key.doc, f"key {key.label}", partial(screen.run_action, key.action))
        latest = screen.model.latest
        for pool in latest.pools if latest else ():
            name = f"{pool.database}/{pool.user}"
            scope = Scope(name, pool.database, pool.user)
            yield Command(f"slots of {name}", "pool", partial(screen.show_page, "slots", scope))
            yield Command(f"clients of {name}", "pool", partial(screen.show_page, "clients", scope))
        if not screen.top.read_only:
            yield from self._deeds(screen)

    def _deeds(self, screen: MainScreen) -> Iterator[Command]:
        latest = screen.model.latest
        for database in sorted({pool.database for pool in latest.pools} if latest else ()):
            target = actions.Target(database)
            for action in actions.menu(target, screen.instance, latest.status if latest else ""):
                if action.args:
                    yield Command(action.title, action.hint, partial(screen.carry_out, action))
