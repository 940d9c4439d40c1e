from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agroal.demo.screen import Screen
from tests.bench.clients import Clients
from tests.bench.failure import BenchFailed
from tests.bench.peers import Peer
from tests.bench.pools import Direct
from tests.bench.rounds import Rounds, shortened
from tests.bench.setups import TRANSACTION
from tests.bench.workloads import Result, Workload
from tests.unit.bench.test_clients import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Workload):
    """It notes whom it was put on; one port it does not get along with."""

    ports: list[str] = field(default_factory=list)
    wrong: int = 0

    def command(self, clients: Clients, seconds: int) -> str:
        return f"work for {seconds} s"

    def run(self, clients: Clients, seconds: int) -> Result:
        port = clients.command("work", "", []).split()[0]
        self.ports.append(port)
        if port == str(self.wrong):
            raise BenchFailed("it did not like that")
        return Result(transactions=100, rate=50.0, latency=20.0)


class Numbered(Shell):
    def command(self, program: str, host: str, port: int, user: str, arguments: object) -> list[str]:
        return [str(port)]


class Busy(Peer):
    """It uses a second of CPU time from one look to the next."""

    seconds = 0.0

    def cpu(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def rounds(tmp_path: Path) -> Rounds:
    return Rounds(Numbered(), tmp_path, 3, Screen(io.StringIO()))


def peer(port: int) -> Peer:
    made = Busy(Direct(), "127.0.0.1", port)
    made.name = f"peer-{port}"
    return made


def test_every_workload_is_put_on_every_peer_in_turn(rounds: Rounds) -> None:
    work = Work(name="work")
    samples = list(rounds.run([work], [peer(1), peer(2)], 2))
    assert work.ports == ["1", "2", "1", "2"]
    assert [(one.round, one.peer) for one in samples] == [(1, "peer-1"), (1, "peer-2"), (2, "peer-1"), (2, "peer-2")]
    assert rounds.failures == {}


def test_cpu_time_is_that_of_one_transaction(rounds: Rounds) -> None:
    (sample,) = rounds.run([Work(name="work")], [peer(1)], 1)
    assert sample.cpu == pytest.approx(1e6 / 100)
    assert (sample.transactions, sample.rate, sample.command) == (100, 50.0, "work for 3 s")


def test_what_fails_with_one_peer_goes_on_with_the_others_and_is_not_tried_again(rounds: Rounds) -> None:
    work = Work(name="work", wrong=1)
    samples = list(rounds.run([work], [peer(1), peer(2)], 2))
    assert work.ports == ["1", "2", "2"]
    assert {one.peer for one in samples} == {"peer-2"}
    assert rounds.failures == {("work", "peer-1"): "work through peer-1: it did not like that"}


def test_who_lacks_what_it_takes_is_passed_over(rounds: Rounds) -> None:
    work = replace(Work(name="work"), setup=TRANSACTION)
    assert list(rounds.run([work], [peer(1)], 1)) == []
    assert work.ports == []


def test_of_a_long_error_the_first_line_and_the_last_ones_are_kept() -> None:
    short = shortened(BenchFailed("\n".join(["pgbench failed:", *(f"line {number}" for number in range(100))])))
    assert short.splitlines() == ["pgbench failed:", "…", *(f"line {number}" for number in range(92, 100))]
    assert shortened(BenchFailed("one\ntwo")) == "one\ntwo"
    assert shortened(BenchFailed()) == ""
