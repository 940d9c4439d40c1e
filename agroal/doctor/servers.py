"""Checks of PostgreSQL: that it can be reached, has room, and keeps connections as long as agroal does."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.config.choices import Pipeline, TlsMode
from agroal.config.limits import ALL
from agroal.config.model import Configuration
from agroal.doctor.check import Check, Grade, Needs, Symptom, configured, told
from agroal.doctor.patient import Facts, Patient

OLDEST = 14
"""The oldest release of PostgreSQL that its makers still look after."""
OLDEST_POSSIBLE = 10
"""The first with scram-sha-256."""

_MANY = 100_000
"""Prepared statements on all servers together: each takes some 10 kB in PostgreSQL, and often more."""


def _reach(patient: Patient) -> Iterator[Symptom]:
    for seen in patient.servers:
        if seen.unreachable:
            role = "the primary" if seen.primary else "a server"
            yield Symptom(f"{role}, {seen.server.name} at {seen.server.host}:{seen.server.port}: {seen.unreachable}")


def _encryption(patient: Patient) -> Iterator[Symptom]:
    for seen in patient.servers:
        server = seen.server
        if server.unix_socket or server.host in ("localhost", "127.0.0.1", "::1"):
            continue
        if seen.reached and not seen.tls:
            yield Symptom(f"connections to {server.name} at {server.host} are not encrypted (tls = {server.tls})")
        elif seen.tls and server.tls not in (TlsMode.VERIFY_CA, TlsMode.VERIFY_FULL) and not server.tls_ca_file:
            yield Symptom(f"nobody checks who {server.name} at {server.host} is (tls = {server.tls})")


def _version(patient: Patient) -> Iterator[Symptom]:
    for seen in patient.servers:
        major = seen.facts.version // 10_000 if seen.facts else OLDEST
        if major < OLDEST_POSSIBLE:
            yield Symptom(f"{seen.server.name} is PostgreSQL {major}: agroal is not made for it", grade=Grade.WRONG)
        elif major < OLDEST:
            yield Symptom(f"{seen.server.name} is PostgreSQL {major}, which gets no corrections any more")


def _role(patient: Patient) -> Iterator[Symptom]:
    primary, facts = told(patient)
    if facts.standby:
        yield Symptom(f"{primary.server.name} is a standby: it only reads")


def _capacity(patient: Patient) -> Iterator[Symptom]:
    configuration, (primary, facts) = configured(patient), told(patient)
    wanted = configuration.settings.max_connections + configuration.settings.auth_query
    most = int(facts.settings["max_connections"])
    reserved = sum(
        int(facts.settings.get(name, 0)) for name in ("superuser_reserved_connections", "reserved_connections")
    )
    room = most - reserved - facts.connections
    if wanted > most - reserved:
        text = (
            f"agroal may open {wanted} connections, and {primary.server.name} takes {most - reserved} "
            f"(max_connections {most}, of which {reserved} are reserved)"
        )
        yield Symptom(text)
    elif wanted > room:
        text = (
            f"agroal may open {wanted} connections; others have {facts.connections} now, which leaves {room} of {most}"
        )
        yield Symptom(text, grade=Grade.ADVICE)
    yield from _narrow(configuration, facts)


def _narrow(configuration: Configuration, facts: Facts) -> Iterator[Symptom]:
    """Bounds of roles and databases below those of the lines that are for them."""
    for limit in configuration.limits:
        where = f"{limit.file}:{limit.line}: MAX_SIZE {limit.max_size}"
        role, database = facts.roles.get(limit.user), facts.databases.get(limit.database, -1)
        if role and 0 <= role.limit < limit.max_size:
            advice = f"ALTER ROLE … CONNECTION LIMIT, or MAX_SIZE {role.limit}."
            yield Symptom(f"{where}, and PostgreSQL lets {limit.user} have {role.limit}", advice)
        if 0 <= database < limit.max_size:
            advice = f"ALTER DATABASE … CONNECTION LIMIT, or MAX_SIZE {database}."
            yield Symptom(f"{where}, and PostgreSQL lets {limit.database} have {database}", advice)


def _databases(patient: Patient) -> Iterator[Symptom]:
    _, facts = told(patient)
    for limit in configured(patient).limits:
        if limit.database != ALL and limit.database not in facts.databases:
            yield Symptom(f"{limit.file}:{limit.line}: there is no database {limit.database}")


def _sizes(patient: Patient) -> Iterator[Symptom]:
    configuration = configured(patient)
    if configuration.settings.blocking_timeout == 0:
        yield Symptom("blocking_timeout is 0: nobody waits, each client beyond the limit is refused at once")
    listed = sum(limit.max_size for limit in configuration.limits)
    whoever = any((limit.database, limit.user) == (ALL, ALL) for limit in configuration.limits)
    if configuration.limits and listed == configuration.settings.max_connections and not whoever:
        text = f"the lines of the databases file take all {listed} connections: who has no line competes with them"
        yield Symptom(text, "Add a line `all all N`, or raise max_connections.")


def _idleness(patient: Patient) -> Iterator[Symptom]:
    primary, facts = told(patient)
    settings = configured(patient).settings
    closes = _milliseconds(facts, "idle_session_timeout")
    if closes and (settings.idle_timeout == 0 or settings.idle_timeout >= closes):
        mine = f"idle_timeout is {settings.idle_timeout:g} s" if settings.idle_timeout else "idle_timeout is off"
        text = f"{primary.server.name} closes connections that are idle for {closes:g} s, and {mine}"
        yield Symptom(text)
    keeps = Pipeline.TRANSACTION in {settings.pipeline, *(limit.pipeline for limit in configured(patient).limits)}
    if keeps and not _milliseconds(facts, "idle_in_transaction_session_timeout"):
        text = "a client that forgets to end its transaction keeps its server for ever"
        advice = "Set idle_in_transaction_session_timeout in PostgreSQL, for the roles of these clients at least."
        yield Symptom(text, advice, Grade.ADVICE)


def _milliseconds(facts: Facts, name: str) -> float:
    """Seconds; 0 when PostgreSQL has no such setting, or it is off."""
    return int(facts.settings.get(name) or 0) / 1000


def _reset(patient: Patient) -> Iterator[Symptom]:
    _, facts = told(patient)
    settings = configured(patient).settings
    if facts.reset_error:
        yield Symptom(f"server_reset_query = {settings.server_reset_query}: {facts.reset_error}")
    if not settings.server_reset_query and settings.pipeline is not Pipeline.TRANSACTION:
        text = "server_reset_query is empty: what a client leaves behind in its session meets the next one"
        yield Symptom(text, "Leave it away: DISCARD ALL is the default.")


def _statements(patient: Patient) -> Iterator[Symptom]:
    settings = configured(patient).settings
    transaction = {settings.pipeline, *(limit.pipeline for limit in configured(patient).limits)}
    if Pipeline.TRANSACTION not in transaction:
        return
    query = settings.server_reset_query.upper()
    if settings.server_reset_query_always and ("DISCARD ALL" in query or "DEALLOCATE" in query):
        text = "server_reset_query_always forgets prepared statements after each transaction, and each is made again"
        yield Symptom(text, "Turn it off: what clients leave behind keeps them at their server (session_state).")
    total = settings.max_prepared_statements * settings.max_connections
    if total > _MANY:
        text = (
            f"PostgreSQL may have to keep {total} prepared statements, {settings.max_prepared_statements} a connection"
        )
        yield Symptom(text)


CHECKS = (
    Check(
        "reach",
        "PostgreSQL takes connections, with the TLS that is wanted and the name that its certificate has",
        Grade.WRONG,
        "Is PostgreSQL running there, does listen_addresses allow it, and does pg_hba.conf let this host in?",
        Needs.CONFIGURATION,
        _reach,
    ),
    Check(
        "encryption",
        "Connections over the network are encrypted, and it is known to whom",
        Grade.ADVICE,
        "Set tls = verify-full and tls_ca_file of the server.",
        Needs.REACHED,
        _encryption,
    ),
    Check(
        "version",
        f"PostgreSQL is a release that is looked after ({OLDEST} or newer)",
        Grade.ADVICE,
        "Upgrade PostgreSQL.",
        Needs.POSTGRESQL,
        _version,
    ),
    Check(
        "primary",
        "What is configured as the primary is one",
        Grade.WRONG,
        "Mark the other server with primary = on, or promote this one.",
        Needs.POSTGRESQL,
        _role,
    ),
    Check(
        "capacity",
        "PostgreSQL has room for all connections that agroal may open",
        Grade.WRONG,
        "Lower agroal's max_connections, or raise PostgreSQL's.",
        Needs.POSTGRESQL,
        _capacity,
    ),
    Check(
        "databases",
        "The databases of the databases file exist",
        Grade.WRONG,
        "Create the database, or correct the line.",
        Needs.POSTGRESQL,
        _databases,
    ),
    Check(
        "sizes",
        "Clients may wait, and nobody is left without a connection by arithmetic",
        Grade.ADVICE,
        "Set blocking_timeout to what an application bears to wait.",
        Needs.CONFIGURATION,
        _sizes,
    ),
    Check(
        "idle-timeouts",
        "PostgreSQL does not close idle connections before agroal does",
        Grade.WRONG,
        "Set idle_timeout below PostgreSQL's idle_session_timeout, or that to 0 for these roles.",
        Needs.POSTGRESQL,
        _idleness,
    ),
    Check(
        "reset-query",
        "PostgreSQL understands server_reset_query (it is parsed, not run)",
        Grade.WRONG,
        "Correct it; DISCARD ALL is right for nearly everybody.",
        Needs.POSTGRESQL,
        _reset,
    ),
    Check(
        "statements",
        "Prepared statements survive their transaction, and there are not too many",
        Grade.ADVICE,
        "Lower max_prepared_statements.",
        Needs.CONFIGURATION,
        _statements,
    ),
)
