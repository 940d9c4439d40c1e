from __future__ import annotations

import dataclasses
import json

import pytest

from tests.bench.failure import BenchFailed
from tests.bench.record import BEGIN, END, portable, rewritten, section
from tests.unit.bench.samples import record


def test_json_holds_every_sample_with_its_command_and_the_summaries() -> None:
    stored = json.loads(record().json())
    assert stored["version"] == 1
    assert len(stored["samples"]) == 9
    assert stored["samples"][1]["command"] == "pgbench -h 127.0.0.1 -p 10002 -S bench"
    assert [summary["peer"] for summary in stored["summaries"]] == ["direct", "agroal", "pgbouncer"]
    assert stored["memory"][0]["idle"] == 40_960


def test_a_workload_has_one_command_line_for_all_peers() -> None:
    assert record().commands() == [("select", "pgbench -h 127.0.0.1 -p PORT -S bench")]


def test_there_is_a_table_for_each_workload_and_one_for_the_memory() -> None:
    assert [table.header[0] for table in record().tables()] == ["select", "memory"]
    without = dataclasses.replace(record(), memory=())
    assert [table.header[0] for table in without.tables()] == ["select"]


def test_the_conditions_say_where_with_whom_and_without_whom() -> None:
    conditions = "\n".join(record().conditions())
    assert "2 cores of a processor" in conditions
    assert "pgbouncer 1, port 10003" in conditions
    assert "odyssey is left out" in conditions


def test_the_section_of_a_page_shows_picture_tables_and_commands() -> None:
    text = section(record(), "benchmarks.svg")
    assert "](benchmarks.svg)" in text
    assert "| agroal | 900 |" in text
    assert "# select\npgbench -h 127.0.0.1 -p PORT -S bench\n" in text
    assert "\npgbouncer\n" in text


def test_a_page_is_rewritten_between_its_marks_only() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert rewritten(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_rewriting_twice_changes_nothing_more() -> None:
    page = rewritten(f"{BEGIN}{END}", "new")
    assert rewritten(page, "new") == page


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_both_marks_is_refused(page: str) -> None:
    with pytest.raises(BenchFailed, match="measured: begin"):
        rewritten(page, "new")


def test_paths_of_one_machine_are_left_out_of_a_page() -> None:
    assert portable("/opt/bin/pool -c '/tmp/a b/pool.conf'") == "pool -c pool.conf"
    assert portable("/opt/bin/psql -o /dev/null", words=1) == "psql -o /dev/null"
