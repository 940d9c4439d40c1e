"""`kill`: one client's connection is ended."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.management.controls import Call, Killed
from agroal.management.phrases import are


async def execute(call: Call, client: int) -> Killed:
    return call.controls.kill(client, dry_run=call.dry_run)


def text(killed: Killed, dry_run: bool) -> Iterator[str]:
    who = f"{killed.user or '?'}@{killed.database or '?'} from {killed.address}, {killed.state}"
    yield f"client {killed.client} ({who}) {are(1, dry_run)} disconnected"
