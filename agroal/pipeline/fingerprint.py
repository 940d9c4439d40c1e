"""What a statement is, without what it is about: the same for all that differ in their values only.

`SELECT * FROM t WHERE id = 7 -- of ann` and `select *  from t where id=$1` are both `select * from t where id = ?`.
It goes to the log in the place of the statement, so that no value of anybody's data does. Every literal, number and
parameter becomes `?`, a list of those one `(?)`; comments go; words are in lower case, names in double quotes as they
were.

The lexer is that of PostgreSQL (manual, 4.1), with doubts resolved to the side of silence: whether a backslash escapes
the quote behind it in a plain literal depends on a setting (`standard_conforming_strings`), so from such a literal on
nothing is shown; nor is what follows a quote that is never closed. Any bytes will do, and each is looked at a bounded
number of times.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Final

LOOKED_AT: Final = 16_384
"""Bytes of a statement that count. Longer ones have their beginning in common, or have not."""
SHOWN: Final = 500
"""Characters of the normalised text that are kept."""

_VALUE: Final = b"?"
_CUT: Final = "…"
_DIGEST: Final = 8
"""Bytes; it is written with twice as many digits."""

_TOKEN: Final = re.compile(
    rb"(?P<blank>\s++|--[^\n\r]*+)"
    rb"|(?P<comment>/\*)"
    rb"|(?P<escaped>[eE]'(?:[^'\\]|\\(?s:.)|'')*+\\?+'?+)"
    rb"|(?P<plain>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+'?+)"
    rb'|(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*+(?P<closed>"?))'
    rb"|(?P<dollars>\$(?P<tag>(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*+)?)\$(?s:.*?)(?:\$(?P=tag)\$|\Z))"
    rb"|(?P<number>\$\d++|\.?\d(?:[eE][+-]?\d|[\w.\x80-\xff])*+)"
    rb"|(?P<word>[A-Za-z_\x80-\xff][\w$\x80-\xff]*+)"
    rb"|(?P<operator>(?:(?!--|/\*)[-+*/<>=~!@#%^&|`])++)"
    rb"|(?P<other>::|(?s:.))"
)
_COMMENT_EDGE: Final = re.compile(rb"/\*|\*/")
_SPECIAL: Final = frozenset(b"~!@#%^&|`")
"""Only an operator with one of these in it may end in a sign (manual, 4.1.3)."""
_BEFORE_SIGN: Final = frozenset(
    (b"(", b"[", b",", b"=", b"<", b">", b"<=", b">=", b"<>", b"!=", b"+", b"-", b"*", b"/")
)
"""Behind these, a sign belongs to the number."""
_OPENING: Final = {b")": b"(", b"]": b"["}
_NO_BLANK_BEFORE: Final = frozenset((b",", b")", b"]", b"[", b";", b".", b"::"))
_NO_BLANK_AFTER: Final = frozenset((b"(", b"[", b".", b"::"))
_NO_FUNCTIONS: Final = frozenset(
    b"all and any as by else exists from in into join not on or over select set some then union using values when where"
    b" with".split()
)
"""Words that have a blank before a parenthesis."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two statements have the same if they differ in values, comments, blanks and the case of their words only."""

    digest: str
    """Sixteen hexadecimal digits."""
    text: str
    """The statement without its values, at most as long as was asked for."""


def fingerprint(statement: bytes, shown: int = SHOWN) -> Fingerprint:
    """Of the text of a statement, or of several. Never raises."""
    tokens = _simplified(_tokens(statement[:LOOKED_AT]))
    while tokens and tokens[-1] == b";":
        tokens.pop()
    words = [token.decode("utf-8", "replace") for token in _spaced(tokens)]
    digest = blake2b("".join(words).encode(), digest_size=_DIGEST).hexdigest()
    return Fingerprint(digest, _bounded(words, shown))


def _tokens(text: bytes) -> Iterator[bytes]:
    """What is to be seen of the text, value by value and word by word."""
    at = 0
    while found := _TOKEN.match(text, at):
        at, token = found.end(), found[0]
        match found.lastgroup:
            case "blank":
                pass
            case "comment":
                at = _behind_comment(text, at)
            case "word":
                yield token.lower()
            case "operator":
                yield from _operators(token)
            case "other":
                yield token
            case _ if found["closed"]:
                yield token
            case _:
                yield _VALUE
                if found["plain"] and b"\\'" in token:
                    yield _CUT.encode()
                    return


def _behind_comment(text: bytes, at: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, at)
        if edge is None:
            return len(text)
        depth += 1 if edge[0] == b"/*" else -1
        at = edge.end()
    return at


def _operators(token: bytes) -> Iterator[bytes]:
    """One operator, and the signs behind it that are none of its own."""
    bare = token if _SPECIAL.intersection(token) else token[:1] + token[1:].rstrip(b"+-")
    yield bare
    yield from (token[at : at + 1] for at in range(len(bare), len(token)))


def _simplified(tokens: Iterable[bytes]) -> list[bytes]:
    """Signs are part of the value, and how many values there are in a list, or how many lists, does not matter."""
    kept: list[bytes] = []
    for token in tokens:
        if token == _VALUE:
            while len(kept) > 1 and kept[-1] in (b"-", b"+") and kept[-2] in _BEFORE_SIGN:
                kept.pop()
        kept.append(token)
        if token in _OPENING:
            _fold(kept, _OPENING[token])
    return kept


def _fold(kept: list[bytes], opening: bytes) -> None:
    """`kept` ends with a closing bracket. If there are only values before it, one stays."""
    at = len(kept) - 2
    while at > 1 and kept[at] == _VALUE and kept[at - 1] == b",":
        at -= 2
    if at < 1 or kept[at] != _VALUE or kept[at - 1] != opening:
        return
    del kept[at + 1 : -1]
    if kept[-7:-3] == [opening, _VALUE, kept[-1], b","]:
        del kept[-4:]


def _spaced(tokens: Sequence[bytes]) -> Iterator[bytes]:
    """The tokens, each with the blank before it if there is to be one."""
    before = b"("
    for token in tokens:
        tight = before in _NO_BLANK_AFTER or token in _NO_BLANK_BEFORE or (token == b"(" and _is_called(before))
        yield token if tight else b" " + token
        before = token


def _is_called(token: bytes) -> bool:
    return token[:1].isalpha() and token not in _NO_FUNCTIONS


def _bounded(words: Sequence[str], shown: int) -> str:
    """As many whole words as there is room for."""
    lengths = list(accumulate(map(len, words)))
    if not lengths or lengths[-1] <= shown:
        return "".join(words)
    fitting = bisect_right(lengths, shown - len(_CUT) - 1)
    return f"{''.join(words[:fitting])} {_CUT}".lstrip()
