from __future__ import annotations

import pytest

from agroal.config.model import LimitLine
from agroal.pool.limits import Limit, best_match
from agroal.pool.slot import PoolKey

EXACT = Limit("shop", ("store",), "web", 5)
USER = Limit("all", (), "web", 5)
DATABASE = Limit("shop", (), "all", 5)
ALL = Limit("all", (), "all", 5)
KEY = PoolKey("shop", "web")


@pytest.mark.parametrize(
    ("limits", "best"),
    [
        ([ALL, DATABASE, USER, EXACT], EXACT),
        ([EXACT, USER, DATABASE, ALL], EXACT),
        ([ALL, DATABASE, USER], USER),
        ([USER, DATABASE, ALL], USER),
        ([ALL, DATABASE], DATABASE),
        ([DATABASE, ALL], DATABASE),
        ([ALL], ALL),
        ([], None),
    ],
)
def test_the_closest_limit_is_meant_wherever_it_stands(limits: list[Limit], best: Limit | None) -> None:
    assert best_match(limits, KEY) is best


def test_the_first_of_equals_is_meant() -> None:
    first, second = Limit("shop", (), "web", 1), Limit("shop", (), "web", 2)
    assert best_match([ALL, first, second], KEY) is first


def test_an_alias_is_as_good_as_the_name() -> None:
    assert best_match([USER, EXACT], PoolKey("store", "web")) is EXACT


@pytest.mark.parametrize(
    "limit", [Limit("books", (), "web", 1), Limit("shop", (), "batch", 1), Limit("books", (), "all", 1)]
)
def test_a_limit_for_others_is_not_meant(limit: Limit) -> None:
    assert best_match([limit], KEY) is None


def test_a_limit_is_made_from_its_line() -> None:
    line = LimitLine("/etc/agroal/agroal_databases.conf", 7, "shop", ("store",), "web", 5, 3, 2)
    limit = Limit.of(line)
    assert limit == Limit("shop", ("store",), "web", 5, 3, 2, "agroal_databases.conf:7")
    assert str(limit) == "shop/web (agroal_databases.conf:7)"
    assert str(EXACT) == "shop/web"
