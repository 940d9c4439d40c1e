from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.errors import ManagementError
from agroal.management.neutral import neutral
from agroal.management.record import Record
from agroal.management.snapshot import Snapshot
from tests.unit.management.sample import CLIENT, SERVER, SLOT, snapshot


def test_a_snapshot_survives_the_way() -> None:
    assert Snapshot.from_json(json.loads(json.dumps(snapshot().to_json()))) == snapshot()


def test_an_empty_snapshot_survives_the_way() -> None:
    no_more = {"bounds_us": (), "closes": (), "databases": (), "authentication_failures": ()}
    empty = snapshot(pools=(), slots=(), servers=(), waiters=(), clients=(), **no_more)
    assert Snapshot.from_json(empty.to_json()) == empty


def test_slots_and_clients_come_as_tables_because_there_are_thousands() -> None:
    document = snapshot(slots=(SLOT,) * 1000).to_json()
    assert document["slots"]["fields"][:3] == ["id", "state", "since_us"]
    assert len(document["slots"]["rows"]) == 1000
    assert document["clients"]["rows"][0][0] == CLIENT.id


def test_a_thousand_slots_take_about_a_hundred_bytes_each() -> None:
    rows = json.dumps(snapshot(slots=(SLOT,) * 1000).to_json()["slots"], separators=(",", ":"))
    assert len(rows) < 150_000


@pytest.mark.parametrize("version", [2, "1", None])
def test_a_snapshot_of_another_version_is_not_guessed_at(version: object) -> None:
    with pytest.raises(ManagementError, match="a snapshot of version 1 was expected") as caught:
        Snapshot.from_json({**snapshot().to_json(), "v": version})
    assert caught.value.code == "version"


@pytest.mark.parametrize("document", [None, [], {}, "snapshot"])
def test_what_is_no_snapshot_is_malformed(document: object) -> None:
    with pytest.raises(ManagementError) as caught:
        Snapshot.from_json(document)
    assert caught.value.code == "malformed"


def test_a_later_release_may_add_to_it() -> None:
    document = snapshot().to_json()
    document["loop"]["lag_us_max"] = 412
    document["weather"] = {}
    document["counters"]["killed"] = 0
    document["slots"]["fields"].append("flags")
    document["slots"]["rows"][0].append(3)
    assert Snapshot.from_json(document) == snapshot()


def poisoned(record: Record, poison: str) -> Record:
    """The record with every text of it, and of what is in it, replaced."""
    changes: dict[str, object] = {}
    for field in fields(record):  # type: ignore[arg-type]
        match getattr(record, field.name):
            case str():
                changes[field.name] = poison
            case Record() as inner:
                changes[field.name] = poisoned(inner, poison)
            case tuple() as records:
                changes[field.name] = tuple(_poisoned(inner, poison) for inner in records)
    return replace(record, **changes)  # type: ignore[type-var]


def _poisoned(value: object, poison: str) -> object:
    match value:
        case str():
            return poison
        case Record():
            return poisoned(value, poison)
    return value


def texts(value: object) -> Iterator[str]:
    """Every text in a document, but not the names of its members and columns."""
    match value:
        case str():
            yield value
        case dict():
            yield from chain.from_iterable(texts(inner) for name, inner in value.items() if name != "fields")
        case list():
            yield from chain.from_iterable(map(texts, value))


@given(st.text(st.characters() | st.sampled_from("\x1b\x9b\n\u202e\u200b")))
def test_no_text_in_it_can_reach_a_terminal_unharmed(poison: str) -> None:
    picture = snapshot(servers=(replace(SERVER, error=poison),))
    read = Snapshot.from_json(poisoned(picture, "\x1b" + poison).to_json())
    for text in texts(read.to_json()):
        assert text.startswith("␛")
        assert neutral(text) == text
