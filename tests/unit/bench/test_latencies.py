from __future__ import annotations

import pytest

from tests.bench.latencies import percentile, settled

LOG = """\
0 1 9000 0 1700000000 100000
1 1 8000 0 1700000000 599999
0 2 5000 0 1700000000 600000
1 2 7500 0 1700000001 5
"""


def test_transactions_count_once_the_first_is_half_a_second_ago() -> None:
    assert settled(LOG.splitlines()) == [5.0, 7.5]


def test_an_empty_log_has_no_times() -> None:
    assert settled([]) == []


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_what_this_share_does_not_exceed(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == value


def test_of_one_value_every_percentile_is_that() -> None:
    assert percentile([3.0], 0.5) == percentile([3.0], 0.99) == 3.0
