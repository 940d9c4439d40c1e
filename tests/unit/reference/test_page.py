from __future__ import annotations

from agroal.reference.page import Heading, Link, Literal, Plain, Text, deeper, doc, literals, sentence, spans


def test_a_text_is_cut_where_it_is_marked() -> None:
    assert list(spans("Run `agroal --check`, see [slots](slots.md).")) == [
        Plain("Run "),
        Literal("agroal --check"),
        Plain(", see "),
        Link("slots", "slots.md"),
        Plain("."),
    ]


def test_a_word_with_an_underscore_is_typed() -> None:
    assert list(spans("a quarter of max_connections.")) == [
        Plain("a quarter of "),
        Literal("max_connections"),
        Plain("."),
    ]


def test_brackets_and_single_backticks_are_plain() -> None:
    assert list(spans("[agroal] (or `)")) == [Plain("[agroal] (or `)")]


def test_no_text_is_lost() -> None:
    text = "`a` b_c [d](e) ` _f_ g"
    assert [span.text for span in spans(text)] == ["a", " ", "b_c", " ", "d", " ` _f_ g"]


def test_fragments_become_sentences_and_names_stay_as_they_are() -> None:
    assert sentence("settings and servers") == "Settings and servers."
    assert sentence("agroal.conf of the agroal to ask") == "agroal.conf of the agroal to ask."
    assert sentence("agroal, once more") == "agroal, once more."
    assert sentence("max_connections is reached") == "max_connections is reached."
    assert sentence("It grows. (pgagroal: the longest.)") == "It grows. (pgagroal: the longest.)"


def test_headings_alone_go_deeper() -> None:
    assert deeper((Heading("a"), Text("b"), Heading("c", 2))) == (Heading("a", 2), Text("b"), Heading("c", 3))


def test_a_docstring_is_its_first_paragraph_and_is_not_inherited() -> None:
    class Parent:
        """One
        line.

        Another.
        """

    class Child(Parent):
        pass

    assert doc(Parent) == "One line."
    assert doc(Child) == ""


def test_each_of_several_is_marked() -> None:
    assert literals(("-c", "--config")) == "`-c`, `--config`"
    assert literals(()) == ""
