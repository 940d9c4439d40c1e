"""What is shipped for Prometheus and Grafana uses only what can be scraped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agroal.metrics.family import Kind
from agroal.metrics.table import FAMILIES
from tests.unit.metrics.made import everything, parsed, scrape

CONF = Path(__file__).parents[3] / "conf"
RULES = (CONF / "prometheus" / "agroal.rules.yml").read_text("utf-8")
DASHBOARD = json.loads((CONF / "grafana" / "agroal.json").read_text("utf-8"))
_NAME = re.compile(r"\b(?:agroal|process)_[a-z_]+\b")
_SELECTOR = re.compile(r"\b((?:agroal|process)_[a-z_]+)\{([^}]*)\}")
OF_THE_SCRAPE = {"job", "instance"}
"""Labels that Prometheus adds."""


def series() -> dict[str, set[str]]:
    """The name of every series that a scrape can have, and its labels."""
    return {
        sample.name: set(sample.labels) for metric in parsed(scrape(given=everything())) for sample in metric.samples
    }


def panels() -> Iterator[dict[str, Any]]:
    return (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def queries() -> list[str]:
    """Of the dashboard: those of its panels and of its variables."""
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return shown + [v["query"]["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]


def rules() -> list[str]:
    """The expressions, some of which go on in the next line."""
    return re.findall(r"expr: (?:>-\n\s+)?(.+)", RULES)


@pytest.mark.parametrize("text", [*rules(), *queries()], ids=lambda text: str(text)[:40])
def test_every_name_is_that_of_a_series(text: str) -> None:
    names = set(_NAME.findall(text))
    assert names or text.startswith("up{"), "which Prometheus makes itself"
    assert names <= series().keys()


@pytest.mark.parametrize("query", [*rules(), *queries()], ids=lambda text: str(text)[:40])
def test_every_label_is_one_of_that_series(query: str) -> None:
    known = series()
    for name, selector in _SELECTOR.findall(query):
        assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= known[name] | OF_THE_SCRAPE
    names = _NAME.findall(query)
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
    assert grouped <= OF_THE_SCRAPE.union(*(known[name] for name in names))


@pytest.mark.parametrize("query", [*rules(), *queries()], ids=lambda text: str(text)[:40])
def test_totals_are_asked_for_their_rate_and_gauges_are_not(query: str) -> None:
    grow = {f.name for f in FAMILIES if f.kind in (Kind.COUNTER, Kind.TOTAL)}
    grow |= {f"{f.name}_bucket" for f in FAMILIES if f.kind is Kind.HISTOGRAM}
    for name in re.findall(r"agroal_(\w+)", query):
        rated = re.search(rf"(rate|increase)\(agroal_{name}\b", query) is not None
        assert rated is (name in grow), name


def test_every_alert_says_how_grave_it_is_and_what_it_means() -> None:
    alerts = RULES.split("- alert: ")[1:]
    assert len(alerts) == len(rules()) > 10
    for alert in alerts:
        assert re.search(r"severity: (critical|warning|info)\b", alert), alert
        assert "summary:" in alert, alert


def test_the_dashboard_has_no_two_panels_in_one_place() -> None:
    places = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_the_dashboard_shows_whichever_data_source_is_chosen() -> None:
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}


def test_the_metrics_that_operators_ask_for_are_on_the_dashboard() -> None:
    shown = set(_NAME.findall("\n".join(queries())))
    assert shown >= {
        *("agroal_pool_wait_seconds_bucket", "agroal_pool_connect_seconds_bucket", "agroal_pool_lease_seconds_bucket"),
        *("agroal_pool_query_seconds_bucket", "agroal_pool_transaction_seconds_bucket", "agroal_oldest_wait_seconds"),
        *("agroal_handovers_verified_total", "agroal_handovers_refused_total", "agroal_pins_total"),
        *("agroal_authentications_total", "agroal_client_tls", "agroal_network_sent", "agroal_server_up"),
        *("agroal_server_round_trip_seconds", "agroal_loop_lag_seconds_bucket", "process_open_fds"),
    }
