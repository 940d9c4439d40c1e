"""Hooks of the whole run: the controller finds out what PostgreSQL can run on, tells its workers, and tidies up."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.integration.run import Run

RUN = pytest.StashKey[Run]()
_TOLD = "agroal"
_UNIT = Path(__file__).with_name("unit")


def pytest_configure(config: pytest.Config) -> None:
    if told := getattr(config, "workerinput", {}).get(_TOLD):
        config.stash[RUN] = Run.join(told)
    elif not hasattr(config, "workerinput") and not _concerns_units_only(config):
        config.stash[RUN] = Run.begin(os.environ)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up then, too


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """xdist is about to start a worker."""
    if run := node.config.stash.get(RUN, None):  # type: ignore[attr-defined]
        node.workerinput[_TOLD] = run.tell()  # type: ignore[attr-defined]


def pytest_report_header(config: pytest.Config) -> str | None:
    run = config.stash.get(RUN, None)
    return f"PostgreSQL: {run.description}" if run else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and (run := config.stash.get(RUN, None)):
        run.end()


def _concerns_units_only(config: pytest.Config) -> bool:
    """Whether nothing but unit tests was asked for: they need no PostgreSQL and should not wait for one."""
    named = [Path(config.invocation_params.dir, argument.split("::")[0]) for argument in config.args]
    return all(path.resolve().is_relative_to(_UNIT) for path in named)
