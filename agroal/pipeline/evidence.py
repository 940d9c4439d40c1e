"""What a client of the transaction pipeline leaves behind in the session, told from words and tags.

A temporary table, a LISTEN, a lock, a setting: whatever outlives a transaction would be met by the next client that has
the server, and missed by its maker. Some commands say so by their tag when they are completed. For what functions do
there is only the text of the statement. What a function of the user's own does, nobody can tell from outside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agroal.wire.words import OPENING, SUSPICIOUS


class Trace(StrEnum):
    """What was left behind. The value is for people, the name for programs."""

    SETTING = "it has set a parameter that agroal can't carry to another server"
    LISTEN = "it listens to notifications"
    TEMPORARY = "it has made a temporary table or view"
    LOCK = "it has taken a session-level advisory lock"
    CURSOR = "it has opened a cursor WITH HOLD"
    PREPARED = "it has prepared a statement by SQL"
    LONG_STATEMENT = "it has prepared a statement that is too long to be prepared again on another server"


@dataclass(frozen=True, slots=True)
class Deallocated:
    """A name in a DEALLOCATE."""

    start: int
    end: int
    """Where it is in the text, quotes included."""
    name: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the text of a statement shows."""

    traces: frozenset[Trace] = frozenset()
    settings: tuple[str, ...] = ()
    """The parameters that its SET commands name, each in lower case; LOCAL ones are left out, but count as empty."""
    deallocates: tuple[Deallocated, ...] = ()
    """The statements that it deallocates by name."""
    ends: frozenset[Trace] = frozenset()
    """It gives back all that it has of these."""
    forgets: bool = False
    """It may make the server forget all prepared statements."""


NOTHING: Final = Evidence()

_QUOTED: Final = (
    rb"|(?<!\w)[eE]'(?:[^'\\]|\\(?s:.))*+(?:'|\Z)|'[^']*+(?:'|\Z)"
    rb'|"[^"]*+(?:"|\Z)'
    rb"|(?<![\w$])\$(?P<dollars>(?:[^\W\d]\w*+)?+)\$(?s:.*?)(?:\$(?P=dollars)\$|\Z)"
    rb"|--[^\n]*+|/\*(?s:.*?)(?:\*/|\Z)"
)
"""What looks like a statement inside of these is none."""
_FUNCTIONS: Final = re.compile(
    rb"\b(?:(?P<lock>pg_(?:try_)?advisory_lock(?:_shared)?\s*\()"
    rb"|(?P<local>set_config\s*\([^()]*,\s*(?:true|'t(?:rue)?'|'on')\s*\))|set_config\s*\(\s*'jit'|(?P<setting>set_config\s*\()"
    rb"|(?P<temporary>(?:create|into)\s+(?:or\s+replace\s+)?(?:(?:local|global)\s+)?temp(?:orary)?\b)"
    rb"|(?P<hold>with\s+hold\b))",
    re.IGNORECASE,
)
_SET: Final = re.compile(
    rb"(?:^|;)"
    + OPENING
    + rb"set\b"
    + OPENING
    + rb"(?:(?P<nothing>local\b|transaction\b|constraints\b)|(?:session\s+(?!authorization\b|characteristics\b))?"
    rb"(?:(?P<zone>time\s+zone)\b|(?P<names>names)\b|(?P<schema>schema)\b"
    rb'|(?P<name>(?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))*)))' + _QUOTED,
    re.IGNORECASE,
)
_DEALLOCATE: Final = re.compile(
    rb"(?:^|;)" + OPENING + rb"deallocate\b" + OPENING + rb"(?:prepare\b" + OPENING + rb")?+(?!all\b)"
    rb'(?:(?P<quoted>"(?:[^"]|"")+")|(?P<name>[^\W\d][\w$]*))' + _QUOTED,
    re.IGNORECASE,
)
_ENDS: Final = re.compile(
    rb"(?:^|;)" + OPENING + rb"(?:(?P<reset>reset\b" + OPENING + rb"all\b)|(?P<unlisten>unlisten\b" + OPENING + rb"\*)"
    rb"|(?P<forget>(?:deallocate\b" + OPENING + rb"(?:prepare\b" + OPENING + rb")?|discard\b" + OPENING + rb")all\b))"
    rb"|\b(?P<unlock>pg_advisory_unlock_all\b)" + _QUOTED,
    re.IGNORECASE,
)
_BY_GROUP: Final = {
    "lock": Trace.LOCK,
    "setting": Trace.SETTING,
    "temporary": Trace.TEMPORARY,
    "hold": Trace.CURSOR,
}
_ENDED_BY_GROUP: Final = {"unlock": Trace.LOCK, "reset": Trace.SETTING, "unlisten": Trace.LISTEN}


