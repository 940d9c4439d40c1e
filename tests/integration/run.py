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

    folder: Path
    image: str
    binaries: str
    description: str

    @classmethod
    def begin(cls, environment: Mapping[str, str]) -> Self:
        """Look what there is. Raises UsageError where there is nothing, and on CI where there is no Docker engine."""
        engine, reason = containers.engine()
        if not engine and environment.get("CI", "").lower() in ("1", "true", "yes"):
            raise pytest.UsageError(f"on CI PostgreSQL runs in a container, and there is no Docker engine: {reason}")
        binaries = str(server_binaries() or "")
        chosen = environment.get("AGROAL_TEST_PGBIN")
        image = environment.get("AGROAL_TEST_IMAGE", _IMAGE) if engine and not chosen else ""
        if image:
            description = f"container {image} (Docker {engine})"
        elif binaries:
            description = f"{binaries} ({'AGROAL_TEST_PGBIN' if chosen else f'no Docker engine: {reason}'})"
        elif chosen:
            raise pytest.UsageError(f"AGROAL_TEST_PGBIN={chosen}: there is no initdb and postgres in this directory")
        else:
            raise pytest.UsageError(f"no PostgreSQL: no Docker engine ({reason}), and no `pip install agroal[demo]`")
        return cls(scratch.make("agroal-tests-"), image, binaries, description)

    @classmethod
    def join(cls, told: Mapping[str, Any]) -> Self:
        return cls(Path(told["folder"]), told["image"], told["binaries"], told["description"])

    def tell(self) -> dict[str, Any]:
        """What a worker needs to join."""
        return {**asdict(self), "folder": str(self.folder)}

    def end(self) -> None:
        """Remove what is left: the folder, and the containers of workers that did not come to it."""
        if self.image:
            containers.sweep(self.label)
        scratch.remove(self.folder)

    @property
    def label(self) -> str:
        """What marks the containers of this run."""
        return self.folder.name
