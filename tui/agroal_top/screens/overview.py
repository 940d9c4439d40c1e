"""Everything at a glance: indicators, three curves, the pools, the servers, what happened last."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from agroal_top.model import Model
from agroal_top.screens.page import Open, Page
from agroal_top.screens.pools import open_slots, pool_target
from agroal_top.views import overview, pools, servers, traffic
from agroal_top.views.actions import Target
from agroal_top.views.plot import top_of
from agroal_top.widgets.chart import Chart
from agroal_top.widgets.lines import Lines
from agroal_top.widgets.live_table import LiveTable


class OverviewPage(Page):
    page = "overview"

    def compose(self) -> ComposeResult:
        yield Lines(id="indicators")
        with Horizontal(id="curves"):
            for name in ("qps", "tps", "p95"):
                yield Chart(id=f"curve-{name}")
        with Horizontal(id="middle"):
            yield LiveTable(id="overview-pools", empty="no pool yet: no client has logged in")
            yield LiveTable(id="overview-servers")
        yield Lines(id="overview-events")

    def on_mount(self) -> None:
        self.titled("#overview-pools", "pools")
        self.titled("#overview-servers", "servers")
        self.titled("#overview-events", "events")

    def paint(self, model: Model) -> None:
        self.query_one("#indicators", Lines).show(overview.indicators(model, self.size.width))
        for curve in traffic.CURVES[:2]:
            traffic_into(self.query_one(f"#curve-{curve.series}", Chart), curve, model)
        traffic_into(self.query_one("#curve-p95", Chart), traffic.WAIT_95, model)
        self.query_one("#overview-pools", LiveTable).show(pools.listing(model))
        if model.latest is not None:
            self.query_one("#overview-servers", LiveTable).show(servers.listing(model.latest))
        events = self.query_one("#overview-events", Lines)
        events.show(overview.last_events(model, max(1, events.size.height)))

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        if message.table.id == "overview-pools":
            self.post_message(open_slots(message.item))
        else:
            self.post_message(Open("servers", key=message.item.name))

    def target(self) -> Target:
        table = self.query_one("#overview-pools", LiveTable)
        return pool_target(table.item)


def traffic_into(chart: Chart, curve: traffic.Curve, model: Model) -> None:
    """Draws one curve of the model."""
    points = model.series(curve.series, max(1, chart.room))
    last = next((point for point in reversed(points) if point is not None), None)
    chart.show(f"{curve.title} {curve.shown(last)}", points, curve.shown(top_of(points)), curve.tone)
