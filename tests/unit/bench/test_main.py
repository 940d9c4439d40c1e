from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.__main__ import main, parser, store
from tests.bench.page import BEGIN, END
from tests.unit.bench.samples import record

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The handlers as they were."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--rounds", "0"],
        ["--workload", "nothing"],
        ["--group", "none"],
        ["--peer", "nobody"],
        ["--tree", "x=/nowhere"],
        ["--idle", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_has_status_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(wrong)
    assert left.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_another_checkout_is_a_peer_with_a_name() -> None:
    assert parser().parse_args(["--tree", f"before={ROOT}"]).tree == [("before", ROOT)]


def test_a_page_without_marks_is_found_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here")
    assert main(["--write-docs", str(page)]) == 1
    assert "the page has no place for figures" in capsys.readouterr().err


def test_without_any_peer_it_fails_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("AGROAL_BENCH_PGBOUNCER", raising=False)
    assert main(["--peer", "pgbouncer"]) == 1
    said = capsys.readouterr()
    assert "pgbouncer is left out" in said.out
    assert "no peer is left" in said.err


def test_a_record_is_written_as_json_and_picture_and_into_the_page(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    page.write_text(f"# Benchmarks\n{BEGIN}{END}\n")
    written = store(record(), tmp_path / "results", page)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "results/bench.json",
        "results/bench.svg",
        "docs/benchmarks.svg",
        "docs/benchmarks.md",
    }
    assert all(path.read_text() for path in written)
    assert "| agroal | 900 |" in page.read_text()


def test_the_projects_own_page_has_the_marks() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert page.index(BEGIN) < page.index(END)
