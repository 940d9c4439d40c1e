"""A tiny model of PostgreSQL: prepared statements, portals, transactions, and that an error skips to the next Sync.

It is asked and answers in bytes. What it does not know, it answers as SELECT: with one row, of the text itself.
"""

from __future__ import annotations

import struct

from agroal.wire.answer import messages
from tests.unit.wire.messages import error, message

ABORTED = "current transaction is aborted, commands ignored until end of transaction block"
MAX = 1 << 20
EXITS = (b"COMMIT", b"ROLLBACK")


def parse(name: str, text: str) -> bytes:
    return message("P", f"{name}\0{text}\0".encode() + bytes(2))


def bind(name: str, portal: str = "") -> bytes:
    return message("B", f"{portal}\0{name}\0".encode() + bytes(6))


def execute(portal: str = "") -> bytes:
    return message("E", portal.encode() + b"\0" + bytes(4))


def describe(what: str, name: str = "") -> bytes:
    """`what`: S, a statement, or P, a portal."""
    return message("D", f"{what}{name}\0".encode())


def close(what: str, name: str = "") -> bytes:
    return message("C", f"{what}{name}\0".encode())


def query(text: str) -> bytes:
    return message("Q", text.encode() + b"\0")


class Refusal(Exception):
    """What the server answers instead."""

    def __init__(self, code: str, text: str) -> None:
        self.response = error("SERROR", "VERROR", f"C{code}", f"M{text}")


class ModelServer:
    """One connection to it."""

    def __init__(self) -> None:
        self.statements: dict[bytes, bytes] = {}
        """By name, the unnamed one, too: its text."""
        self.refusals: list[str] = []
        """SQLSTATEs that the next Binds are answered with, although they are right."""
        self.heard: list[tuple[str, bytes]] = []
        """Kind and body of all that it was sent."""
        self._portals: dict[bytes, bytes] = {}
        self._status = b"I"
        self._skipping = False
        self._unread = b""
        self._answers = {
            "P": self._prepare,
            "B": self._bind,
            "D": self._describe,
            "E": self._execute,
            "C": self._close,
            "Q": self._query,
        }

    @property
    def in_trouble(self) -> bool:
        """It does not do what it is asked."""
        return self._skipping or self._status == b"E"

    def hear(self, data: bytes) -> bytes:
        """What it answers to this."""
        self._unread += data
        answer, at = b"", 0
        for kind, start, end in messages(self._unread, MAX):
            answer += self._hear(chr(kind), self._unread[start:end])
            at = end
        self._unread = self._unread[at:]
        return answer

    def _hear(self, kind: str, body: bytes) -> bytes:
        self.heard.append((kind, body))
        if kind == "S":
            self._skipping = False
            if self._status == b"I":
                self._portals.clear()
            return message("Z", self._status)
        if self._skipping or kind == "H":
            return b""
        try:
            answer = self._answers[kind](body)
        except Refusal as refused:
            self._portals.clear()
            self._skipping = kind != "Q"
            if self._status == b"T":
                self._status = b"E"
            answer = refused.response
        return answer + message("Z", self._status) if kind == "Q" else answer

    def _prepare(self, body: bytes) -> bytes:
        name, text, _ = body.split(b"\0", 2)
        if not name:
            self.statements.pop(b"", None)
        if text.startswith(b"SELEC "):
            raise Refusal("42601", 'syntax error at or near "SELEC"')
        if text:
            self._check(text)
        if name and name in self.statements:
            raise Refusal("42P05", f'prepared statement "{name.decode()}" already exists')
        self.statements[name] = text
        return message("1")

    def _bind(self, body: bytes) -> bytes:
        portal, name, _ = body.split(b"\0", 2)
        text = self._statement(name)
        self._check(text)
        if self.refusals and name:
            code = self.refusals.pop(0)
            raise Refusal(
                code, {"0A000": "cached plan must not change result type"}.get(code, f'about "{name.decode()}"')
            )
        if portal and portal in self._portals:
            raise Refusal("42P03", f'cursor "{portal.decode()}" already exists')
        self._portals[portal] = text
        return message("2")

    def _describe(self, body: bytes) -> bytes:
        name = body[1:-1]
        if body[:1] == b"S":
            text = self._statement(name)
            if text:  # PostgreSQL would describe BEGIN here, too, but could not be given it (libpq asks for neither)
                self._check(text)
            return message("t", bytes(2)) + (_shape() if text.startswith(b"SELECT") else message("n"))
        text = self._portal(name)
        return _shape() if text.startswith(b"SELECT") else message("n")

    def _execute(self, body: bytes) -> bytes:
        text = self._portal(body[: body.index(b"\0")])
        self._check(text)
        return self._run(text)

    def _close(self, body: bytes) -> bytes:
        (self.statements if body[:1] == b"S" else self._portals).pop(body[1:-1], None)
        return message("3")

    def _query(self, body: bytes) -> bytes:
        text = body[:-1]
        self.statements.pop(b"", None)
        self._portals.pop(b"", None)
        if text:
            self._check(text)
        if text.startswith(b"SELEC "):
            raise Refusal("42601", 'syntax error at or near "SELEC"')
        answer = (_shape() if text.startswith(b"SELECT") else b"") + self._run(text)
        if self._status == b"I":
            self._portals.clear()
        return answer

    def _run(self, text: bytes) -> bytes:
        word, _, rest = text.partition(b" ")
        if not text:
            return message("I")
        if word == b"BEGIN":
            self._status = b"T"
        elif text in EXITS:
            text, self._status = (b"ROLLBACK" if self._status == b"E" else text), b"I"
            self._portals.clear()
        elif text == b"DISCARD ALL" and self._status != b"I":
            raise Refusal("25001", "DISCARD ALL cannot run inside a transaction block")
        elif text in (b"DEALLOCATE ALL", b"DISCARD ALL"):
            self.statements = {b"": self.statements[b""]} if b"" in self.statements else {}
        elif word == b"DEALLOCATE":
            self._statement(rest.strip(b'"'))
            del self.statements[rest.strip(b'"')]
            text = word
        elif text.endswith(b"1/0"):
            raise Refusal("22012", "division by zero")
        elif word == b"SELECT":
            return message("D", struct.pack("!HI", 1, len(text)) + text) + message("C", b"SELECT 1\0")
        return message("C", text + b"\0")

    def _statement(self, name: bytes) -> bytes:
        if name in self.statements:
            return self.statements[name]
        which = f'prepared statement "{name.decode()}"' if name else "unnamed prepared statement"
        raise Refusal("26000", f"{which} does not exist")

    def _portal(self, name: bytes) -> bytes:
        if name not in self._portals:
            raise Refusal("34000", f'portal "{name.decode()}" does not exist')
        return self._portals[name]

    def _check(self, text: bytes) -> None:
        if self._status == b"E" and text not in EXITS:
            raise Refusal("25P02", ABORTED)


def _shape() -> bytes:
    return message("T", struct.pack("!H", 1) + b"said\0" + bytes(18))
