"""What there is to read: the metrics, and whether agroal is alive and ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from agroal.metrics.exposition import Exposition, chosen
from agroal.metrics.request import Request
from agroal.metrics.response import HTML, Response, said

PAGE = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>agroal</title></head><body>
<h1>agroal</h1>
<ul>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/healthz">/healthz</a>: is it alive</li>
<li><a href="/readyz">/readyz</a>: can it reach a primary</li>
</ul>
</body></html>
"""


class Site:
    """`why_not_ready` says what keeps clients from being served; None when nothing does."""

    def __init__(self, exposition: Exposition, why_not_ready: Callable[[], Awaitable[str | None]]) -> None:
        self._exposition = exposition
        self._why_not_ready = why_not_ready

    async def answer(self, request: Request) -> Response:
        match request.path:
            case "/metrics":
                wanted = chosen(request.accept)
                return Response(HTTPStatus.OK, await self._exposition.render(wanted), wanted.value)
            case "/healthz":  # whoever can say it is
                return said(HTTPStatus.OK, "alive")
            case "/readyz":
                why = await self._why_not_ready()
                return (
                    said(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}") if why else said(HTTPStatus.OK, "ready")
                )
            case "/":
                return Response(HTTPStatus.OK, PAGE, HTML)
        return said(HTTPStatus.NOT_FOUND, "404 Not Found: there are /metrics, /healthz and /readyz")
