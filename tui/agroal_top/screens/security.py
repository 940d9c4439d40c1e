"""Refused logins and certificates."""

from __future__ import annotations

from textual.app import ComposeResult

from agroal_top.model import Model
from agroal_top.screens.page import Page
from agroal_top.views import security
from agroal_top.widgets.lines import Lines
from agroal_top.widgets.live_table import LiveTable


class SecurityPage(Page):
    page = "security"

    def compose(self) -> ComposeResult:
        yield Lines(id="security-summary")
        yield LiveTable(id="failures", empty="nobody was refused")
        yield LiveTable(id="certificates", empty="no certificate is in use")

    def on_mount(self) -> None:
        self.titled("#failures", "refused logins")
        self.titled("#certificates", "certificates")

    def paint(self, model: Model) -> None:
        if (latest := model.latest) is None:
            return
        self.query_one("#security-summary", Lines).show([security.summary(latest, model.rates())])
        self.query_one("#failures", LiveTable).show(security.failures(latest))
        self.query_one("#certificates", LiveTable).show(security.certificates(latest))
