"""The verbs that only look: open to monitors, too."""

from __future__ import annotations

from agroal.management.commands import conf, details, hello, history, ping, status, subscribe
from agroal.management.controls import Role
from agroal.management.snapshot import Snapshot
from agroal.management.verb import Argument, Kind, Verb

LOOKING = (
    Verb(
        name="ping",
        doc="say whether agroal is alive, and whether each server answers",
        execute=ping.execute,
        result=ping.Ping,
        text=ping.text,
        role=Role.MONITOR,
        read_only=True,
        aliases=("is-alive",),
        is_fine=ping.all_alive,
    ),
    Verb(
        name="status",
        doc="show in short what agroal is doing",
        execute=status.execute,
        result=status.Status,
        text=status.text,
        role=Role.MONITOR,
        read_only=True,
    ),
    Verb(
        name="status details",
        doc="show it with every pool, slot and client",
        execute=details.execute,
        result=Snapshot,
        text=details.text_details,
        role=Role.MONITOR,
        read_only=True,
        aliases=("details",),
    ),
    Verb(
        name="events",
        doc="show what happened to agroal lately",
        execute=history.events,
        result=history.Happened,
        text=history.text_events,
        role=Role.MONITOR,
        read_only=True,
        arguments=(Argument("after", Kind.NUMBER, "only those with a greater number"),),
    ),
    Verb(
        name="log tail",
        doc="show the last lines of the log",
        execute=history.log_tail,
        result=history.Log,
        text=history.text_log,
        role=Role.MONITOR,
        read_only=True,
        aliases=("log",),
        arguments=(
            Argument("lines", Kind.NUMBER, f"how many; default: {history.LINES}", least=1, greatest=10_000),
            Argument("level", Kind.WORD, "only what is at least as grave; default: trace", choices=history.LEVELS),
        ),
    ),
    Verb(
        name="conf ls",
        doc="list the configuration files",
        execute=conf.ls,
        result=conf.Files,
        text=conf.text_files,
        role=Role.MONITOR,
        read_only=True,
    ),
    Verb(
        name="conf get",
        doc="show a key of the configuration, the keys of a section, or all",
        execute=conf.get,
        result=conf.Settings,
        text=conf.text_settings,
        role=Role.MONITOR,
        read_only=True,
        aliases=("config-get",),
        arguments=(Argument("key", Kind.WORD, "a key, or a section such as server.NAME"),),
    ),
    Verb(
        name="conf alias",
        doc="list the lines of the databases file with their aliases",
        execute=conf.alias,
        result=conf.Aliases,
        text=conf.text_aliases,
        role=Role.MONITOR,
        read_only=True,
    ),
)

PROGRAMS = (
    Verb(
        name="hello",
        doc="say who answers: version, instance, your role (for programs)",
        execute=hello.execute,
        result=hello.Hello,
        text=hello.text,
        role=Role.MONITOR,
        read_only=True,
    ),
    Verb(
        name="snapshot",
        doc="print the whole picture as one JSON document (for programs)",
        execute=details.execute,
        result=Snapshot,
        text=details.text_snapshot,
        role=Role.MONITOR,
        read_only=True,
    ),
    Verb(
        name="subscribe",
        doc="send snapshots and events as time goes on (for programs)",
        execute=subscribe.subscribe,
        result=subscribe.Subscribed,
        text=subscribe.text,
        role=Role.MONITOR,
        read_only=True,
        arguments=(
            Argument("topics", Kind.WORDS, "what to send", required=True, choices=tuple(subscribe.Topic)),
            Argument("interval_ms", Kind.NUMBER, "how often", least=subscribe.SHORTEST, greatest=subscribe.LONGEST),
            Argument("after", Kind.NUMBER, "events with a greater number; default: those to come"),
        ),
        lasting=True,
    ),
    Verb(
        name="unsubscribe",
        doc="send nothing more (for programs)",
        execute=subscribe.unsubscribe,
        result=subscribe.Unsubscribed,
        text=subscribe.text_end,
        role=Role.MONITOR,
        read_only=True,
        lasting=True,
    ),
)
