"""The one screen, with the keys that change the daemon: first what would happen, then the question, then the deed."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType

from agroal_top import format, keymap
from agroal_top.screens.ask import Ask
from agroal_top.screens.choice import Choice, item_of
from agroal_top.screens.confirm import Confirm
from agroal_top.screens.replay import Replay
from agroal_top.source import Lost, Refused
from agroal_top.views import actions, record
from agroal_top.views.actions import Action, Tier
from agroal_top.views.status import instance
from agroal_top.widgets.live_table import LiveTable
from agroal_top.widgets.slot_grid import SlotGrid


class MainScreen(Replay):
    BINDINGS: ClassVar[list[BindingType]] = [
        *keymap.bindings(keymap.Where.MAIN),
        *keymap.bindings(keymap.Where.REPLAY),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Who may only look has no keys that act; while agroal is lost they are there, and grey."""
        if action in ("act", "actions"):
            if self.top.read_only:
                return False
            return True if self.model.state in ("live", "stale") else None
        if action in ("step", "skip", "speed", "seek", "mark"):
            return self.recording is not None
        if action == "record":
            return self.recordable is not None
        return True

    def action_actions(self) -> None:
        self._choose("actions", actions.menu(self.page.target(), self.instance, self._status))

    @on(LiveTable.MenuAsked)
    @on(SlotGrid.MenuAsked)
    def _show_menu(self) -> None:
        if self.check_action("actions", ()):
            self.action_actions()

    def action_act(self, kind: str) -> None:
        if kind == "set":
            self._set()
            return
        found = self._candidates(kind)
        if not found:
            self.app.notify("there is nothing under the cursor that this could be done to", markup=False)
        elif len(found) == 1:
            self.carry_out(found[0])
        else:
            self._choose(kind, found)

    def _set(self) -> None:
        """Asks for the value first; what is masked is not offered to be edited."""
        if (setting := self.page.target().setting) is None:
            self.app.notify("there is no parameter under the cursor: they are on the page Config", markup=False)
            return

        def said(value: str | None) -> None:
            if value is not None:
                self.carry_out(actions.conf_set(setting.key, value))

        value = "" if setting.value == actions.MASK else setting.value
        self.app.push_screen(Ask(f"set {setting.key}", setting.doc, value), said)

    def action_ping(self) -> None:
        self._ping()

    @property
    def instance(self) -> str:
        """What has to be typed to stop it."""
        return instance(self.top.source.name)

    @property
    def _status(self) -> str:
        return self.model.latest.status if self.model.latest else ""

    def _candidates(self, kind: str) -> list[Action]:
        target = self.page.target()
        match kind:
            case "flush":
                return [*(actions.flush(target.database) if target.database else []), *actions.flush(None)]
            case "enable" | "disable" if target.database is not None:
                return [actions.switch(kind, target.database)]
            case "pause" | "resume" | "reconnect":
                return [actions.pause(kind, name) for name in ([target.database] if target.database else []) + [None]]
            case "kill" if target.client is not None:
                return [actions.kill(target.client)]
            case "reload":
                return [actions.RELOAD]
            case "clear":
                return [actions.CLEAR]
            case "shutdown":
                return actions.shutdown(self.instance, self._status)
        return []

    def _choose(self, title: str, found: list[Action]) -> None:
        def chosen(number: int | None) -> None:
            if number is not None:
                self.carry_out(found[number])

        self.app.push_screen(Choice(title, [item_of(action) for action in found]), chosen)

    @work(group="command")
    async def carry_out(self, action: Action) -> None:
        """Asks what it would do, asks the user, does it once: nothing is tried again by itself."""
        would = await self._command(action, dry_run=True)
        if would is None:
            return
        action = actions.learnt(action, would)
        question = Confirm(action, actions.effects(action, would))
        if action.tier is not Tier.FREE and not await self.app.push_screen_wait(question):
            return
        did = await self._command(action, dry_run=False)
        if did is not None:
            said = " ".join(actions.effects(action, did)) or "done"
            self._remember(action, said, fine=True)
            self.app.notify(said, title=action.title, markup=False)

    async def _command(self, action: Action, *, dry_run: bool) -> Mapping[str, object] | None:
        """None when it did not work, which has been said by then."""
        key = None if dry_run else uuid.uuid4().hex
        try:
            return await asyncio.to_thread(self.top.source.command, action.verb, action.args, dry_run=dry_run, key=key)
        except (Refused, Lost) as error:
            if not dry_run:
                self._remember(action, str(error), fine=False)
            self.app.notify(str(error), title=action.title, severity="error", markup=False)
        return None

    def _remember(self, action: Action, outcome: str, *, fine: bool) -> None:
        wall = self.model.latest.wall if self.model.latest else ""
        done = record.Done(wall, actions.command_line(action), outcome, fine)
        self.top.done.append(done)
        if path := self.top.options.action_log:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "a", encoding="utf-8", opener=_for_its_owner) as file:
                    file.write(record.file_line(done))
            except OSError as error:
                self.app.notify(f"{path}: {error.strerror}", title="action log", severity="warning", markup=False)

    @work(group="ping", exclusive=True)
    async def _ping(self) -> None:
        try:
            result = await asyncio.to_thread(self.top.source.command, "ping", {}, dry_run=False, key=None)
        except (Refused, Lost) as error:
            self.app.notify(str(error), title="ping", severity="error", markup=False)
            return
        servers = result.get("servers")
        answers = [_pong(server) for server in servers] if isinstance(servers, list) else []
        self.app.notify("\n".join(answers) or "agroal is alive", title="ping", markup=False)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pong(server: Mapping[str, object]) -> str:
    name = actions.shown(server.get("name"))
    if not server.get("alive"):
        return f"{name}: {actions.shown(server.get('error'))}"
    rtt = server.get("rtt_us")
    return f"{name}: {format.duration(rtt if isinstance(rtt, int) else None)}"
