"""The ways on which a script goes to PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

from tests.integration.differential.play import Cut
from tests.integration.pipelines import PIPELINES


@dataclass(frozen=True)
class Way:
    """`meddled`: others drive the script's client from server to server."""

    pipeline: str
    cut: Cut = Cut.WHOLE
    meddled: bool = False

    def __str__(self) -> str:
        how = ["meddled"] if self.meddled else [self.cut.name.lower()]
        return "-".join([self.pipeline, *how])


WHOLE_WAYS = [Way(pipeline) for pipeline in PIPELINES]
MEDDLED_WAYS = [Way(pipeline, Cut.MESSAGES, meddled=True) for pipeline in PIPELINES if pipeline == "transaction"]
BYTES_WAYS = [Way(pipeline, Cut.BYTES) for pipeline in PIPELINES if pipeline != "performance"]
"""The performance pipeline does not know messages, whole or cut."""
WAYS = [*WHOLE_WAYS, *BYTES_WAYS, *MEDDLED_WAYS]
