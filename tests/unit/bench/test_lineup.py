from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.lineup import PEERS, Lineup
from tests.bench.setups import TRANSACTION, Mode
from tests.bench.workloads import Pgbench
from tests.unit.bench.test_installed import bouncer, program

SIMPLE = Pgbench(name="session/simple", options=("-M", "simple"))
PREPARED = Pgbench(name="transaction/prepared", options=("-M", "prepared"), setup=TRANSACTION)
TREE = Path(__file__).parents[3]


@pytest.fixture
def lineup(tmp_path: Path) -> Lineup:
    """All peers, of which PgBouncer alone is installed, and that is an old one."""
    bouncer(tmp_path, "1.18.0")
    return Lineup(PEERS, [("before", TREE)], [SIMPLE, PREPARED], [], {"PATH": str(tmp_path)})


def test_agroal_goes_first_and_other_checkouts_before_other_pools(lineup: Lineup) -> None:
    names = ["direct", "agroal", "agroal-performance", "agroal-pure", "before", "pgbouncer"]
    assert [pool.name for pool in lineup.pools] == names


def test_who_is_not_asked_for_is_not_missed(tmp_path: Path) -> None:
    alone = Lineup(["agroal"], [], [SIMPLE], [], {"PATH": str(tmp_path)})
    assert [pool.name for pool in alone.pools] == ["agroal"]
    assert alone.left_out == []


def test_who_is_not_installed_is_left_out_with_a_line(lineup: Lineup) -> None:
    missing = "odyssey is left out: it is not in PATH, and AGROAL_BENCH_ODYSSEY is not set."
    assert missing in lineup.left_out


def test_who_can_not_do_a_workload_is_left_out_of_that_with_a_line(lineup: Lineup) -> None:
    said = [line for line in lineup.left_out if line.startswith("pgbouncer")]
    assert len(said) == 1
    assert said[0].startswith("pgbouncer is left out of transaction/prepared: it does not follow prepared statements")
    assert [pool.name for pool in lineup.partakers(PREPARED)] == ["agroal", "agroal-pure", "before"]
    assert "pgbouncer" in [pool.name for pool in lineup.partakers(PREPARED, SIMPLE)]


def test_a_whole_group_that_somebody_is_left_out_of_has_one_name(tmp_path: Path) -> None:
    works = [SIMPLE, PREPARED, replace(PREPARED, name="transaction/simple")]
    for workloads, said in ((works, "transaction/*:"), (works[:2], "transaction/prepared:")):
        lineup = Lineup(["direct"], [], workloads, [], {"PATH": str(tmp_path)})
        assert lineup.left_out[0].startswith(f"direct is left out of {said}")


def test_the_runs_of_one_round_are_counted(lineup: Lineup) -> None:
    assert lineup.runs == 6 + 3


def test_all_are_compared_with_the_newest_pgbouncer(tmp_path: Path) -> None:
    old, new = bouncer(tmp_path / "old", "1.18.0"), bouncer(tmp_path / "new", "1.25.2")
    lineup = Lineup(["pgbouncer"], [], [SIMPLE], [], {"AGROAL_BENCH_PGBOUNCER": f"{old}:{new}"})
    assert lineup.reference == "pgbouncer-1.25.2"


def test_whoever_forks_is_left_out_where_the_memory_is_looked_at(tmp_path: Path) -> None:
    program(tmp_path / "pgagroal", "echo pgagroal 2.0.0")
    bouncer(tmp_path, "1.25.2")
    peers, environment = ["direct", "agroal", "pgbouncer", "pgagroal"], {"PATH": str(tmp_path)}
    lineup = Lineup(peers, [], [], [Mode.SESSION], environment)
    assert [pool.name for pool in lineup.holders] == ["agroal", "pgbouncer"]
    assert [line for line in lineup.left_out if line.startswith("pgagroal is left out of memory/*")]
    assert Lineup(peers, [], [SIMPLE], [], environment).holders == []
