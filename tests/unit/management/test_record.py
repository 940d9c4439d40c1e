from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from agroal.errors import ManagementError
from agroal.management.record import Line, Name, Record, Token


@dataclass(frozen=True, slots=True)
class Leaf(Record):
    tabular: ClassVar[bool] = True

    name: Name
    size: int
    note: Token | None = None


@dataclass(frozen=True, slots=True)
class Twig(Record):
    ok: bool


@dataclass(frozen=True, slots=True)
class Rings(Record):
    widths: tuple[int, ...]
    names: tuple[Name, ...]
    dates: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree(Record):
    leaves: tuple[Leaf, ...]
    twigs: tuple[Twig, ...]
    root: Twig
    height: int | None
    message: Line = "none"


TREE = Tree((Leaf("a", 1), Leaf("b", 2, "torn")), (Twig(True), Twig(False)), Twig(True), None)
DOCUMENT = {
    "leaves": {"fields": ["name", "size", "note"], "rows": [["a", 1, None], ["b", 2, "torn"]]},
    "twigs": [{"ok": True}, {"ok": False}],
    "root": {"ok": True},
    "height": None,
    "message": "none",
}


def test_a_record_is_written_with_its_tables_and_lists() -> None:
    assert TREE.to_json() == DOCUMENT


def test_a_record_is_read_as_it_was_written() -> None:
    assert Tree.from_json(DOCUMENT) == TREE


def test_a_member_that_nobody_knows_is_passed_over() -> None:
    assert Tree.from_json({**DOCUMENT, "colour": "green"}) == TREE


def test_a_table_may_have_other_columns_in_another_order() -> None:
    table = {"fields": ["colour", "size", "name"], "rows": [["green", 1, "a"]]}
    assert Tree.from_json({**DOCUMENT, "leaves": table}).leaves == (Leaf("a", 1),)


def test_an_absent_member_takes_its_default() -> None:
    assert Tree.from_json({name: value for name, value in DOCUMENT.items() if name != "message"}) == TREE


def test_an_absent_member_without_default_is_named() -> None:
    with pytest.raises(ManagementError, match="Tree lacks height, root") as caught:
        Tree.from_json({name: value for name, value in DOCUMENT.items() if name not in {"height", "root"}})
    assert caught.value.code == "malformed"


def test_every_text_is_neutralised_and_cut_to_its_kind() -> None:
    document = {"fields": ["name", "size", "note"], "rows": [["\x1b" + "n" * 99, 1, "\x1b" + "t" * 99]]}
    tree = Tree.from_json({**DOCUMENT, "leaves": document, "message": "\x1b" + "m" * 3000})
    assert tree.leaves == (Leaf("␛" + "n" * 61 + "…", 1, "␛" + "t" * 62 + "…"),)
    assert tree.message == "␛" + "m" * 1998 + "…"


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("height", "1", "“height” of Tree is not an integer"),
        ("height", 1.0, "“height” of Tree is not an integer"),
        ("height", True, "“height” of Tree is not an integer"),
        ("message", 1, "“message” of Tree is not a text"),
        ("message", None, "“message” of Tree is not a text"),
        ("root", {"ok": 1}, "“ok” of Twig is neither true nor false"),
        ("root", [], "Twig is not an object"),
        ("twigs", {}, "“twigs” of Tree is not an array"),
        ("twigs", [None], "Twig is not an object"),
        ("leaves", [], "“leaves” of Tree is not a table"),
        ("leaves", {"fields": ["name"]}, "“leaves” of Tree is not a table"),
        ("leaves", {"fields": [1], "rows": [[1]]}, "“leaves” of Tree is not a table"),
        ("leaves", {"fields": [[]], "rows": [[1]]}, "“leaves” of Tree is not a table"),
        ("leaves", {"fields": ["name", "size"], "rows": [["a"]]}, "“leaves” of Tree is not a table"),
        ("leaves", {"fields": ["name", "size"], "rows": ["ab"]}, "“leaves” of Tree is not a table"),
        ("leaves", {"fields": ["name"], "rows": [["a"]]}, "Leaf lacks size"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(member: str, value: object, message: str) -> None:
    with pytest.raises(ManagementError) as caught:
        Tree.from_json({**DOCUMENT, member: value})
    assert (caught.value.code, str(caught.value)) == ("malformed", message)


RINGS = Rings((3, 1, 2), ("spring", "summer"), (1999, None))
RINGS_DOCUMENT = {"widths": [3, 1, 2], "names": ["spring", "summer"], "dates": [1999, None]}


def test_several_plain_values_are_an_array() -> None:
    assert RINGS.to_json() == RINGS_DOCUMENT
    assert Rings.from_json(RINGS_DOCUMENT) == RINGS
    assert Rings.from_json({"widths": [], "names": []}) == Rings((), ())


def test_each_of_several_texts_is_neutralised_and_cut() -> None:
    rings = Rings.from_json({"widths": [], "names": ["\x1b", "n" * 99]})
    assert rings.names == ("␛", "n" * 62 + "…")


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("widths", 3, "“widths” of Rings is not an array"),
        ("widths", "312", "“widths” of Rings is not an array"),
        ("widths", {"fields": [], "rows": []}, "“widths” of Rings is not an array"),
        ("widths", [1, "2"], "“widths” of Rings is not an integer"),
        ("widths", [True], "“widths” of Rings is not an integer"),
        ("names", [None], "“names” of Rings is not a text"),
        ("dates", ["x"], "“dates” of Rings is not an integer"),
    ],
)
def test_one_of_several_of_the_wrong_type_is_named(member: str, value: object, message: str) -> None:
    with pytest.raises(ManagementError) as caught:
        Rings.from_json({**RINGS_DOCUMENT, member: value})
    assert (caught.value.code, str(caught.value)) == ("malformed", message)


@pytest.mark.parametrize("document", [None, [], "tree", 1])
def test_a_record_is_an_object(document: object) -> None:
    with pytest.raises(ManagementError, match="Tree is not an object"):
        Tree.from_json(document)
