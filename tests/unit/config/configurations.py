"""Configurations as `load` could make them, drawn by Hypothesis: some keys given, a few servers, limits that fit."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from agroal.config.keys import Key, Kind, Value
from agroal.config.model import Configuration, Files, HbaLine, HbaType, LimitLine, Method, Name, Settings
from agroal.config.servers import SERVER_KEYS, ServerSettings
from agroal.config.settings import KEYS

REQUIRED: dict[str, Any] = {"host": "localhost", "port": 2345, "unix_socket_dir": Path("/tmp")}
FILES = Files(main=Path("/c/agroal.conf"), hba=Path("/c/agroal_hba.conf"), limits=Path("/c/agroal_databases.conf"))


def values(key: Key) -> st.SearchStrategy[Any]:
    """What a file can give a key."""
    low, high = key.low or 0, key.high or 0
    match key.kind:
        case Kind.BOOL | Kind.ENUM:
            return st.sampled_from(list(dict.fromkeys(key.words.values())))
        case Kind.INT | Kind.SIZE:
            return st.integers(int(low), int(high))
        case Kind.DURATION:
            return st.integers(round(low * 1000), round(high * 1000)).map(lambda milliseconds: milliseconds / 1000)
        case Kind.PATH:
            return st.sampled_from([key.default, Path("/a"), Path("/b")])
        case Kind.TEXT:
            return st.sampled_from(["here", "there"])


def two_values(key: Key) -> tuple[Value, Value]:
    """The default, or another value where there is none, and one that differs from it."""
    match key.kind:
        case Kind.BOOL:
            return False, True
        case Kind.ENUM:
            first, second, *_ = dict.fromkeys(key.words.values())
            return first, second
        case Kind.INT | Kind.SIZE | Kind.DURATION:
            assert key.high is not None
            return key.high, key.high - 1
        case Kind.PATH:
            return Path("/a"), Path("/b")
        case Kind.TEXT:
            return "a", "b"


def a_server(name: str, host: str = "", **others: Any) -> ServerSettings:
    return ServerSettings(name=name, host=host or name, **others)


def an_hba_line(line: int, user: str, method: Method = Method.MD5) -> HbaLine:
    network = IPv4Network("10.0.0.0/8")
    return HbaLine(str(FILES.hba), line, HbaType.HOST, (Name("all", True),), (Name(user),), network, method)


def a_limit(line: int, database: str, user: str, *sizes: int, aliases: Iterable[str] = ()) -> LimitLine:
    return LimitLine(str(FILES.limits), line, database, tuple(aliases), user, *(*sizes, 0, 0)[:3])


def a_configuration(
    *servers: ServerSettings,
    hba: tuple[HbaLine, ...] = (),
    limits: tuple[LimitLine, ...] = (),
    origins: dict[str, str] | None = None,
    **given: Any,
) -> Configuration:
    settings = Settings(**REQUIRED | given)
    return Configuration(settings, servers or (a_server("one"),), hba, limits, FILES, (), origins or {})


def some_of(keys: Iterable[Key]) -> st.SearchStrategy[dict[str, Any]]:
    """A few of the keys with values."""
    return st.lists(st.one_of([st.tuples(st.just(key.name), values(key)) for key in keys]), max_size=8).map(dict)


def _servers(names: list[str], hosts: list[str], marked: int, others: list[dict[str, Any]]) -> list[ServerSettings]:
    return [
        a_server(name, host, primary=n == marked, **other)
        for n, (name, host, other) in enumerate(zip(names, hosts, others, strict=False))
    ]


def _limits(lines: list[tuple[str, str, int, int]], most: int) -> tuple[LimitLine, ...]:
    """Lines that add up to no more than `most`."""
    kept = lines[:most]
    sizes = [1 + share * (most // len(kept) - 1) // 3 for *_, share, _ in kept]
    return tuple(
        a_limit(n, database, user, size, least, least)
        for n, ((database, user, _, least), size) in enumerate(zip(kept, sizes, strict=True), start=1)
    )


SETTINGS = some_of(key for key in KEYS if key.name != "max_connections")
SERVERS = st.builds(
    _servers,
    st.permutations("abcd"),
    st.permutations(["one", "two", "three", "four"]),
    st.integers(0, 4),
    st.lists(some_of(key for key in SERVER_KEYS if key.name not in ("host", "primary")), min_size=1, max_size=4),
)
"""Up to four at different places, at most one of them marked; the same few names and places come again and again."""
HBA = st.lists(st.builds(an_hba_line, st.integers(1, 9), st.sampled_from("xyz")), max_size=3)
LIMITS = st.lists(
    st.tuples(
        st.sampled_from(["shop", "all"]), st.sampled_from(["web", "report"]), st.integers(0, 3), st.integers(0, 1)
    ),
    max_size=3,
)
PLACES = st.sampled_from(["agroal.conf:1", "agroal.conf:2"])


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    most = draw(st.sampled_from([1, 30, 100, 200]))
    servers = draw(SERVERS)
    names = [
        "idle_timeout",
        "port",
        *(f"server.{server.name}.{key}" for server in servers for key in ("host", "primary")),
    ]
    return a_configuration(
        *servers,
        hba=tuple(draw(HBA)),
        limits=_limits(draw(LIMITS), most),
        origins=draw(st.dictionaries(st.sampled_from(names), PLACES)),
        **draw(SETTINGS) | {"max_connections": most},
    )
