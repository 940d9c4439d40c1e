from __future__ import annotations

import pytest

from agroal.management.phrases import amount, are, counted


@pytest.mark.parametrize(("count", "words"), [(0, "0 clients"), (1, "1 client"), (2, "2 clients")])
def test_things_are_counted(count: int, words: str) -> None:
    assert counted(count, "client") == words


def test_a_dry_run_is_told_in_the_conditional() -> None:
    assert [are(0), are(1), are(2)] == ["are", "is", "are"]
    assert {are(count, dry_run=True) for count in range(3)} == {"would be"}


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (12_345_678, "12 MB"),
        (4_200_000_000, "4.2 GB"),
        (10**12, "1.0 TB"),
        (10**18, "1000000 TB"),
    ],
)
def test_amounts_have_two_digits_at_least(octets: int, text: str) -> None:
    assert amount(octets) == text
