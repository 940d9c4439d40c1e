"""Who takes part: what is asked for, what is there, and who has to stay out of which workload."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.figures import REFERENCE
from tests.bench.installed import INSTALLED, PgBouncer
from tests.bench.pools import VARIANTS, Agroal, Direct, Pool, variants
from tests.bench.setups import Mode
from tests.bench.workloads import Workload

PEERS = (Direct.name, *VARIANTS, *(kind.kind for kind in INSTALLED))


class Lineup:
    """The pools that are asked for and are there. `left_out` has a line for each that is not, or not everywhere.

    Raises BenchFailed where the environment names what is no pool.
    """

    def __init__(
        self,
        asked: Collection[str],
        trees: Sequence[tuple[str, Path]],
        workloads: Sequence[Workload],
        modes: Collection[Mode],
        environment: Mapping[str, str],
    ) -> None:
        self.pools: list[Pool] = [Direct()] if Direct.name in asked else []
        self.left_out: list[str] = []
        self.pools += variants(asked)
        self.pools += [Agroal(name, tree) for name, tree in trees]
        for kind in INSTALLED:
            if kind.kind not in asked:
                continue
            found = kind.find(environment)
            self.pools += found
            if not found:
                self.left_out.append(f"{kind.kind} is left out: it is not in PATH, and {kind.variable()} is not set.")
        self.left_out += _exceptions(self.pools, workloads)
        self.holders = [pool for pool in self.pools if modes and not (isinstance(pool, Direct) or pool.forks)]
        """Whose memory is looked at."""
        self.left_out += [
            f"{pool.name} is left out of memory/*: what its many processes share would count for each of them."
            for pool in self.pools
            if modes and pool.forks
        ]
        self.runs = sum(len(self.partakers(workload)) for workload in workloads)
        """Of all pools and workloads together, in one round."""

    @property
    def reference(self) -> str:
        """The newest PgBouncer."""
        return next((pool.name for pool in self.pools if isinstance(pool, PgBouncer)), REFERENCE)

    def partakers(self, *workloads: Workload) -> list[Pool]:
        """Who takes part in any of these."""
        return [pool for pool in self.pools if any(not pool.lacks(workload) for workload in workloads)]


def _exceptions(pools: Sequence[Pool], workloads: Sequence[Workload]) -> Iterator[str]:
    for pool in pools:
        reasons: dict[str, list[str]] = {}
        for workload in workloads:
            if reason := pool.lacks(workload):
                reasons.setdefault(reason, []).append(workload.name)
        for reason, names in reasons.items():
            yield f"{pool.name} is left out of {_abridged(names, workloads)}: {reason}."


def _abridged(names: Sequence[str], workloads: Sequence[Workload]) -> str:
    """The names; where they are all of several that have the part before the slash in common, that stands for them."""
    words: dict[str, None] = {}
    for name in names:
        group = name.partition("/")[0] + "/"
        members = [workload.name for workload in workloads if workload.name.startswith(group)]
        words[f"{group}*" if len(members) > 1 and set(members) <= set(names) else name] = None
    return ", ".join(words)
