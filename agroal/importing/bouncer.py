"""pgbouncer.ini, and the files that it names, become drafts of agroal's: one for each host that has databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agroal.errors import ConfigurationError, Problem
from agroal.importing import bouncer_ini
from agroal.importing.bouncer_databases import Database, Host, User, by_host, read_databases, read_users
from agroal.importing.bouncer_entrance import OPEN, Entrance
from agroal.importing.bouncer_limits import Sizes
from agroal.importing.bouncer_settings import TLS_MODES, Main, put, write_encryption, write_settings
from agroal.importing.draft import Draft, Server
from agroal.importing.findings import Findings, Place
from agroal.importing.people import People, read_people, write_people, write_superuser

SECTIONS = ("pgbouncer", "databases", "users", "peers")
_LAST_PORT = 65535


def read(path: Path, findings: Findings) -> list[Draft]:
    """Raises ConfigurationError when the file can't be read, or when there is no database that agroal could serve."""
    source = bouncer_ini.read(path)
    main = Main(source.section("pgbouncer"), str(path), findings)
    main.report()
    for name in source.sections:
        if name not in SECTIONS:
            findings.human(Place(str(path)), f"[{name}]", "PgBouncer 1.25 has no such section. It was left out.")
    if source.section("peers"):
        findings.human(Place(str(path)), "[peers]", "A cancel request has to come to the daemon that it is for.")
    databases, users = read_databases(source, main), read_users(source, main)
    people = read_people(main, path.parent)
    hosts = by_host(databases)
    if not hosts:
        problem = Problem(str(path), 0, "[databases]", "names no database that agroal could serve; see the report")
        raise ConfigurationError([problem])
    drafts: list[Draft] = []
    for number, (host, served) in enumerate(hosts.items()):
        draft = _draft(main, path.parent, host, served, users, people)
        if len(hosts) > 1:
            draft.name = _unique(host.directory, drafts)
            _move(main, draft, number, host, served)
        drafts.append(draft)
    return drafts


def _draft(
    main: Main, directory: Path, host: Host, databases: Sequence[Database], users: dict[str, User], people: People
) -> Draft:
    draft = Draft()
    write_settings(main, draft)
    tls = write_encryption(main, draft)
    draft.servers.append(_server(main, host))
    write_people(main, people, draft)
    Entrance(main, directory, tls, draft).write(databases, people)
    _give_passwords(main, draft, databases)
    asking = [(database.auth_user, database.place) for database in databases if database.auth_user]
    if main.given("auth_user"):
        asking.insert(0, (main.text("auth_user"), main.place("auth_user")))
    write_superuser(main, people, asking, draft)
    known = replace(people, secrets=dict(draft.users))
    strangers = bool(asking) or main.text("auth_type").lower() in OPEN
    limits = Sizes(main, databases, users, known, strangers).lines()
    draft.limits += [limit.line() for limit in limits]
    draft.put("max_connections", str(sum(limit.size for limit in limits)), "what the databases file adds up to")
    return draft


def _give_passwords(main: Main, draft: Draft, databases: Sequence[Database]) -> None:
    """Users of connection strings: their passwords are for PostgreSQL, those of auth_file for clients."""
    given: dict[str, str] = {}
    for database in databases:
        name, password = database.user, database.password
        what = f"database {database.name!r}: user={name}"
        if not name or not password:
            continue
        if given.setdefault(name, password) != password:
            main.findings.human(database.place, what, "has another password elsewhere: the first counts.")
            continue
        if name in draft.users and draft.users[name] != password:
            draft.frontend_users[name] = draft.users[name]
        draft.users[name] = password


def _server(main: Main, host: Host) -> Server:
    server = Server("primary")
    server.put("host", host.host)
    server.put("port", str(host.port))
    mode = main.word("server_tls_sslmode", {word: word for word in TLS_MODES})
    if host.host.startswith("/") or mode == "disable":
        return server
    verifying = mode in ("verify-ca", "verify-full")
    if mode == "verify-ca" and not main.given("server_tls_ca_file"):
        says = "Without server_tls_ca_file only the name tells servers apart: verify-full is used."
        main.findings.human(main.place("server_tls_sslmode"), main.shown("server_tls_sslmode"), says)
        mode = "verify-full"
    wanted = {"tls": mode}
    if verifying and main.given("server_tls_ca_file"):
        wanted["tls_ca_file"] = main.text("server_tls_ca_file")
    pair = ("server_tls_cert_file", "server_tls_key_file")
    if all(map(main.given, pair)):
        wanted |= {name.removeprefix("server_"): main.text(name) for name in pair}
    for key, value in wanted.items():
        source = "server_tls_sslmode" if key == "tls" else f"server_{key}"
        try:
            server.put(key, value, main.shown(source) if main.given(source) else f"PgBouncer's default of {source}")
        except ValueError as error:
            main.wrong(source, str(error))
    return server


def _move(main: Main, draft: Draft, number: int, host: Host, databases: Sequence[Database]) -> None:
    """One daemon serves one host: each after the first gets a port of its own."""
    port = int(draft.settings["port"].text.rpartition(" ")[2])
    if number:
        port = port + number if port + number <= _LAST_PORT else port - number
        put(main, draft, "port", str(port), "listen_port")
    names = ", ".join(database.name for database in databases)
    says = (
        f"One daemon serves one host. {names} on {host} have files of their own in {draft.name}/, for a daemon on port "
        f"{port}: lead their clients there, or run it on another machine with the old port."
    )
    main.findings.human(databases[0].place, f"[databases] on {host}", says, became=f"{draft.name}/")


def _unique(name: str, drafts: Sequence[Draft]) -> str:
    taken = {draft.name for draft in drafts}
    return next(found for n in range(len(taken) + 1) if (found := f"{name}_{n}" if n else name) not in taken)
