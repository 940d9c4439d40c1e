"""A screen as text for people, as JSON or CSV for programs.

In text, values are rounded and have units. JSON and CSV have them as they are: whole microseconds, octets, rates per
second. A rate that is not known yet, because there is but one snapshot, is `-`, null, or nothing.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

from agroal.management.client import block, table, width
from agroal_top import format
from agroal_top.tables import Shape, Sight, Table, Value, screen

FORMATS = ("text", "json", "csv")


def exported(name: str, sight: Sight, format: str, *, whole: bool = False) -> str:
    """A screen of `tables.SCREENS` in one of FORMATS, ending in a line end. JSON is one line.

    `whole`: the JSON has the snapshot as the daemon gave it, too.
    """
    tables = screen(name, sight)
    match format:
        case "text":
            return "\n".join("".join(f"{line}\n" for line in _text(table)) for table in tables if table.rows)
        case "csv":
            return "\n".join(map(_csv, tables))
    return json.dumps(_document(name, sight, tables, whole)) + "\n"


def _document(name: str, sight: Sight, tables: tuple[Table, ...], whole: bool) -> dict[str, Any]:
    snapshot = sight.model.latest
    assert snapshot, "a screen is made after the first snapshot"
    head = {"screen": name, "instance_id": snapshot.instance_id, "version": snapshot.version, "wall": snapshot.wall}
    rows = {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables}
    rest = {"snapshot": snapshot.to_json()} if whole else {}
    return {**head, "status": snapshot.status, "degraded": sight.model.degraded, **rows, **rest}


def _csv(table: Table) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([str(cell).lower() if isinstance(cell, bool) else cell for cell in row] for row in table.rows)
    return out.getvalue()


def _text(of: Table) -> Iterator[str]:
    shapes = [*of.columns.values()]
    rows = [[_shown(cell, shape) for cell, shape in zip(row, shapes, strict=True)] for row in of.rows]
    heads = [_head(name) for name in of.columns]
    if of.single:
        return block([*zip(heads, rows[0], strict=True)])
    for at, shape in enumerate(shapes):
        if shape is not Shape.TEXT:
            column = [heads[at], *(row[at] for row in rows)]
            widest = max(map(width, column))
            heads[at], *cells = (text.rjust(widest) for text in column)
            for row, cell in zip(rows, cells, strict=True):
                row[at] = cell
    return table(heads, rows)


def _shown(value: Value, shape: Shape) -> str:
    if value is None or value == "":
        return format.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    match shape:
        case Shape.DURATION:
            return format.duration(value, 8)
        case Shape.AMOUNT:
            return format.amount(value)
        case Shape.RATE:
            return format.rate(value, 9)
    return str(value) if isinstance(value, int) else format.number(value)


def _head(name: str) -> str:
    """`oldest_wait_us` as `oldest wait`: in text the unit is with the value."""
    return name.removesuffix("_us").replace("_ps", "/s").replace("_", " ")
