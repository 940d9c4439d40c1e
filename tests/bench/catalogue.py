"""All that can be measured, by name, and which of it is measured when nothing else is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tests.bench import budget
from tests.bench.setups import PROVEN, SESSION, TRANSACTION, Mode, Setup
from tests.bench.workloads import Fairness, Pgbench, Psql, Tail, Workload

_PROTOCOLS = ("simple", "extended", "prepared")
_TEN_SERVERS = Setup(Mode.TRANSACTION, servers=10)
_SIXTEEN_SERVERS = Setup(Mode.TRANSACTION, servers=16)
"""Not as many as the users, nor a multiple of them: somebody has to share."""
_SESSION_BY_SOCKET = Setup(Mode.SESSION, by_socket=True)
_TRANSACTION_BY_SOCKET = Setup(Mode.TRANSACTION, by_socket=True)
_ROW = "SELECT repeat(chr(120), 40000000)"
_GIGABYTE = "COPY (SELECT repeat('x', 999) FROM generate_series(1, 1000000)) TO STDOUT"


def _select(name: str, how: str, setup: Setup = SESSION, *, tls: bool = False) -> Pgbench:
    return Pgbench(name=name, options=("-S", "-M", how), setup=setup, tls=tls)


def _tpcb(name: str, how: str, setup: Setup = SESSION) -> Pgbench:
    return Pgbench(name=name, options=("-M", how), setup=setup)


def _tail(clients: int) -> Tail:
    return Tail(name=f"tail/{clients}-clients", options=("-S", "-M", "simple"), setup=_TEN_SERVERS, clients=clients)


WORKLOADS: tuple[Workload, ...] = (
    *(_select(f"session/select-{how}", how) for how in _PROTOCOLS),
    *(_tpcb(f"session/tpcb-{how}", how) for how in _PROTOCOLS),
    *(_select(f"transaction/select-{how}", how, TRANSACTION) for how in _PROTOCOLS),
    *(_tpcb(f"transaction/tpcb-{how}", how, TRANSACTION) for how in _PROTOCOLS),
    Pgbench(name="reconnect/trust", options=("-S", "-C")),
    Pgbench(name="reconnect/scram", options=("-S", "-C"), user=PROVEN),
    Pgbench(name="reconnect/trust-transaction", options=("-S", "-C"), setup=TRANSACTION),
    _select("tls/select-prepared", "prepared", tls=True),
    _select("tls/select-simple-transaction", "simple", TRANSACTION, tls=True),
    Pgbench(name="tls/reconnect-trust", options=("-S", "-C"), tls=True),
    _select("unix/select-prepared", "prepared", _SESSION_BY_SOCKET),
    _select("unix/select-simple-transaction", "simple", _TRANSACTION_BY_SOCKET),
    *(_tail(clients) for clients in (8, 100, 500)),
    Fairness(name="fairness/ten-users", options=("-S", "-M", "simple"), setup=_SIXTEEN_SERVERS, clients=10),
    Psql(name="large/row-40mb", sql=_ROW, times=3),
    Psql(name="large/row-40mb-tls", sql=_ROW, times=3, tls=True),
    Psql(name="large/copy-1gb", sql=_GIGABYTE, times=1),
)
MEMORY: Mapping[str, Mode] = {f"memory/{mode}": mode for mode in Mode}
"""What is measured once, not in rounds: what the pools hold."""

NAMES = (*(workload.name for workload in WORKLOADS), *MEMORY)
QUICK = (
    "session/select-prepared",
    "transaction/select-simple",
    "transaction/select-prepared",
    "reconnect/trust",
    "tls/select-prepared",
    "tail/500-clients",
    "memory/transaction",
)
"""What is measured when nothing else is asked for: about five minutes, with PgBouncer as the only other pool."""


def _groups() -> dict[str, tuple[str, ...]]:
    groups = dict.fromkeys(name.partition("/")[0] for name in NAMES)
    made = {group: tuple(name for name in NAMES if name.startswith(f"{group}/")) for group in groups}
    return {**made, "budget": tuple(name for name in NAMES if name in budget.NAMES)}


GROUPS: Mapping[str, tuple[str, ...]] = _groups()
"""The part of a name before the slash, and the names that begin with it; and all that a budget is for."""


def chosen(names: Collection[str], groups: Collection[str], everything: bool) -> tuple[str, ...]:
    """The names that are asked for, in the order of the catalogue."""
    if everything:
        return NAMES
    wanted = {*names, *(name for group in groups for name in GROUPS[group])} or set(QUICK)
    return tuple(name for name in NAMES if name in wanted)
