"""What differs between two configurations, and what of a new one a running daemon can take.

`effective` decides: it is the new configuration, with everything that needs a restart as it was. What fits only
together with something that waits, waits too: a backlog derived from a new `max_connections`, limits that need a larger
one, the certificates of a TLS that is turned on or off, a server at the place of another that stays until the restart.
Whatever then still differs from the new configuration is what `changes` marks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agroal.config.difference import differences
from agroal.config.model import Configuration
from agroal.config.servers import SERVER_KEYS, ServerSettings
from agroal.config.settings import KEYS, Settings


@dataclass(frozen=True, slots=True)
class Change:
    key: str
    """A key of the main section, `server.NAME.KEY` or `server.NAME`; else the name of a file, and what it says that of:
    `agroal_databases.conf: shop/web`."""
    old: str
    new: str
    """As a file would spell it, masked where it is secret; empty where there is none."""
    restart: bool
    """It waits for the next start."""


def changes(old: Configuration, new: Configuration) -> tuple[Change, ...]:
    """Every difference that means something: not where a line of a file stands, nor where a value comes from."""
    waiting = {difference.key for difference in differences(effective(old, new), new)}
    return tuple(Change(*difference, difference.key in waiting) for difference in differences(old, new))


def effective(old: Configuration, new: Configuration) -> Configuration:
    """What is in force once a daemon that runs with `old` has taken what it can of `new`."""
    settings, held = _settings(old.settings, new.settings)
    servers = _servers(old, new)
    fits = sum(limit.max_size for limit in new.limits) <= settings.max_connections
    return replace(
        new,
        settings=settings,
        servers=servers,
        limits=new.limits if fits else old.limits,
        origins=_origins(old, new, held, servers),
    )


def _settings(old: Settings, new: Settings) -> tuple[Settings, set[str]]:
    """The settings in force, and the keys that are as they were."""
    before, values = old.given(), new.given()
    held = {key.name for key in KEYS if key.restart}
    if old.tls != new.tls:
        held |= {key.name for key in KEYS if key.name.startswith("tls_")}
    values |= {name: before[name] for name in held}
    taken = Settings(**values)
    stale = {name for name in new.derived - held if getattr(taken, name) != getattr(new, name)}
    return Settings(**values | {name: before[name] for name in stale}), held | stale


def _servers(old: Configuration, new: Configuration) -> tuple[ServerSettings, ...]:
    """The servers in force: those of the new file in its order, then those that go with the next start."""
    before = {server.name: server for server in old.servers}
    places = {_place(server) for server in old.servers}
    taken = [
        _as_it_was(before[server.name], server) if server.name in before else server
        for server in new.servers
        if server.name in before or _place(server) not in places
    ]
    names = {server.name for server in new.servers}
    removed = [replace(server, primary=False) for server in old.servers if server.name not in names]
    servers = (*taken, *removed)
    if any(server.name == new.primary.name for server in taken):
        return servers
    return tuple(replace(server, primary=server.name == old.primary.name) for server in servers)


def _as_it_was(old: ServerSettings, new: ServerSettings) -> ServerSettings:
    return replace(new, **{key.name: getattr(old, key.name) for key in SERVER_KEYS if key.restart})


def _place(server: ServerSettings) -> tuple[str, int]:
    return server.host.lower(), server.port


def _origins(
    old: Configuration, new: Configuration, held: set[str], servers: Iterable[ServerSettings]
) -> dict[str, str]:
    """Where the values in force come from. `held`: the keys of the main section that are as they were."""
    before = {server.name for server in old.servers}
    sources = {key.name: old if key.name in held else new for key in KEYS}
    for server in servers:
        for key in SERVER_KEYS:
            sources[f"server.{server.name}.{key.name}"] = old if key.restart and server.name in before else new
    return {name: source.origins[name] for name, source in sources.items() if name in source.origins}
