from __future__ import annotations

import pytest

from agroal.pool.effects import CloseReason, Connect, RefuseReason
from agroal.pool.slot import PoolKey


@pytest.mark.parametrize("reasons", [CloseReason, RefuseReason])
def test_every_reason_has_words_of_its_own(reasons: type[CloseReason] | type[RefuseReason]) -> None:
    assert len({reason.value for reason in reasons}) == len(reasons.__members__)
    assert all(reason.value for reason in reasons)


def test_an_effect_in_a_log_does_not_show_the_secret() -> None:
    assert "digest" not in repr(Connect(1, PoolKey("shop", "web", "digest")))
