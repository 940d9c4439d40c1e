"""Every key, declared once: the bindings, the footer, the help and the table of docs/agroal-top.md are made from it.

Small letters change what is shown, capitals what the daemon does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from textual.binding import Binding


class Where(Enum):
    """Who listens to a key."""

    MAIN = "everywhere"
    TABLE = "in a table"
    GRID = "in the grid of slots"
    LOG = "in the log"
    CONFIG = "on the page Config"
    REPLAY = "in a recording"


@dataclass(frozen=True, slots=True)
class Key:
    keys: str
    """As Textual calls them, separated by commas."""
    action: str
    doc: str
    where: Where = Where.MAIN
    footer: str = ""
    """Its word in the footer; empty when it is not shown there."""
    shown: str = ""
    """How people write the keys; empty when that is what `keys` says."""
    acts: bool = False
    """Changes the daemon: nothing for those who may only look."""
    called: str = ""
    """Its name within `where`; empty when the action says it."""

    @property
    def label(self) -> str:
        return self.shown or spelled(self.keys)

    @property
    def id(self) -> str:
        """What a keymap of the user's own calls it."""
        found = _ARGUMENT.search(self.action)
        return f"{self.where.name.lower()}.{self.called or (found[1] if found else self.action)}"


_ARGUMENT = re.compile(r"\('(\w+)'\)")


def spelled(keys: str) -> str:
    """Keys as people write them."""
    return ", ".join(key.replace("_", " ") for key in keys.split(","))


PAGES = (
    ("overview", "Overview", "Over"),
    ("pools", "Pools", "Pool"),
    ("slots", "Slots", "Slot"),
    ("clients", "Clients", "Clnt"),
    ("servers", "Servers", "Serv"),
    ("waits", "Waits", "Wait"),
    ("traffic", "Traffic", "Traf"),
    ("security", "Security", "Sec"),
    ("log", "Log", "Log"),
    ("config", "Config", "Conf"),
)
"""Name, title and short title; the first has the key 1, the last 0."""

_GO = tuple(
    Key(str(number % 10), f"go('{name}')", f"the page {title}")
    for number, (name, title, _) in enumerate(PAGES, start=1)
)

