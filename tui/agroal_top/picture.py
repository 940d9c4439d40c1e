"""The dashboard as an SVG, drawn without a terminal."""

from __future__ import annotations

import asyncio
from time import monotonic

from agroal_top.app import AgroalTop
from agroal_top.options import Options
from agroal_top.source import Lost, Source
from agroal_top.views.drawing import without_fonts

PATIENCE = 15.0
"""Seconds for the first snapshots."""


def svg(source: Source, options: Options, size: tuple[int, int] = (120, 36), seconds: float = 3.0) -> str:
    """After so many seconds, in which rates and curves come to be. Raises Lost when nothing comes."""
    return asyncio.run(_drawn(source, options, size, seconds))


async def _drawn(source: Source, options: Options, size: tuple[int, int], seconds: float) -> str:
    app = AgroalTop(source, options)
    async with app.run_test(size=size) as pilot:
        begun = monotonic()
        while app.model.rates() is None or monotonic() - begun < seconds:
            if app.model.rates() is None and monotonic() - begun > PATIENCE:
                raise Lost(app.model.cause or "no snapshot came")
            await pilot.pause(0.1)
        app.main.paint()
        await pilot.pause()
        return without_fonts(app.export_screenshot(title="agroal-top"))
