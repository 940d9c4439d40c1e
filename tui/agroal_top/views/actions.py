"""What can be done to the daemon, what has to be confirmed how, and how each is said and typed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from agroal.management.client import neutral
from agroal.management.snapshot import Client
from agroal_top.source import Setting

LINES = 6
"""Of changes that a dialog has room for."""
MASK = "********"
TOKEN = 64
"""Characters of a value that a dialog has room for."""


class Tier(IntEnum):
    """How much harm it can do, and so what is asked before."""

    FREE = 0
    """nothing is asked"""
    REVERSIBLE = 1
    """yes or no"""
    DESTRUCTIVE = 2
    """the object's name has to be typed"""
    STOP = 3
    """the instance's name has to be typed"""


@dataclass(frozen=True, slots=True)
class Action:
    verb: str
    args: Mapping[str, object] = field(default_factory=dict)
    title: str = ""
    hint: str = ""
    tier: Tier = Tier.REVERSIBLE
    word: str = ""
    """What has to be typed to confirm it; empty below DESTRUCTIVE."""
    button: str = "OK"
    key: str = ""
    secret: bool = False
    """Its `value` is to be shown to nobody."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the cursor is on, as far as actions care."""

    database: str | None = None
    client: Client | None = None
    setting: Setting | None = None


def flush(database: str | None) -> list[Action]:
    args: dict[str, object] = {} if database is None else {"database": database}
    where = "all databases" if database is None else f"database {database}"

    def one(mode: str, hint: str, tier: Tier = Tier.REVERSIBLE) -> Action:
        word = "" if tier is Tier.REVERSIBLE else database or "all"
        title = f"Flush {mode}: {where}"
        return Action(f"flush {mode}", args, title, hint, tier, word, "Flush", "F")

    return [
        one("idle", "close what nobody uses"),
        one("gracefully", "close all, leased ones later"),
        one("all", "close all, under their clients", Tier.DESTRUCTIVE),
    ]


def switch(verb: str, database: str) -> Action:
    """`verb` is enable or disable."""
    hint = "let new clients in again" if verb == "enable" else "refuse new clients"
    word = verb.capitalize()
    return Action(verb, {"database": database}, f"{word} database {database}", hint, button=word, key=word[0])


def pause(verb: str, database: str | None) -> Action:
    """`verb` is pause, resume or reconnect."""
    word, key, hint = {
        "pause": ("Pause", "P", "hold clients, close their connections"),
        "resume": ("Resume", "R", "let clients go on"),
        "reconnect": ("Reconnect", "O", "replace connections, hold nobody"),
    }[verb]
    where = "all databases" if database is None else f"database {database}"
    args = {} if database is None else {"database": database}
    return Action(verb, args, f"{word} {where}", hint, button=word, key=key)


def pauses(database: str | None) -> list[Action]:
    return [pause(verb, database) for verb in ("pause", "resume", "reconnect")]


def kill(client: Client) -> Action:
    title = f"Kill client {client.id}: {client.user}@{client.database} from {client.address}"
    hint = "end its connection, whatever it is doing"
    return Action("kill", {"client": client.id}, title, hint, Tier.DESTRUCTIVE, str(client.id), "Kill", "K")


def conf_set(key: str, value: str) -> Action:
    hint = "until the next reload or start"
    return Action("conf set", {"key": key, "value": value}, f"Set {key}", hint, button="Set", key="V")


def learnt(action: Action, would: Mapping[str, object]) -> Action:
    """The action with what its dry run says of it: a value that comes back masked is a secret."""
    new = would.get("new")
    masked = isinstance(new, str) and new != action.args.get("value") and set(new) == {"*"}
    return replace(action, secret=True) if action.verb == "conf set" and masked else action


RELOAD = Action("conf reload", {}, "Reload the configuration", "read all files anew", button="Reload", key="C")
CLEAR = Action("clear statistics", {}, "Clear the statistics", "all totals begin anew", button="Clear", key="Z")


def shutdown(instance: str, status: str) -> list[Action]:
    """`status` is the snapshot's: what is under way can be taken back."""
    gracefully = Action(
        "shutdown gracefully",
        {},
        f"Shut down gracefully: {instance}",
        "when the last client has gone",
        Tier.DESTRUCTIVE,
        instance,
        "Shut down",
        "S",
    )
    immediate = Action(
        "shutdown immediate",
        {},
        f"Shut down IMMEDIATELY: {instance}",
        "cut everybody off, now",
        Tier.STOP,
        instance,
        "Shut down now",
        "S",
    )
    cancel = Action(
        "shutdown cancel", {}, "Take the shutdown back", "let clients in again", button="Take back", key="S"
    )
    return [cancel, immediate] if status == "graceful" else [gracefully, immediate]


