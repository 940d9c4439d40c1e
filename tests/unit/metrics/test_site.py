from __future__ import annotations

import asyncio
import re

import pytest

from agroal.metrics.exposition import Exposition, Format
from agroal.metrics.request import Request
from agroal.metrics.response import Response
from agroal.metrics.site import Site
from tests.unit.metrics.made import facts, parsed


def answer(path: str, accept: str = "", why_not: str | None = None) -> Response:
    async def why_not_ready() -> str | None:
        return why_not

    site = Site(Exposition(facts, lambda: 0, lambda: 0.0), why_not_ready)
    return asyncio.run(site.answer(Request("GET", path, accept)))


def test_the_metrics_come_in_the_format_that_is_asked_for() -> None:
    text, openmetrics = answer("/metrics"), answer("/metrics", "application/openmetrics-text")
    assert (text.status, text.kind) == (200, Format.TEXT.value)
    assert (openmetrics.status, openmetrics.kind) == (200, Format.OPENMETRICS.value)
    assert len(parsed(text.body.decode())) == len(parsed(openmetrics.body.decode(), Format.OPENMETRICS))


def test_it_is_alive_also_when_it_is_not_ready() -> None:
    response = answer("/healthz", why_not="no primary")
    assert (response.status, response.body) == (200, b"alive\n")


def test_it_is_ready_or_says_why_not() -> None:
    assert answer("/readyz").status == 200
    response = answer("/readyz", why_not="no primary")
    assert (response.status, response.body) == (503, b"not ready: no primary\n")


def test_the_first_page_leads_to_the_others() -> None:
    page = answer("/")
    assert page.kind.startswith("text/html")
    links = re.findall(rb'href="([^"]+)"', page.body)
    assert len(links) == 3
    assert [answer(link.decode()).status for link in links] == [200, 200, 200]


@pytest.mark.parametrize("path", ["/metrics/", "/Metrics", "//", "/favicon.ico", "/../etc/passwd"])
def test_there_is_nothing_else(path: str) -> None:
    response = answer(path)
    assert response.status == 404
    assert path.encode() not in response.body.replace(b"/metrics, ", b"").replace(b"//", b"")
