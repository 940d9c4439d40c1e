from __future__ import annotations

from ipaddress import ip_address

import pytest

from agroal.auth.guesses import FORGOTTEN, FREE, KEPT, LONGEST, SHORTEST, Guesses

EVE, ANN = ip_address("10.0.0.9"), ip_address("10.0.0.7")
LONG = 1000.0


def after(failures: int, now: float = 0.0) -> Guesses:
    guesses = Guesses()
    for _ in range(failures):
        guesses.failed(EVE, now)
    return guesses


@pytest.mark.parametrize("failures", range(FREE + 1))
def test_the_first_failures_make_nobody_wait(failures: int) -> None:
    guesses = after(failures)
    assert [guesses.due(EVE, 0.0, LONG) for _ in range(3)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("more", "seconds"), [(1, SHORTEST), (2, 2 * SHORTEST), (3, 4 * SHORTEST), (5000, LONGEST)])
def test_each_further_one_doubles_the_wait_up_to_a_longest(more: int, seconds: float) -> None:
    assert after(FREE + more).due(EVE, 0.0, LONG) == seconds


def test_time_that_has_passed_counts() -> None:
    assert after(FREE + 2).due(EVE, SHORTEST, LONG) == SHORTEST
    assert after(FREE + 2).due(EVE, LONGEST, LONG) == 0.0


def test_attempts_side_by_side_wait_for_each_other() -> None:
    guesses = after(FREE + 1)
    assert [guesses.due(EVE, 0.0, LONG) for _ in range(3)] == [SHORTEST, 2 * SHORTEST, 3 * SHORTEST]


def test_who_would_wait_for_too_long_takes_no_place_in_the_line() -> None:
    guesses = after(FREE + 1)
    assert guesses.due(EVE, 0.0, SHORTEST) == SHORTEST
    assert [guesses.due(EVE, 0.0, SHORTEST) for _ in range(3)] == [None, None, None]
    assert guesses.due(EVE, 0.0, LONG) == 2 * SHORTEST


def test_other_places_do_not_wait() -> None:
    assert after(FREE + 9).due(ANN, 0.0, 0.0) == 0.0


@pytest.mark.parametrize(("other", "same"), [("fd00:0:0:1::7", True), ("fd00:0:0:2::1", False)])
def test_a_network_of_ipv6_is_one_place(other: str, same: bool) -> None:
    guesses = Guesses()
    for _ in range(FREE + 1):
        guesses.failed(ip_address("fd00:0:0:1::1"), 0.0)
    assert (guesses.due(ip_address(other), 0.0, LONG) == SHORTEST) is same


def test_after_a_long_quiet_all_is_forgotten() -> None:
    guesses = after(FREE + 9)
    later = FORGOTTEN + 1.0
    assert guesses.due(EVE, later, LONG) == 0.0
    guesses.failed(EVE, later)
    assert guesses.due(EVE, later, LONG) == 0.0


def test_what_is_kept_is_bounded_and_the_oldest_goes() -> None:
    guesses = after(FREE + 1)
    strangers = [ip_address(0x0A010000 + number) for number in range(KEPT - 1)]
    for stranger in strangers:
        guesses.failed(stranger, 1.0)
    assert guesses.due(EVE, 0.0, LONG) == SHORTEST
    guesses.failed(ip_address("10.9.9.9"), 1.0)
    assert guesses.due(EVE, 0.0, LONG) == 0.0
    assert len(guesses._kept) == KEPT
