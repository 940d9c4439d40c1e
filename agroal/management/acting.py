"""The verbs that change something: for admins, logged, and to be tried in a dry run."""

from __future__ import annotations

from agroal.management.commands import conf, flush, kill, pause, record, shutdown, statistics, switch
from agroal.management.controls import Change, Killed, Reloaded, Role
from agroal.management.dump import Dump
from agroal.management.verb import Argument, Kind, Verb

DATABASE = Argument("database", Kind.WORD, "one database or an alias of it; default: all")
FLUSH_TIMEOUT = Argument(
    "timeout", Kind.SECONDS, "close those still leased after that long; 0: never; default: flush_timeout of agroal.conf"
)
SHUTDOWN_TIMEOUT = Argument(
    "timeout", Kind.SECONDS, "cut off who is left after that long; 0: never; default: flush_timeout of agroal.conf"
)
PAUSE_TIMEOUT = Argument(
    "timeout", Kind.SECONDS, "wait that long until no connection is left; 0: without end; default: answer at once"
)
RECONNECT_TIMEOUT = Argument(
    "timeout", Kind.SECONDS, "wait that long until all are replaced; 0: without end; default: answer at once"
)

ACTING = (
    Verb(
        name="flush gracefully",
        doc="close idle connections now, leased ones when they come back",
        execute=flush.gracefully,
        result=flush.Flush,
        text=flush.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("flush", "flush-gracefully"),
        arguments=(DATABASE, FLUSH_TIMEOUT),
    ),
    Verb(
        name="flush idle",
        doc="close the connections that nobody is using",
        execute=flush.idle,
        result=flush.Flush,
        text=flush.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("flush-idle",),
        arguments=(DATABASE,),
    ),
    Verb(
        name="flush all",
        doc="close all connections, under their clients too",
        execute=flush.all_,
        result=flush.Flush,
        text=flush.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("flush-all",),
        arguments=(DATABASE,),
    ),
    Verb(
        name="enable",
        doc="let new clients into a database again",
        execute=switch.enable,
        result=switch.Switch,
        text=switch.text,
        role=Role.ADMIN,
        read_only=False,
        arguments=(DATABASE,),
    ),
    Verb(
        name="disable",
        doc="refuse new clients of a database",
        execute=switch.disable,
        result=switch.Switch,
        text=switch.text,
        role=Role.ADMIN,
        read_only=False,
        arguments=(DATABASE,),
    ),
    Verb(
        name="pause",
        doc="hold clients and close their connections, so that PostgreSQL can be restarted",
        execute=pause.pause,
        result=pause.Pause,
        text=pause.text_pause,
        role=Role.ADMIN,
        read_only=False,
        arguments=(DATABASE, PAUSE_TIMEOUT),
        is_fine=pause.is_over,
        left=pause.left,
    ),
    Verb(
        name="resume",
        doc="let the clients of a paused database go on",
        execute=pause.resume,
        result=pause.Resume,
        text=pause.text_resume,
        role=Role.ADMIN,
        read_only=False,
        arguments=(DATABASE,),
    ),
    Verb(
        name="reconnect",
        doc="replace connections: idle ones now, leased ones when they come back",
        execute=pause.reconnect,
        result=pause.Reconnect,
        text=pause.text_reconnect,
        role=Role.ADMIN,
        read_only=False,
        arguments=(DATABASE, RECONNECT_TIMEOUT),
        is_fine=pause.is_over,
        left=pause.left,
    ),
    Verb(
        name="kill",
        doc="end the connection of one client",
        execute=kill.execute,
        result=Killed,
        text=kill.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("kill client",),
        arguments=(Argument("client", Kind.NUMBER, "its number in `status details`", required=True, least=1),),
    ),
    Verb(
        name="clear statistics",
        doc="let all totals begin anew",
        execute=statistics.clear,
        result=statistics.Cleared,
        text=statistics.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("clear prometheus", "reset"),
    ),
    Verb(
        name="record dump",
        doc="write what the flight recorder has kept, for agroal-top --replay",
        execute=record.dump,
        result=Dump,
        text=record.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("record",),
        arguments=(Argument("name", Kind.WORD, "of the file in flight_recorder_path; default: one with the time"),),
    ),
    Verb(
        name="conf set",
        doc="change one key until the next reload or start",
        execute=conf.set_,
        result=Change,
        text=conf.text_change,
        role=Role.ADMIN,
        read_only=False,
        aliases=("config-set",),
        arguments=(
            Argument("key", Kind.WORD, "the key", required=True),
            Argument("value", Kind.WORD, "its value, spelled as in the file", required=True),
        ),
        shown=conf.shown,
    ),
    Verb(
        name="conf reload",
        doc="read the files anew and apply what needs no restart",
        execute=conf.reload,
        result=Reloaded,
        text=conf.text_reload,
        role=Role.ADMIN,
        read_only=False,
        aliases=("reload",),
    ),
    Verb(
        name="shutdown gracefully",
        doc="take no new clients, stop when the last one has gone",
        execute=shutdown.gracefully,
        result=shutdown.Shutdown,
        text=shutdown.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("shutdown", "gracefully"),
        arguments=(SHUTDOWN_TIMEOUT,),
    ),
    Verb(
        name="shutdown immediate",
        doc="cut off the clients and stop now",
        execute=shutdown.immediate,
        result=shutdown.Shutdown,
        text=shutdown.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("stop",),
    ),
    Verb(
        name="shutdown cancel",
        doc="take back a graceful shutdown",
        execute=shutdown.cancel,
        result=shutdown.Shutdown,
        text=shutdown.text,
        role=Role.ADMIN,
        read_only=False,
        aliases=("cancel-shutdown",),
    ),
)
