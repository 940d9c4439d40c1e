"""What a statement means: the table that it shows, the command that it gives, or a courtesy to a driver.

Drivers, psql and frameworks talk to whatever they connect to as to a PostgreSQL: they open transactions, set and show
settings, ask for the version. Where the true answer is harmless they get it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from agroal.console import commands, shows
from agroal.console.commands import Command
from agroal.console.face import Face
from agroal.console.identity import ENCODING, FUNCTIONS, IGNORED, Identity
from agroal.console.inside import EQUIVALENTS
from agroal.console.table import AnyShow, Row
from agroal.console.tokens import SYNTAX_ERROR, Kind, Statement, Token
from agroal.console.values import Type, Value
from agroal.errors import ConsoleError

UNSUPPORTED: Final = "0A000"
HINT: Final = "SHOW HELP lists what the console knows."

Columns = tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Show a table."""

    show: AnyShow


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out a command."""

    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class Assign:
    """Change a key of the configuration."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Say:
    """Answer out of politeness: a row, or (without columns) just that it is done."""

    tag: str
    columns: Columns = ()
    values: Callable[[Identity], Row] = lambda _: ()


@dataclass(frozen=True, slots=True)
class Transact:
    """BEGIN, COMMIT or ROLLBACK. What was done is done: only the status changes."""

    tag: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop a prepared statement, or (None) all."""

    tag: str
    name: str | None


Plan = Look | Do | Assign | Say | Transact | Forget


def columns_of(plan: Plan, face: Face) -> Columns | None:
    """None where there are no rows."""
    match plan:
        case Look(show):
            return tuple((column.name, column.type) for column in show.seen(face))
        case Say(_, columns) if columns:
            return columns
    return None


def plan(statement: Statement, identity: Identity) -> Plan:
    """Raises ConsoleError."""
    first, rest = statement[0], statement[1:]
    word = first.text.upper() if first.kind is Kind.WORD else ""
    if command := commands.BY_NAME.get(word):
        return Do(command, command.checked(_names(rest)))
    match word:
        case "SHOW":
            return _show(rest, identity)
        case "SET":
            return _set(rest, identity.face)
        case "SELECT":
            return _select(rest)
        case "BEGIN" | "START":
            return Transact("BEGIN")
        case "COMMIT" | "END":
            return Transact("COMMIT")
        case "ROLLBACK" | "ABORT":
            return Transact("ROLLBACK")
        case "DEALLOCATE":
            return _deallocate(rest)
        case "DISCARD" if rest and rest[0].is_word("ALL", "PLANS", "TEMP", "TEMPORARY", "SEQUENCES"):
            tag = f"DISCARD {rest[0].text.upper()}"
            return Forget(tag, None) if rest[0].is_word("ALL") else Say(tag)
        case "RESET" if rest and (rest[0].is_word("ALL") or rest[0].text.lower() in IGNORED):
            return Say("RESET")
        case "CLOSE" if rest and rest[0].is_word("ALL"):
            return Say("CLOSE CURSOR ALL")
        case "UNLISTEN":
            return Say("UNLISTEN")
    raise _unknown(first)


def _unknown(first: Token) -> ConsoleError:
    near = get_close_matches(first.text.upper()[:64], (*commands.BY_NAME, "SHOW", "SET"), n=1)
    did_you = f"Did you mean {near[0]}? " if near else ""
    return ConsoleError(SYNTAX_ERROR, f"unknown command: {first.text[:64]!a}", hint=did_you + HINT)


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    if any(token.kind is Kind.SIGN for token in tokens):
        raise ConsoleError(
            SYNTAX_ERROR, "expected a name", hint="Quote it if it is not just letters, digits and underscores."
        )
    return tuple(token.text for token in tokens)


def _show(rest: Sequence[Token], identity: Identity) -> Plan:
    words = _names(rest)
    match [word.lower() for word in words]:
        case []:
            raise ConsoleError(SYNTAX_ERROR, "something is missing after SHOW", hint=HINT)
        case ["transaction", "isolation", "level"]:
            name = "transaction_isolation"
        case ["time", "zone"]:
            name = "timezone"
        case [name]:
            if show := shows.BY_NAME.get(name):
                return Look(show)
        case _:
            raise ConsoleError(SYNTAX_ERROR, "too many words: expected SHOW and one name", hint=HINT)
    value = identity.parameter(name)
    if value is not None:
        return Say("SHOW", ((words[0] if len(words) == 1 else name, Type.TEXT),), lambda _: (value,))
    near = get_close_matches(name[:64], shows.BY_NAME, n=1)
    did_you = f"Did you mean SHOW {near[0].upper()}? " if near else ""
    raise ConsoleError("42704", f"there is nothing to show by the name {name[:64]!a}", hint=did_you + HINT)


def _set(rest: Sequence[Token], face: Face) -> Plan:
    if rest and rest[0].is_word("SESSION", "LOCAL") and len(rest) > 1 and not rest[1].is_sign("="):
        rest = rest[1:]
    if rest and rest[0].is_word("TRANSACTION", "CHARACTERISTICS"):
        return Say("SET")
    if len(rest) == 3 and rest[0].is_word("TIME") and rest[1].is_word("ZONE"):
        return Say("SET")
    if len(rest) == 2 and rest[0].is_word("NAMES"):
        return _encoding(rest[1].text)
    at = next((i for i, token in enumerate(rest) if token.is_sign("=") or token.is_word("TO")), 0)
    key, values = "".join(token.text for token in rest[:at]), rest[at + 1 :]
    if not key or not values:
        raise ConsoleError(SYNTAX_ERROR, "expected SET key = value")
    name = key.lower()
    if name == "client_encoding":
        return _encoding(values[0].text)
    if name in IGNORED:
        return Say("SET")
    if len(values) != 1 or values[0].kind is Kind.SIGN:
        raise ConsoleError(SYNTAX_ERROR, "expected SET key = value, and one value", hint="Quote it: 'value'.")
    known = EQUIVALENTS.get(name, key) if face is Face.PGBOUNCER else key
    return Assign(known, values[0].text)


def _encoding(name: str) -> Plan:
    if name.replace("-", "").upper() not in (ENCODING, "UNICODE", "DEFAULT", "SQL_ASCII"):
        raise ConsoleError("22023", f"the console speaks {ENCODING} only")
    return Say("SET")


def _deallocate(rest: Sequence[Token]) -> Plan:
    if rest and rest[0].is_word("PREPARE"):
        rest = rest[1:]
    match rest:
        case [token] if token.is_word("ALL"):
            return Forget("DEALLOCATE ALL", None)
        case [token] if token.kind in (Kind.WORD, Kind.NAME):
            return Forget("DEALLOCATE", token.text.lower() if token.kind is Kind.WORD else token.text)
    raise ConsoleError(SYNTAX_ERROR, "expected DEALLOCATE and a name")


def _select(rest: Sequence[Token]) -> Plan:
    """A list of constants and of functions that drivers call."""
    columns: list[tuple[str, Type]] = []
    values: list[Callable[[Identity], Value]] = []
    at = 0
    while at < len(rest):
        name, type_, value, at = _expression(rest, at)
        if at < len(rest) and rest[at].is_word("AS"):
            at += 1
        if at < len(rest) and rest[at].kind in (Kind.WORD, Kind.NAME):
            name, at = rest[at].text, at + 1
        columns.append((name, type_))
        values.append(value)
        if (at < len(rest) and not rest[at].is_sign(",")) or at == len(rest) - 1:
            raise _no_database()
        at += 1
    if not columns:
        raise _no_database()
    return Say("SELECT 1", tuple(columns), lambda who: tuple(value(who) for value in values))


def _expression(tokens: Sequence[Token], at: int) -> tuple[str, Type, Callable[[Identity], Value], int]:
    """Its name, type and value, and where it ends."""
    if tokens[at].is_word("PG_CATALOG") and at + 2 < len(tokens) and tokens[at + 1].is_sign("."):
        at += 2
    token = tokens[at]
    if token.kind is Kind.TEXT:
        return "?column?", Type.TEXT, lambda _: token.text, at + 1
    if token.kind is not Kind.WORD:
        raise _no_database()
    if token.text.isascii() and token.text.isdigit() and len(token.text) < 10:
        return "?column?", Type.INT4, lambda _: int(token.text), at + 1
    match token.text.lower():
        case "true" | "false" as word:
            return "bool", Type.BOOL, lambda _: word == "true", at + 1
        case "null":
            return "?column?", Type.TEXT, lambda _: None, at + 1
        case name if name in FUNCTIONS:
            called = [sign.text for sign in tokens[at + 1 : at + 3]] == ["(", ")"]
            type_, value = FUNCTIONS[name]
            return name, type_, value, at + (3 if called else 1)
    raise _no_database()


def _no_database() -> ConsoleError:
    return ConsoleError(UNSUPPORTED, "the console is no database: it can't execute this SELECT", hint=HINT)