KEYS: tuple[Key, ...] = (
    Key("question_mark,f1", "help", "the keys of this page", footer="Help", shown="?, F1"),
    Key("q,ctrl+q", "quit", "leave agroal-top; agroal goes on", footer="Quit"),
    Key("a", "actions", "what can be done with the object under the cursor", footer="Actions", acts=True),
    Key("slash", "filter", "show only what matches, see below", footer="Filter", shown="/"),
    Key("space", "pause", "stop the picture; counting goes on", footer="Pause"),
    Key("plus,equals_sign", "interval(1)", "fewer snapshots", footer="Slow", shown="+", called="slower"),
    Key("minus", "interval(-1)", "more snapshots", footer="Fast", shown="-", called="faster"),
    Key("colon,ctrl+p", "palette", "the command palette", footer="Cmd", shown=":, ctrl+p"),
    *_GO,
    Key(
        "left_square_bracket",
        "turn(-1)",
        "the page before; on Traffic and Waits, a shorter window",
        shown="[",
        called="before",
    ),
    Key(
        "right_square_bracket",
        "turn(1)",
        "the next page; on Traffic and Waits, a longer window",
        shown="]",
        called="next",
    ),
    Key("escape", "back", "clear the filter, else back to where you came from", shown="esc"),
    Key("less_than_sign", "sort(-1)", "sort by the column before", shown="<", called="sort-before"),
    Key("greater_than_sign", "sort(1)", "sort by the next column", shown=">", called="sort-next"),
    Key("r", "reverse", "turn the order around; while agroal is lost, try again now"),
    Key("i", "idle", "hide clients that do nothing, or show them again"),
    Key("b", "grouping", "group the slots by number, pool, server or state"),
    Key("h", "heat", "colour the slots by state, age, time in it, or queries"),
    Key("m", "maximize", "give the focused panel the whole page, or take it back"),
    Key("y", "copy", "copy the object under the cursor to the clipboard of the terminal"),
    Key("w", "write", "write what is seen to a file: SVG, text, JSON or CSV", footer="Write"),
    Key("ctrl+r", "record", "begin a recording, or end it", footer="Rec"),
    Key("p", "ping", "ask agroal and the servers whether they are alive"),
    Key("ctrl+l", "repaint", "draw everything anew"),
    Key("F", "act('flush')", "flush connections: idle, gracefully or all", acts=True),
    Key("E", "act('enable')", "let new clients into the database", acts=True),
    Key("D", "act('disable')", "refuse new clients of the database", acts=True),
    Key(
        "P",
        "act('pause')",
        "hold the clients of the database, so that PostgreSQL can be restarted",
        acts=True,
        called="hold",
    ),
    Key("R", "act('resume')", "let the clients of a paused database go on", acts=True),
    Key("O", "act('reconnect')", "replace the connections: idle ones now, others when they come back", acts=True),
    Key("K", "act('kill')", "end the connection of the client", acts=True),
    Key("V", "act('set')", "give the parameter another value until the next reload", acts=True),
    Key("C", "act('reload')", "read the configuration files anew", acts=True),
    Key("Z", "act('clear')", "let all totals begin anew", acts=True),
    Key("S", "act('shutdown')", "stop agroal: gracefully, at once, or take it back", acts=True),
    Key("comma", "step(-1)", "the picture before", Where.REPLAY, shown=",", called="before"),
    Key("full_stop", "step(1)", "the next picture", Where.REPLAY, shown=".", called="next"),
    Key("left_curly_bracket", "skip(-60)", "a minute back", Where.REPLAY, shown="{", called="back"),
    Key("right_curly_bracket", "skip(60)", "a minute on", Where.REPLAY, shown="}", called="on"),
    Key("x", "speed", "faster; after the fastest speed the slowest", Where.REPLAY),
    Key("T", "seek", "go to a time, or so far on or back", Where.REPLAY),
    Key("n", "mark(1)", "the next event", Where.REPLAY, called="next-event"),
    Key("N", "mark(-1)", "the event before", Where.REPLAY, called="event-before"),
    Key("enter", "choose", "details, or what is behind it", Where.TABLE, shown="enter"),
    Key("up,k", "move(-1)", "the row above", Where.TABLE, called="up"),
    Key("down,j", "move(1)", "the row below", Where.TABLE, called="down"),
    Key("pageup,ctrl+b", "page(-1)", "a page up", Where.TABLE, called="page-up"),
    Key("pagedown,ctrl+f", "page(1)", "a page down", Where.TABLE, called="page-down"),
    Key("home", "first", "the first row", Where.TABLE),
    Key("end", "last", "the last row", Where.TABLE),
    Key("enter", "choose", "the client behind the slot", Where.GRID, shown="enter"),
    Key("left", "move(-1, 0)", "the slot to the left", Where.GRID, called="left"),
    Key("right,l", "move(1, 0)", "the slot to the right", Where.GRID, called="right"),
    Key("up,k", "move(0, -1)", "the slot above", Where.GRID, called="up"),
    Key("down,j", "move(0, 1)", "the slot below", Where.GRID, called="down"),
    Key("home", "first", "the first slot", Where.GRID),
    Key("end", "last", "the last slot", Where.GRID),
    Key("t", "tab", "the log, the events, or what was done from here", Where.LOG),
    Key("l", "level", "the least grave lines that are shown", Where.LOG),
    Key("f", "follow", "stay at the newest line, or stay here", Where.LOG),
    Key("t", "tab", "the parameters, the lines of the databases file, or the files", Where.CONFIG),
)


def of(*where: Where, read_only: bool = False) -> Iterator[Key]:
    """The keys of some places; those that change the daemon only for who may."""
    return (key for key in KEYS if key.where in where and not (read_only and key.acts))


def bindings(where: Where) -> Iterator[Binding]:
    """For Textual."""
    for key in of(where):
        yield Binding(key.keys, key.action, key.doc, show=False, id=key.id)


def labels(keymap: Mapping[str, str]) -> dict[str, str]:
    """How each key is written, by its id, where the user's own keymap has moved some."""
    return {key.id: spelled(keymap[key.id]) if key.id in keymap else key.label for key in KEYS}


def unknown(keymap: Mapping[str, str]) -> list[str]:
    """The names in it that no key has."""
    known = {key.id for key in KEYS}
    return [name for name in keymap if name not in known]


def markdown() -> str:
    """The table of the documentation."""
    lines = ["| key | where | does | changes agroal | its name |", "|---|---|---|---|---|"]
    for key in KEYS:
        names = ", ".join(f"`{name}`" for name in key.label.split(", "))
        lines.append(f"| {names} | {key.where.value} | {key.doc} | {'yes' if key.acts else ''} | `{key.id}` |")
    return "\n".join(lines) + "\n"
