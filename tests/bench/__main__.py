"""python -m tests.bench: agroal beside other pools, on one PostgreSQL, in the same minutes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agroal.demo.screen import Screen
from agroal.demo.signals import Interrupted, Signals
from agroal.errors import AgroalError
from tests.bench import page
from tests.bench.bench import Options, run
from tests.bench.catalogue import GROUPS, NAMES, QUICK, chosen
from tests.bench.lineup import PEERS
from tests.bench.record import Record


def show(record: Record, screen: Screen) -> None:
    """Tables, command lines and conditions, for people."""
    for table in record.tables():
        screen.table(table.header, table.rows)
    screen.heading("The command lines")
    for workload, command in record.commands():
        screen.say(f"  {workload}: {command}")
    for peer in record.peers:
        if peer.command:
            screen.say(f"  {peer.name}: {peer.command}")
    screen.heading("The conditions")
    for sentence in record.conditions():
        screen.say(f"  {sentence}")


def store(record: Record, output: Path, docs: Path | None) -> list[Path]:
    """Write JSON and plot, and the page's section where one is named. Returns what was written."""
    output.mkdir(parents=True, exist_ok=True)
    texts = {output / "bench.json": record.json(), output / "bench.svg": page.drawing([record])}
    for path, text in texts.items():
        path.write_text(text)
    return [*texts, *(page.write(docs, [record]) if docs else [])]


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _tree(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    path = Path(folder).resolve()
    if not (name and equals and (path / "agroal" / "main.py").exists()):
        raise argparse.ArgumentTypeError(f"expected NAME=DIR, with DIR a checkout of agroal; got {text!r}")
    return name, path


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=(__doc__ or "").splitlines()[0],
        epilog=f"Without --workload, --group and --all it measures {', '.join(QUICK)}.",
    )
    what = made.add_argument_group("what is measured, and whom")
    what.add_argument("--workload", nargs="+", metavar="NAME", choices=NAMES, default=[], help=f"of {', '.join(NAMES)}")
    what.add_argument("--group", nargs="+", metavar="NAME", choices=GROUPS, default=[], help=f"of {', '.join(GROUPS)}")
    what.add_argument("--all", action="store_true", help="all workloads")
    what.add_argument(
        "--peer", nargs="+", metavar="NAME", choices=PEERS, default=PEERS, help=f"of {', '.join(PEERS)} (all)"
    )
    what.add_argument(
        "--tree", action="append", default=[], metavar="NAME=DIR", type=_tree, help="another checkout of agroal, too"
    )
    how = made.add_argument_group("how")
    how.add_argument("--rounds", metavar="N", type=_count, default=5, help="rounds of everything (5)")
    how.add_argument("--seconds", metavar="S", type=_count, default=2, help="length of one run (2)")
    how.add_argument("--idle", metavar="N", type=_count, default=1000, help="idle clients for the memory (1000)")
    how.add_argument("--scale", metavar="N", type=_count, default=10, help="size of pgbench's tables (10)")
    where = made.add_argument_group("where it goes")
    where.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path(__file__).with_name("results"),
        help="where JSON and plot are written (tests/bench/results)",
    )
    where.add_argument("--write-docs", metavar="FILE", type=Path, help="write the figures into this page, too")
    return made


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    options = Options(
        names=chosen(given.workload, given.group, given.all),
        peers=tuple(given.peer),
        trees=tuple(given.tree),
        rounds=given.rounds,
        seconds=given.seconds,
        idle=given.idle,
        scale=given.scale,
    )
    signals = Signals()
    screen = Screen(sys.stdout)
    try:
        if given.write_docs:
            page.rewritten(given.write_docs.read_text(), "")  # before anything is measured for nothing

        def pulse() -> None:
            signals.check()
            screen.refresh()

        record = run(options, screen, pulse)
        show(record, screen)
        for path in store(record, given.output, given.write_docs):
            screen.say(f"  written: {path}")
    except Interrupted:
        screen.say("\n  Interrupted: everything is stopped.")
        return 128 + signals.number
    except (AgroalError, OSError) as error:
        print(f"tests.bench: {error}", file=sys.stderr)
        return 1
    for failure in record.failures:
        print(f"tests.bench: not measured: {failure}", file=sys.stderr)
    return 1 if record.failures else 0


if __name__ == "__main__":
    sys.exit(main())
