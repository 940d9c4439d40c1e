"""Every key, declared once: the bindings, the footer, the help and the table of docs/agroal-top.md are made from it.

Small letters change what is shown, capitals what the daemon does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from textual.binding import Binding


class Where(Enum):
    """Who listens to a key."""

    MAIN = "everywhere"
    TABLE = "in a table"
    GRID = "in the grid of slots"
    LOG = "in the log"
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

    @property
    def label(self) -> str:
        return self.shown or ", ".join(key.replace("_", " ") for key in self.keys.split(","))


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
    Key("plus,equals_sign", "interval(1)", "fewer snapshots", footer="Slower", shown="+"),
    Key("minus", "interval(-1)", "more snapshots", footer="Faster", shown="-"),
    Key("colon,ctrl+p", "palette", "the command palette", footer="Cmd", shown=":, ctrl+p"),
    *_GO,
    Key("left_square_bracket", "turn(-1)", "the page before; on Traffic and Waits, a shorter window", shown="["),
    Key("right_square_bracket", "turn(1)", "the next page; on Traffic and Waits, a longer window", shown="]"),
    Key("escape", "back", "clear the filter, else back to where you came from", shown="esc"),
    Key("less_than_sign", "sort(-1)", "sort by the column before", shown="<"),
    Key("greater_than_sign", "sort(1)", "sort by the next column", shown=">"),
    Key("r", "reverse", "turn the order around; while agroal is lost, try again now"),
    Key("i", "idle", "hide clients that do nothing, or show them again"),
    Key("b", "grouping", "group the slots by number, pool, server or state"),
    Key("h", "heat", "colour the slots by state, age, time in it, or queries"),
    Key("m", "maximize", "give the focused panel the whole page, or take it back"),
    Key("y", "copy", "copy the object under the cursor to the clipboard of the terminal"),
    Key("w", "write", "write the screen to an SVG file"),
    Key("p", "ping", "ask agroal and the servers whether they are alive"),
    Key("ctrl+l", "repaint", "draw everything anew"),
    Key("F", "act('flush')", "flush connections: idle, gracefully or all", acts=True),
    Key("E", "act('enable')", "let new clients into the database", acts=True),
    Key("D", "act('disable')", "refuse new clients of the database", acts=True),
    Key("K", "act('kill')", "end the connection of the client", acts=True),
    Key("C", "act('reload')", "read the configuration files anew", acts=True),
    Key("Z", "act('clear')", "let all totals begin anew", acts=True),
    Key("S", "act('shutdown')", "stop agroal: gracefully, at once, or take it back", acts=True),
    Key("comma", "step(-1)", "the picture before", Where.REPLAY, shown=","),
    Key("full_stop", "step(1)", "the next picture", Where.REPLAY, shown="."),
    Key("left_curly_bracket", "skip(-60)", "a minute back", Where.REPLAY, shown="{"),
    Key("right_curly_bracket", "skip(60)", "a minute on", Where.REPLAY, shown="}"),
    Key("x", "speed", "faster; after the fastest speed the slowest", Where.REPLAY),
    Key("n", "mark(1)", "the next event", Where.REPLAY),
    Key("N", "mark(-1)", "the event before", Where.REPLAY),
    Key("enter", "choose", "details, or what is behind it", Where.TABLE, shown="enter"),
    Key("up,k", "move(-1)", "the row above", Where.TABLE),
    Key("down,j", "move(1)", "the row below", Where.TABLE),
    Key("pageup,ctrl+b", "page(-1)", "a page up", Where.TABLE),
    Key("pagedown,ctrl+f", "page(1)", "a page down", Where.TABLE),
    Key("home", "first", "the first row", Where.TABLE),
    Key("end", "last", "the last row", Where.TABLE),
    Key("enter", "choose", "the client behind the slot", Where.GRID, shown="enter"),
    Key("left", "move(-1, 0)", "the slot to the left", Where.GRID),
    Key("right,l", "move(1, 0)", "the slot to the right", Where.GRID),
    Key("up,k", "move(0, -1)", "the slot above", Where.GRID),
    Key("down,j", "move(0, 1)", "the slot below", Where.GRID),
    Key("home", "first", "the first slot", Where.GRID),
    Key("end", "last", "the last slot", Where.GRID),
    Key("t", "tab", "the log, the events, or what was done from here", Where.LOG),
    Key("l", "level", "the least grave lines that are shown", Where.LOG),
    Key("f", "follow", "stay at the newest line, or stay here", Where.LOG),
)


def of(*where: Where, read_only: bool = False) -> Iterator[Key]:
    """The keys of some places; those that change the daemon only for who may."""
    return (key for key in KEYS if key.where in where and not (read_only and key.acts))


def bindings(where: Where) -> Iterator[Binding]:
    """For Textual. A binding's id is what a keymap of the user's own calls it."""
    for key in of(where):
        yield Binding(
            key.keys,
            key.action,
            key.footer or key.doc,
            show=bool(key.footer),
            key_display=key.label.split(", ")[0] if key.footer else None,
            tooltip=key.doc,
            id=f"{where.name.lower()}.{key.action}",
        )


def markdown() -> str:
    """The table of the documentation."""
    lines = ["| key | where | does | changes agroal |", "|---|---|---|---|"]
    for key in KEYS:
        names = ", ".join(f"`{name}`" for name in key.label.split(", "))
        lines.append(f"| {names} | {key.where.value} | {key.doc} | {'yes' if key.acts else ''} |")
    return "\n".join(lines) + "\n"
