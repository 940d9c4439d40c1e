"""Metrics of a daemon that is imagined, read back by prometheus-client's own parsers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from agroal.management.snapshot import Snapshot
from agroal.metrics.exposition import Exposition, Format
from agroal.metrics.family import Family, Kind
from agroal.metrics.seen import Facts, Names, Seen, Sort
from agroal.pool.limits import Limit
from tests.unit.management import sample

LIMIT = Limit("shop", (), "web", 3, 2, 1, "agroal_databases.conf:3")

Labels = tuple[str, ...]


def facts(snapshot: Snapshot | None = None, **changes: object) -> Facts:
    """The daemon of the sample; one line in its databases file, pg-a is the primary."""
    taken = snapshot or sample.snapshot()
    clients = Counter(Sort(client.state, client.tls, client.slot is not None) for client in taken.clients)
    known: dict[str, object] = {"limits": (LIMIT,), "primary": "pg-a", "clients": clients, **changes}
    return Facts(taken, **known)  # type: ignore[arg-type]


def seen(snapshot: Snapshot | None = None, **changes: object) -> Seen:
    return Names().see(facts(snapshot, **changes))


def rows(families: Iterable[Family], name: str, of: Seen | None = None) -> dict[Labels, object]:
    """What one of these metrics shows of the sample, or of something else; by the values of its labels."""
    (family,) = [family for family in families if family.name == name]
    found = [*family.read(of or seen())]
    assert all(len(labels) == len(family.labels) for labels, _ in found)
    assert len(dict(found)) == len(found), "no labels twice"
    return dict(found)


def scrape(wanted: Format = Format.TEXT, given: Facts | None = None) -> str:
    exposition = Exposition(lambda: given or facts(), lambda: 0, lambda: 0.0)
    return asyncio.run(exposition.render(wanted)).decode()


def parsed(text: str, wanted: Format = Format.TEXT) -> list[Metric]:
    return list(read_text(text) if wanted is Format.TEXT else read_openmetrics(text))  # type: ignore[no-untyped-call]


def everything() -> Facts:
    """A daemon of which all is known that can be."""
    pool = replace(sample.POOL, database="billing", user="batch")
    return facts(sample.snapshot(pools=(sample.POOL, pool)))


__all__ = ["LIMIT", "Kind", "everything", "facts", "parsed", "rows", "scrape", "seen"]
