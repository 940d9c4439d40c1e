from __future__ import annotations

import dataclasses
import json

import pytest

from tests.bench.failure import BenchFailed
from tests.bench.record import Record
from tests.unit.bench.samples import record


def test_json_holds_every_sample_with_its_command_and_the_summaries() -> None:
    stored = json.loads(record().json())
    assert stored["version"] == 2
    assert len(stored["samples"]) == 9
    assert stored["samples"][1]["command"] == "pgbench -h 127.0.0.1 -p 10002 -S bench"
    assert [summary["peer"] for summary in stored["summaries"]] == ["direct", "agroal", "pgbouncer"]
    assert stored["memory"][0]["idle"] == 40_960


def test_a_workload_has_one_command_line_for_all_peers() -> None:
    assert record().commands() == [("select", "pgbench -h 127.0.0.1 -p PORT -S bench")]


def test_there_is_a_table_for_each_workload_and_one_for_the_memory() -> None:
    assert [table.header[0] for table in record().tables()] == ["at most, × pgbouncer", "select", "memory"]
    without = dataclasses.replace(record(), memory=())
    assert [table.header[0] for table in without.tables()] == ["select"]


def test_the_conditions_say_where_with_whom_and_without_whom() -> None:
    conditions = "\n".join(record().conditions())
    assert "2 cores of a processor" in conditions
    assert "pgbouncer (pgbouncer 1)" in conditions
    assert "odyssey is left out" in conditions


def test_json_can_be_read_back() -> None:
    assert Record.read(record().json()) == record()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 2, "summaries": []}'])
def test_what_is_no_record_of_this_version_is_refused(text: str) -> None:
    with pytest.raises(BenchFailed):
        Record.read(text)
