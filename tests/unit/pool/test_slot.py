from __future__ import annotations

import ast
from pathlib import Path

import pytest

import agroal.pool
from agroal.errors import IllegalTransition
from agroal.pool.slot import CLOSING, LEASED, STAYING, TRANSITIONS, PoolKey, Slot, SlotState, diagram

PAIRS = [(state, to) for state in SlotState for to in SlotState]
DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(("state", "to"), [pair for pair in PAIRS if pair[1] in TRANSITIONS[pair[0]]])
def test_a_move_that_the_table_has_is_made_and_dated(state: SlotState, to: SlotState) -> None:
    slot = Slot(3, state, since=1.0)
    slot.move(to, 7.0)
    assert (slot.state, slot.since) == (to, 7.0)


@pytest.mark.parametrize(("state", "to"), [pair for pair in PAIRS if pair[1] not in TRANSITIONS[pair[0]]])
def test_a_move_that_the_table_lacks_is_our_bug_and_changes_nothing(state: SlotState, to: SlotState) -> None:
    slot = Slot(3, state, since=1.0)
    with pytest.raises(IllegalTransition, match=f"slot 3: {state} can't become {to}"):
        slot.move(to, 7.0)
    assert (slot.state, slot.since) == (state, 1.0)


def test_the_states_are_those_of_pgagroal() -> None:
    assert [str(state) for state in SlotState] == [
        "not-init",
        "init",
        "free",
        "in-use",
        "gracefully",
        "flush",
        "idle-check",
        "max-connection-age",
        "validation",
        "remove",
    ]


def test_every_state_has_its_row_can_be_reached_and_can_be_left() -> None:
    assert set(TRANSITIONS) == set(SlotState)
    assert {to for follow in TRANSITIONS.values() for to in follow} == set(SlotState)
    assert all(TRANSITIONS.values())


def test_a_closing_connection_can_only_go() -> None:
    for state in CLOSING:
        assert list(TRANSITIONS[state]) == [SlotState.NOT_INIT]


def test_a_connection_being_opened_is_never_closed_before_its_outcome() -> None:
    follow = TRANSITIONS[SlotState.INIT]
    assert all("connect" in why for why in follow.values())


def test_every_state_is_empty_or_closing_or_leased_or_staying() -> None:
    assert {SlotState.NOT_INIT} | CLOSING | LEASED | STAYING == set(SlotState)
    assert not CLOSING & (LEASED | STAYING)


def test_only_move_writes_a_state() -> None:
    writers = []
    for path in Path(agroal.pool.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            writers += [path.name for target in targets if isinstance(target, ast.Attribute) and target.attr == "state"]
    assert writers == ["slot.py"]


def test_the_documentation_shows_the_table_as_it_is() -> None:
    page = (DOCS / "slots.md").read_text("utf-8")
    drawn = page.split("```mermaid\n")[1].split("```")[0]
    assert drawn == diagram()


def test_the_diagram_has_every_transition_once() -> None:
    arrows = [line for line in diagram().splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == len(set(arrows)) == sum(map(len, TRANSITIONS.values()))
    assert "    FREE --> IN_USE: granted" in arrows


def test_a_key_tells_secrets_apart_but_not_what_they_are() -> None:
    key = PoolKey("shop", "web", "digest")
    assert key != PoolKey("shop", "web")
    assert f"{key} {key!r} {(key,)}" == "shop/web shop/web (shop/web,)"
