from __future__ import annotations

import pytest

from agroal.console import commands, shows
from agroal.console.averages import Averages
from agroal.console.commands import Errand
from agroal.console.errands import SQLSTATES, Cancelled, Clerk, Doing, Result
from agroal.console.plans import Do, Look
from agroal.errors import ConsoleError, ManagementError
from agroal.management.wire import Code
from tests.unit.console.sitting import IDENTITY, perform
from tests.unit.management.fake import FakeControls


@pytest.fixture
def clerk() -> Clerk:
    return Clerk(IDENTITY, Averages(), lambda: 0)


def done(doing: Doing[Result]) -> tuple[Result, list[str]]:
    """What came of it, and the verbs that it took."""
    taken = []
    try:
        wanted = next(doing)
        while True:
            assert isinstance(wanted, Errand)
            taken.append(wanted.verb)
            wanted = doing.send(perform(wanted, FakeControls()))
    except StopIteration as over:
        return over.value, taken


@pytest.mark.parametrize(
    ("name", "verbs"), [("waits", ["snapshot"]), ("lists", ["conf get", "conf alias", "snapshot"])]
)
def test_a_table_takes_the_verbs_that_look_and_no_more_than_it_needs(clerk: Clerk, name: str, verbs: list[str]) -> None:
    result, taken = done(clerk.carry_out(Look(shows.BY_NAME[name])))
    assert taken == verbs
    assert list(result.rows)


@pytest.mark.parametrize("code", Code)
def test_every_error_of_a_verb_has_an_sqlstate(clerk: Clerk, code: Code) -> None:
    doing = clerk.carry_out(Do(commands.BY_NAME["RELOAD"], ""))
    next(doing)
    with pytest.raises(ConsoleError, match="no such luck") as refused:
        doing.throw(ManagementError(code, "no such luck"))
    assert refused.value.sqlstate == SQLSTATES.get(code, "58000")


def test_what_is_cancelled_is_taken_back_before_that_is_said(clerk: Clerk) -> None:
    doing = clerk.carry_out(Do(commands.BY_NAME["PAUSE"], "shop"))
    controls = FakeControls()
    first = next(doing)
    assert first == Errand("pause", {"database": "shop"})
    assert doing.send(perform(first, controls)) == Errand("pause", {"database": "shop", "timeout": 0.0}, waits=True)
    undo = doing.throw(Cancelled())
    assert undo == Errand("resume", {"database": "shop"})
    with pytest.raises(ConsoleError) as refused:
        doing.send(perform(undo, controls))
    assert refused.value.sqlstate == "57014"


def test_a_row_that_was_looked_at_can_be_put_back() -> None:
    result = Result("SHOW", iter([(2,), (3,)]))
    result.put_back((1,))
    assert list(result.rows) == [(1,), (2,), (3,)]
