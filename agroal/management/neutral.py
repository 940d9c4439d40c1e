"""Text that came from outside, made harmless for a terminal, a log and a table.

An application name, a user name that somebody tried, an error of a server: each may hold escape sequences that
rewrite the screen, line ends that forge a log line, bidirectional controls that make `drop` read `prod`
(CVE-2021-42574), or characters that take no room and hide. `neutral` is applied to every string where it is decoded,
so that nothing behind that boundary has to think of it again.
"""

from __future__ import annotations

import unicodedata

NAME = 63
"""Characters of a name: PostgreSQL cuts identifiers at NAMEDATALEN - 1 bytes."""
TOKEN = 64
"""Characters of an application name, an address, a word of our own."""
LINE = 2000
"""Characters of a message."""

_ESCAPE = "\x1b"
_JOINER = "\u200d"
_FITTED = "\ufe0f"  # variation selector 16: the character before it is to be drawn as an emoji


def neutral(text: str, limit: int = LINE) -> str:
    """`text` without anything that acts: ESC is shown as `␛`, whatever else is harmful as `·`.

    In NFC and at most `limit` characters long; what was cut ends in `…`. Applying it twice changes nothing more.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    # No character decomposes into more than four that NFC puts together again. The cut comes first because normalising
    # a long run of combining marks takes quadratic time.
    composed = unicodedata.normalize("NFC", text[: 4 * limit + 4])
    if len(composed) > limit:
        composed = composed[: limit - 1] + "…"
    return "".join(_shown(composed, at) for at in range(len(composed)))


def _shown(text: str, at: int) -> str:
    character = text[at]
    if character == _ESCAPE:
        return "␛"
    if character == _JOINER and _is_emoji(text[:at].rstrip(_FITTED)[-1:]) and _is_emoji(text[at + 1 : at + 2]):
        return character
    # Not printable are control, format (bidirectional, zero-width, tag), surrogate, private and unassigned characters,
    # and every separator but the space.
    return character if character.isprintable() else "·"


def _is_emoji(character: str) -> bool:
    # Sk: the skin tones, which stand between a person and the joiner.
    return character >= "\u2190" and unicodedata.category(character) in {"So", "Sk"}