def menu(target: Target, instance: str, status: str) -> list[Action]:
    """Everything that makes sense for what is under the cursor."""
    actions: list[Action] = []
    if target.client is not None:
        actions.append(kill(target.client))
    if target.database is not None:
        actions += [*flush(target.database), switch("enable", target.database), switch("disable", target.database)]
        actions += pauses(target.database)
    return [*actions, *flush(None), *pauses(None), RELOAD, CLEAR, *shutdown(instance, status)]


def command_line(action: Action) -> str:
    """How `agroal-cli` does the same."""
    shown = {**action.args, "value": MASK} if action.secret else action.args
    words = [str(value) for value in shown.values()]
    return " ".join(["agroal-cli", *action.verb.split(), *map(_quoted, words)])


def _quoted(word: str) -> str:
    plain = word and all(one.isalnum() or one in "-_./:@" for one in word)
    return word if plain else "'" + word.replace("'", "'\\''") + "'"


def effects(action: Action, result: Mapping[str, object]) -> list[str]:
    """What a dry run said would happen, or an answer that it did, in sentences of one line."""
    match action.verb.split():
        case ["flush", _]:
            return _flushed(result)
        case ["disable"]:
            return [
                f"New clients are refused; the {_count(result, 'clients', 'client')} that are in go on.",
                "E lets them in again.",
            ]
        case ["enable"]:
            return ["New clients are let in.", f"Clients that are in: {result.get('clients', 0)}."]
        case ["pause"]:
            return [
                f"Clients are held until it is resumed (R), {result.get('held', 0)} of them now.",
                f"In use: {_count(result, 'leased', 'connection')}, closed when they come back.",
            ]
        case ["resume"]:
            return [f"Clients that go on: {result.get('held', 0)}." if result.get("databases") else "It is not paused."]
        case ["reconnect"]:
            return [f"In use: {_count(result, 'leased', 'connection')}, replaced when they come back; the others now."]
        case ["kill"]:
            return [f"The client is {shown(result.get('state'))}; it gets an error that says so (57P01)."]
        case ["shutdown", "immediate"]:
            return [
                f"Cuts off {_count(result, 'clients', 'client')}; what they are doing fails (57P01).",
                "agroal ends.",
            ]
        case ["shutdown", "gracefully"]:
            return [f"Waits for {_count(result, 'clients', 'client')}; new ones are refused.", _patience(result)]
        case ["shutdown", "cancel"]:
            return ["New clients are let in again."]
        case ["clear", _]:
            return [f"Totals and histograms of {_count(result, 'pools', 'pool')} begin anew, for all who look."]
        case ["conf", "reload"]:
            return _reloaded(result)
        case ["conf", "set"] if result.get("old") == result.get("new"):
            return ["It has this value already: nothing changes."]
        case ["conf", "set"]:
            return [_change(result), "No file is written: the next reload takes it back."]
    return []


def _flushed(result: Mapping[str, object]) -> list[str]:
    said = {
        "closed": "{} closed now: nobody uses them",
        "marked": "{} closed when they come back",
        "killed": "{} KILLED under their clients (57P01)",
        "abandoned": "{} closed as soon as they are open",
    }
    lines = [text.format(result[name]) for name, text in said.items() if result.get(name)]
    return lines or ["No connection is concerned."]


def _patience(result: Mapping[str, object]) -> str:
    timeout = result.get("timeout_us")
    if not isinstance(timeout, int):
        return "Without end: nobody is cut off."
    return f"After {timeout / 1e6:g} s those who are left are cut off."


def _reloaded(result: Mapping[str, object]) -> list[str]:
    changes = result.get("changes")
    if not isinstance(changes, list) or not changes:
        return ["Nothing has changed in the files."]
    lines = [_change(change) for change in changes]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"… and {len(lines) - LINES + 1} more"]


def _change(change: Mapping[str, object]) -> str:
    line = f"{shown(change.get('key'))}: {shown(change.get('old'))} → {shown(change.get('new'))}"
    return f"{line} (needs a restart)" if change.get("restart") else line


def shown(value: object) -> str:
    """Of an answer, which is as the daemon sent it."""
    return neutral(str(value), TOKEN)


def _count(result: Mapping[str, object], name: str, noun: str) -> str:
    number = result.get(name, 0)
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
