from __future__ import annotations

from agroal.errors import ClientFacing
from agroal.pool.effects import CloseReason, RefuseReason
from agroal.pool.waiters import WaitReason
from agroal.reference.failures import page, told
from agroal.reference.markdown import escape, markdown
from agroal.reference.page import doc

PAGE = markdown("Errors", page())


def heirs(parent: type[ClientFacing]) -> set[type[ClientFacing]]:
    return {parent}.union(*map(heirs, parent.__subclasses__()))


def test_every_error_that_the_program_can_tell_a_client_is_there() -> None:
    ours = {error for error in heirs(ClientFacing) if error.__module__.startswith("agroal.")}
    assert set(told()) == ours - {ClientFacing}


def test_each_error_has_a_row_with_its_sqlstate() -> None:
    for error in told():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{error.__name__}` |")]
        assert doc(error)
        assert escape(doc(error).split("`")[0]) in row
        if "sqlstate" in vars(error):
            assert row.endswith(f"| `{error.sqlstate}` |")


def test_an_error_without_a_sqlstate_of_its_own_says_whose_it_has() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `ServerRefused` |")]
    assert "SQLSTATE that the server gave" in row
    assert "XX000" not in row


def test_every_reason_has_a_row() -> None:
    rows = PAGE.splitlines()
    for reason in (*WaitReason, *RefuseReason, *CloseReason):
        assert any(row.startswith(f"| `{reason.name}` | ") for row in rows)
        assert reason.value in PAGE.replace("`", "")
