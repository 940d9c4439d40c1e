from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.bench.failure import BenchFailed
from tests.bench.page import BEGIN, END, latest, main, portable, rewritten, section
from tests.unit.bench.samples import record, sample


def test_the_section_of_a_page_shows_picture_tables_and_commands() -> None:
    text = section([record()], "benchmarks.svg")
    assert "](benchmarks.svg)" in text
    assert "| agroal | 900 |" in text
    assert "# select\npgbench -h 127.0.0.1 -p PORT -S bench\n" in text
    assert "\npgbouncer -c pgbouncer.conf\n" in text


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
    assert portable("/opt/bin/psql -o /dev/null -c 'SELECT 1 / 2'") == "psql -o /dev/null -c 'SELECT 1 / 2'"
    assert portable("for user in a b; do /opt/bin/pgbench -U $user & done; wait").endswith(
        "; do pgbench -U $user & done; wait"
    )


def test_of_what_several_runs_have_measured_the_last_one_counts() -> None:
    older = dataclasses.replace(record(), samples=(*record().samples, sample("agroal", 1, 5.0, workload="copy")))
    newer = dataclasses.replace(record(), when="2026-11-23")
    first, second = latest([older, newer])
    assert {one.workload for one in first.samples} == {"copy"}
    assert first.memory == ()
    assert second == newer


def test_a_run_of_which_nothing_is_left_is_left_out() -> None:
    newer = dataclasses.replace(record(), when="2026-11-23")
    assert latest([record(), newer]) == [newer]


def test_runs_that_were_stored_are_written_into_a_page(tmp_path: Path) -> None:
    page, stored, copied = tmp_path / "page.md", tmp_path / "a.json", tmp_path / "b.json"
    page.write_text(f"# Benchmarks\n{BEGIN}{END}\n")
    stored.write_text(record().json())
    copied.write_text(
        dataclasses.replace(record(), samples=(sample("agroal", 1, 5.0, workload="copy"),), memory=()).json()
    )
    assert main([str(page), str(stored), str(copied)]) == 0
    assert "| select | tps |" in page.read_text()
    assert "| copy | tps |" in page.read_text()
    assert page.with_suffix(".svg").read_text().startswith("<svg")


def test_a_file_that_is_no_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    assert main([str(tmp_path / "page.md"), str(wrong)]) == 1
    assert f"{wrong}: it is no record" in capsys.readouterr().err


def test_without_runs_it_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page.md"]) == 2
    assert "python -m tests.bench.page PAGE JSON" in capsys.readouterr().err
