"""SASLprep: many ways to type a password, one string to hash (RFC 4013, a profile of stringprep, RFC 3454).

SCRAM hashes bytes, so both ends must agree on them. SASLprep maps exotic spaces to the plain one, drops what can't be
seen, folds compatibility forms (NFKC) and refuses what has no business in a password. PostgreSQL differs from the
letter of the RFC in two points, and we side with PostgreSQL, whose verifiers and whose libpq we must agree with:

- Characters are checked before they are normalised, not after. It shows for a handful, such as U+0340 and U+2135.
- A password that is refused, or is not valid UTF-8, is used as it is instead of failing the login
  (src/common/saslprep.c and its callers in scram-common.c). That is `prepare`.
"""

from __future__ import annotations

import stringprep
import unicodedata

_PROHIBITED = (
    stringprep.in_table_c12,  # spaces that are not ASCII
    stringprep.in_table_c21_c22,  # control characters
    stringprep.in_table_c3,  # private use
    stringprep.in_table_c4,  # non-characters
    stringprep.in_table_c5,  # surrogates
    stringprep.in_table_c6,  # not for plain text
    stringprep.in_table_c7,  # not for canonical representation
    stringprep.in_table_c8,  # change of display, deprecated
    stringprep.in_table_c9,  # tagging
    stringprep.in_table_a1,  # not assigned in Unicode 3.2
)


def saslprep(text: str) -> str:
    """`text` prepared for comparison. Raises ValueError, which never quotes the text: it is a password."""
    # U+200B is in both tables; as in PostgreSQL it is a space first.
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if stringprep.in_table_c12(char) or not stringprep.in_table_b1(char)
    )
    if not mapped:
        raise ValueError("nothing is left of the text")
    if any(prohibited(char) for char in mapped for prohibited in _PROHIBITED):
        raise ValueError("the text contains a prohibited or unassigned character")
    _check_direction(mapped)
    # Today's NFKC: it differs from that of Unicode 3.2 only for characters that were refused above as unassigned, and
    # for a few ideographs whose mapping was corrected since (corrigendum 4), where PostgreSQL uses the corrected one
    # too.
    return unicodedata.normalize("NFKC", mapped)


def prepare(password: str) -> bytes:
    """The bytes that SCRAM hashes for `password`: SASLprep's where it can, else the password's own.

    A password that came from the network and is not UTF-8 is passed in decoded with `surrogateescape`.
    """
    try:
        return saslprep(password).encode()
    except ValueError:
        return password.encode(errors="surrogateescape")


def _check_direction(text: str) -> None:
    """RFC 3454 §6: right-to-left text has no left-to-right characters and is right-to-left at both ends."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ValueError("the text mixes characters of both directions")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left text must begin and end with a right-to-left character")
