from __future__ import annotations

import os
from pathlib import Path

from tests.bench.accounting import cpu_of_family, ended_children, family, rss_of_family

STAT = "4711 (a name) with) S 1 4711 4711 0 -1 4194560 900 0 0 0 25 10 300 200 20 0 1 0 5000 1000 10 0"


def process(proc: Path, pid: int, children: str, kilobytes: int) -> None:
    task = proc / str(pid) / "task" / str(pid)
    task.mkdir(parents=True)
    (task / "children").write_text(children)
    (proc / str(pid) / "status").write_text(f"Name:\tpool\nVmRSS:\t  {kilobytes} kB\n")


def test_a_family_is_a_process_and_all_that_descend_from_it(tmp_path: Path) -> None:
    process(tmp_path, 1, "2 4 ", 100)
    process(tmp_path, 2, "3 ", 20)
    process(tmp_path, 3, "", 3)
    process(tmp_path, 4, "", 1000)
    assert list(family(1, tmp_path)) == [1, 2, 3, 4]
    assert rss_of_family(1, tmp_path) == 1123


def test_a_child_that_has_ended_meanwhile_counts_nothing(tmp_path: Path) -> None:
    process(tmp_path, 1, "2 ", 100)
    assert rss_of_family(1, tmp_path) == 100


def test_without_proc_there_is_no_size(tmp_path: Path) -> None:
    assert rss_of_family(1, tmp_path) is None


def test_the_time_of_ended_children_is_read_behind_any_name() -> None:
    assert ended_children(STAT) == 500


def test_our_own_cpu_time_never_decreases() -> None:
    before = cpu_of_family(os.getpid())
    after = cpu_of_family(os.getpid())
    assert before is None or (after is not None and 0 < before <= after)
