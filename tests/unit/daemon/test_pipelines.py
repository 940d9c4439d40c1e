from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.choices import Pipeline
from agroal.config.model import Configuration, Files, LimitLine, Settings
from agroal.daemon.pipelines import Pipelines
from agroal.pool.slot import PoolKey

SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"))


def pipelines(everybody: Pipeline, line: Pipeline | None) -> Pipelines:
    """For the database `shop` as its line says."""
    limit = replace(LimitLine("agroal_databases.conf", 1, "shop", ("shop",), "all", 1, 0, 0), pipeline=line)
    files = Files(Path("agroal.conf"), Path("agroal_hba.conf"))
    return Pipelines(Configuration(replace(SETTINGS, pipeline=everybody), (), (), (limit,), files))


@pytest.mark.parametrize(
    ("everybody", "line", "expected"),
    [
        (Pipeline.AUTO, None, Pipeline.SESSION),
        (Pipeline.TRANSACTION, None, Pipeline.TRANSACTION),
        (Pipeline.PERFORMANCE, None, Pipeline.PERFORMANCE),
        (Pipeline.SESSION, Pipeline.TRANSACTION, Pipeline.TRANSACTION),
        (Pipeline.TRANSACTION, Pipeline.SESSION, Pipeline.SESSION),
        (Pipeline.TRANSACTION, Pipeline.AUTO, Pipeline.SESSION),
    ],
)
def test_the_line_of_a_database_says_more_than_the_settings(
    everybody: Pipeline, line: Pipeline | None, expected: Pipeline
) -> None:
    assert pipelines(everybody, line).of(PoolKey("shop", "ann")) is expected


def test_other_databases_have_the_pipeline_of_everybody() -> None:
    assert pipelines(Pipeline.SESSION, Pipeline.TRANSACTION).of(PoolKey("store", "ann")) is Pipeline.SESSION


def test_clients_of_any_number_of_names_are_told() -> None:
    made = pipelines(Pipeline.SESSION, Pipeline.TRANSACTION)
    told = {made.of(PoolKey("shop", f"user {number}")) for number in range(3000)}
    assert told == {Pipeline.TRANSACTION}
