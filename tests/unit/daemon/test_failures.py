from __future__ import annotations

import pytest

from agroal.daemon.failures import BURST, BURST_PAUSE, BURST_SECONDS, KEPT, Failure, Failures


@pytest.fixture
def failures() -> Failures:
    return Failures()


def fail(failures: Failures, *times: float, user: str = "ann") -> None:
    for now in times:
        failures.add(user, "shop", "10.0.0.1", "wrong", now)


class TestList:
    def test_those_that_look_the_same_are_counted_together(self, failures: Failures) -> None:
        fail(failures, 1, 2, 3)
        assert list(failures) == [Failure("ann", "shop", "10.0.0.1", "wrong", 3, 3)]
        assert failures.total == 3

    def test_the_latest_is_the_first(self, failures: Failures) -> None:
        fail(failures, 1, user="ann")
        fail(failures, 2, user="bob")
        fail(failures, 3, user="ann")
        assert [failure.user for failure in failures] == ["ann", "bob"]

    @pytest.mark.parametrize(
        "other",
        [
            ("bob", "shop", "10.0.0.1", "wrong"),
            ("ann", "store", "10.0.0.1", "wrong"),
            ("ann", "shop", "10.0.0.2", "wrong"),
            ("ann", "shop", "10.0.0.1", "no entry"),
        ],
    )
    def test_whatever_differs_makes_another(self, failures: Failures, other: tuple[str, str, str, str]) -> None:
        fail(failures, 1)
        failures.add(*other, 2)
        assert [failure.count for failure in failures] == [1, 1]

    def test_what_strangers_say_does_not_fill_the_memory(self, failures: Failures) -> None:
        fail(failures, 0)
        for number in range(KEPT):
            fail(failures, number, user=f"user {number}")
        kept = [failure.user for failure in failures]
        assert (len(kept), kept[0], kept[-1]) == (KEPT, f"user {KEPT - 1}", "user 0")
        assert failures.total == KEPT + 1


class TestBurst:
    def test_many_at_once_are_news_and_the_latest_of_them_is_named(self, failures: Failures) -> None:
        fail(failures, *([5] * (BURST - 1)))
        assert failures.burst(5) is None
        fail(failures, 5, user="bob")
        latest = failures.burst(5)
        assert latest is not None
        assert latest.user == "bob"

    def test_as_many_over_a_longer_time_are_none(self, failures: Failures) -> None:
        fail(failures, 0, *([5] * (BURST - 1)))
        assert failures.burst(BURST_SECONDS) is None

    def test_a_burst_that_goes_on_is_news_once_in_a_while(self, failures: Failures) -> None:
        fail(failures, *([0] * BURST))
        assert failures.burst(0)
        fail(failures, *([1] * BURST))
        assert failures.burst(1) is None
        fail(failures, *([BURST_PAUSE] * BURST))
        assert failures.burst(BURST_PAUSE)

    def test_no_failure_is_no_burst(self, failures: Failures) -> None:
        assert failures.burst(0) is None
