"""Cheap evidence of what outlives a transaction: the words of a statement, and the tags of completed commands.

It is looked for in every text that crosses the transaction pipeline, so it is cheap first: `is_suspicious` may be true
of what is harmless, and what it is true of is read carefully (`pipeline.evidence`).
"""

from __future__ import annotations

import re
from typing import Final

TAGS: Final = frozenset(
    (
        b"SET",
        b"RESET",
        b"LISTEN",
        b"UNLISTEN",
        b"PREPARE",
        b"DEALLOCATE",
        b"DEALLOCATE ALL",
        b"DISCARD ALL",
        b"DISCARD TEMP",
        b"ROLLBACK",
    )
)
"""Tags of commands that make something which outlives a transaction, or end it, or may take that back."""

FORGETTING: Final = frozenset((b"DEALLOCATE", b"DEALLOCATE ALL", b"DISCARD ALL"))
"""Those after which prepared statements are gone."""

OPENING: Final = rb"(?:\s|/\*[^*]{0,256}+(?:\*(?!/)[^*]{0,256}+){0,64}+\*/|--[^\n]{0,256}+\n)*+"
"""What may stand before the first word of a statement: white space and comments.

Not of any length: a text full of beginnings of comments would be read from each of them to its end.
"""
SUSPICIOUS: Final = re.compile(
    rb"\b(?:pg_(?:try_)?advisory_|set_config\b|temp(?:orary)?\b|hold\b)"
    rb"|(?:^|;)" + OPENING + rb"(?:set|reset|deallocate|discard|unlisten)\b",
    re.IGNORECASE,
)


_some_letters = re.compile(rb"set|temp|hold|advisory_|deallocate|discard|unlisten").search
"""In lower case, whatever is SUSPICIOUS has one of these. Few texts have, and they are found in a third of the time."""


def is_suspicious(buffer: bytearray | bytes, start: int, end: int) -> bool:
    """Whether the text in `buffer[start:end]` may leave something in the session that other clients would meet."""
    text = buffer[start:end]
    return _some_letters(text.lower()) is not None and SUSPICIOUS.search(text) is not None