def read(text: bytes) -> Evidence:
    """What the text shows; NOTHING itself, if that is nothing."""
    if not SUSPICIOUS.search(text):
        return NOTHING
    groups = {found.lastgroup or "" for pattern in (_FUNCTIONS, _ENDS) for found in pattern.finditer(text)}
    evidence = Evidence(
        frozenset(trace for group, trace in _BY_GROUP.items() if group in groups),
        tuple(name for found in _SET.finditer(text) if (name := _setting(found)) is not None),
        _deallocated(text),
        frozenset(trace for group, trace in _ENDED_BY_GROUP.items() if group in groups),
        "forget" in groups,
    )
    return NOTHING if evidence == NOTHING else evidence


def _setting(found: re.Match[bytes]) -> str | None:
    for group, name in (("nothing", ""), ("zone", "timezone"), ("names", "client_encoding"), ("schema", "search_path")):
        if found[group]:
            return name
    return found["name"].decode("utf-8", "replace").strip('"').lower() if found["name"] else None


def _deallocated(text: bytes) -> tuple[Deallocated, ...]:
    found = []
    for one in _DEALLOCATE.finditer(text):
        quoted, name = one["quoted"], one["name"]
        if quoted:
            found.append(Deallocated(*one.span("quoted"), quoted[1:-1].replace(b'""', b'"')))
        elif name:
            found.append(Deallocated(*one.span("name"), name.lower()))
    return tuple(found)


class Traces:
    """What one client has left behind on its server, as far as is known."""

    def __init__(self) -> None:
        self.left: set[Trace] = set()
        """Always this very set."""
        self.prepared = 0
        """Statements by SQL, and DEALLOCATEs under way of others."""

    def weigh(
        self, tags: Iterable[bytes], seen: Iterable[Evidence], reported: Collection[str], *, failed: bool
    ) -> None:
        """A turn is over: these commands were completed in it, and this was seen of its statements.

        `reported`: the parameters, in lower case, that the server reports, so that they can be carried to another.
        `failed`: there was an error. Then, or if something was rolled back, nothing counts as ended: what it was that
        failed or came back is not known. Nor is the order of texts and commands: what was made in this turn stays.
        """
        tags = list(tags)
        settings = [name for evidence in seen for name in evidence.settings]
        made: set[Trace] = set()
        ended: set[Trace] = set()
        for evidence in seen:
            made |= evidence.traces
            ended |= evidence.ends
        for tag in tags:
            self._weigh(tag, settings, reported, made, ended)
        if failed or b"ROLLBACK" in tags:
            ended.clear()
        self.left -= ended
        self.left |= made
        if not self.prepared:
            self.left.discard(Trace.PREPARED)

    def _weigh(
        self, tag: bytes, settings: list[str], reported: Collection[str], made: set[Trace], ended: set[Trace]
    ) -> None:
        match tag:
            case b"SET":
                name = settings.pop(0) if settings else None
                if name is None or (name and name not in reported):
                    made.add(Trace.SETTING)
            case b"LISTEN":
                made.add(Trace.LISTEN)
            case b"PREPARE":
                self.prepared += 1
                made.add(Trace.PREPARED)
            case b"DEALLOCATE":
                self.prepared = max(0, self.prepared - 1)
            case b"DEALLOCATE ALL":
                self.prepared = 0
            case b"DISCARD TEMP":
                ended.add(Trace.TEMPORARY)
            case b"DISCARD ALL":
                self.prepared = 0
                ended.update(Trace)
