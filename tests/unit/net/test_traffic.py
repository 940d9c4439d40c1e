from __future__ import annotations

from typing import Any

import pytest

from agroal.net import chosen, traffic


@pytest.mark.parametrize("kind", [traffic.Traffic, chosen.Traffic], ids=["reference", "chosen"])
def test_traffic_adds_up(kind: Any) -> None:
    total, more = kind(1, 2, 3, 4), kind(10, 20, 30, 40)
    assert total + more == kind(11, 22, 33, 44)
    assert total == kind(1, 2, 3, 4)
    total += more
    assert total == kind(11, 22, 33, 44)
    assert (total.queries, total.transactions, total.bytes_in, total.bytes_out) == (11, 22, 33, 44)
    assert repr(total) == "Traffic(queries=11, transactions=22, bytes_in=33, bytes_out=44)"
    assert kind() == kind(0, 0, 0, 0) != total
