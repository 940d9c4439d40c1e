"""A page as GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agroal.reference.page import Block, Blocks, Code, Heading, Link, Literal, Plain, Table, Text, spans

GENERATED = "<!-- Written by `make docs` from the program's own tables: what is changed here is lost. -->"

_SPECIAL = re.compile(r"[\\`*<>\[\]|~]|(?<!\w)_|_(?!\w)")


def markdown(title: str, blocks: Blocks) -> str:
    return "\n\n".join([f"{GENERATED}\n\n# {escape(title)}", *map(_block, blocks)]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * (level + 1)} {_inline(text)}"
        case Text(text):
            return _inline(text)
        case Code(text):
            return f"```\n{text.rstrip()}\n```"
        case Table(head, rows):
            return "\n".join(_table(head, rows))


def _table(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    yield _row(head)
    yield "|" + "---|" * len(head)
    yield from map(_row, rows)


def _row(cells: tuple[str, ...]) -> str:
    # In a table a bar ends its cell even in a code span, and the backslash before it is taken away.
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", _inline(cell)) for cell in cells) + " |"


def _inline(text: str) -> str:
    return "".join(map(_span, spans(text)))


def _span(span: Plain | Literal | Link) -> str:
    match span:
        case Plain(text):
            return escape(text)
        case Literal(text):
            return f"`{text}`"
        case Link(text, target):
            return f"[{escape(text)}]({target})"
