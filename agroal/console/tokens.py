"""A query's text, cut into statements and these into tokens, as PostgreSQL's scanner does it.

Each character is looked at once, and a query is short: while it is read nobody else is served.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from agroal.errors import ConsoleError

SYNTAX_ERROR: Final = "42601"
TOO_MUCH: Final = "54000"
LONGEST_QUERY: Final = 32_768
"""Characters."""
MOST_STATEMENTS: Final = 100
"""In one query."""
LONGEST_TOKEN: Final = 8192
"""Characters. More than any name, and as much as any value of the configuration."""

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |[eE]'(?P<escaped>(?:[^'\\]|''|\\.)*+)(?P<escaped_end>'?)
    |'(?P<text>(?:[^']|'')*+)(?P<text_end>'?)
    |"(?P<name>(?:[^"]|"")*+)(?P<name_end>"?)
    |(?P<parameter>\$[0-9]+)
    |(?P<word>[\w$]+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)


class Kind(Enum):
    WORD = auto()
    """A bare word, or a number"""
    NAME = auto()
    """in double quotes"""
    TEXT = auto()
    """in single quotes"""
    SIGN = auto()
    """one character that is none of these"""


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    """Without its quotes."""

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, which are given in capitals."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_sign(self, sign: str) -> bool:
        return self.kind is Kind.SIGN and self.text == sign


Statement = tuple[Token, ...]


def statements(query: str) -> list[Statement]:
    """The statements of a query that are not empty. Raises ConsoleError."""
    if len(query) > LONGEST_QUERY:
        raise ConsoleError(TOO_MUCH, f"a query of {len(query)} characters: expected at most {LONGEST_QUERY}")
    found: list[Statement] = []
    tokens: list[Token] = []
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        assert match  # any character is a sign
        at = _end_of_comment(query, match.end()) if match["comment"] else match.end()
        token = _token(match)
        if token is None:
            continue
        if not token.is_sign(";"):
            tokens.append(token)
        elif tokens:
            found.append(tuple(tokens))
            tokens = []
        if len(found) > MOST_STATEMENTS:
            raise ConsoleError(TOO_MUCH, f"too many statements: expected at most {MOST_STATEMENTS}")
    return [*found, tuple(tokens)] if tokens else found


def _token(match: re.Match[str]) -> Token | None:
    """None for what does not count. Raises ConsoleError."""
    kind, text = match.lastgroup or "", match.group()
    if len(text) > LONGEST_TOKEN and kind not in ("blank", "comment"):
        raise ConsoleError(TOO_MUCH, f"a word of {len(text)} characters: expected at most {LONGEST_TOKEN}")
    match kind:
        case "blank" | "comment":
            return None
        case "escaped_end":
            inside = _ESCAPE.sub(lambda found: found[1] or "'", match["escaped"])
            return _closed(Kind.TEXT, inside, match["escaped_end"])
        case "text_end":
            return _closed(Kind.TEXT, match["text"].replace("''", "'"), match["text_end"])
        case "name_end":
            return _closed(Kind.NAME, match["name"].replace('""', '"'), match["name_end"])
        case "parameter":
            raise ConsoleError("0A000", "the console has no parameters: write the value itself")
        case "word":
            return Token(Kind.WORD, text)
    return Token(Kind.SIGN, text)


def _closed(kind: Kind, text: str, end: str) -> Token:
    if not end:
        what = "quoted string" if kind is Kind.TEXT else "quoted identifier"
        raise ConsoleError(SYNTAX_ERROR, f"unterminated {what}")
    return Token(kind, text)


def _end_of_comment(query: str, at: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        match = _COMMENT.search(query, at)
        if match is None:
            raise ConsoleError(SYNTAX_ERROR, "unterminated /* comment")
        depth += 1 if match.group() == "/*" else -1
        at = match.end()
    return at
