from __future__ import annotations

from dataclasses import replace

import pytest
from agroal_top.rereading import Rereader
from hypothesis import given, settings
from hypothesis import strategies as st

from agroal.management.client import ManagementError
from agroal.management.snapshot import Snapshot
from tests.unit.tui.screens.scene import client, slot, snapshot


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=5))
def test_it_reads_what_anybody_would_read(seen: list[list[int]]) -> None:
    reader = Rereader()
    for seconds, numbers in enumerate(seen):
        slots = tuple(slot(number, "free", "shop", f"\x1b{number}", seconds=seconds % 2) for number in numbers)
        clients = tuple(client(number, "active", "shop", "web", number, 3) for number in numbers)
        document = replace(snapshot(seconds), slots=slots, clients=clients).to_json()
        assert reader.read(document) == Snapshot.from_json(document)


def test_a_row_that_comes_again_is_not_read_again() -> None:
    reader = Rereader()
    first, second = (reader.read(snapshot(seconds).to_json()) for seconds in (0, 1))
    assert all(one is other for one, other in zip(first.clients, second.clients, strict=True))
    assert not any(one is other for one, other in zip(first.slots, second.slots, strict=True))


def test_a_row_that_was_gone_is_forgotten() -> None:
    reader = Rereader()
    first = reader.read(snapshot().to_json())
    reader.read(replace(snapshot(), clients=()).to_json())
    third = reader.read(snapshot().to_json())
    assert third.clients == first.clients
    assert third.clients[0] is not first.clients[0]


@pytest.mark.parametrize(
    "change",
    [
        {"clients": 3},
        {"clients": {"fields": ["id"], "rows": [[1]]}},
        {"clients": {"fields": ["id"], "rows": [[1, 2]]}},
        {"slots": {"fields": ["id"], "rows": [[[]]]}},
        {"slots": {"fields": [1], "rows": [[1]]}},
        {"slots": {"fields": ["id"], "rows": 3}},
        {"seq": "x"},
    ],
)
def test_what_is_no_snapshot_is_said_in_the_same_words(change: dict[str, object]) -> None:
    document = {**snapshot().to_json(), **change}
    with pytest.raises(ManagementError) as expected:
        Snapshot.from_json(document)
    with pytest.raises(ManagementError) as caught:
        Rereader().read(document)
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize("document", [None, [], {"v": 9}, {}])
def test_what_is_no_document_is_an_error(document: object) -> None:
    with pytest.raises(ManagementError):
        Rereader().read(document)
