"""Checks of this machine: file descriptors, ports, names."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.config.model import Validation
from agroal.daemon.descriptors import RESERVED_DESCRIPTORS
from agroal.doctor.check import Check, Grade, Needs, Symptom, configured
from agroal.doctor.patient import Patient

SLOW = 1.0
"""Seconds that looking up a name may take: each connect waits for it."""
_CLIENTS_PER_SERVER = 4
_CALM = 3600.0
_SYSTEMS_OWN = 7200
"""What a keepalive time of 0 stands for on Linux."""


def _descriptors(patient: Patient) -> Iterator[Symptom]:
    most = configured(patient).settings.max_connections
    needed = RESERVED_DESCRIPTORS + 2 * most
    clients = patient.descriptors - RESERVED_DESCRIPTORS - most
    if patient.descriptors < needed:
        text = f"{patient.descriptors} file descriptors are allowed here; {most} server connections need {needed}"
        yield Symptom(text)
    elif clients < _CLIENTS_PER_SERVER * most:
        text = f"{patient.descriptors} file descriptors leave room for {clients} clients on {most} server connections"
        yield Symptom(text, grade=Grade.ADVICE)


def _ports(patient: Patient) -> Iterator[Symptom]:
    for place in patient.listening:
        if place.taken and patient.daemon is None:
            yield Symptom(f"another program listens on {place.where}")
        elif place.trouble and not place.taken:
            text = f"can't listen on {place.where}: {place.trouble}"
            yield Symptom(text, "Choose another host or port; below 1024 a program needs CAP_NET_BIND_SERVICE.")


def _names(patient: Patient) -> Iterator[Symptom]:
    for seen in patient.servers:
        where = f"server {seen.server.name}: {seen.server.host}"
        if seen.lookup_error:
            yield Symptom(f"{where} can't be looked up: {seen.lookup_error}")
        elif seen.lookup_seconds > SLOW:
            text = f"{where} took {seen.lookup_seconds:.1f} s to look up, and each connect does it"
            yield Symptom(text, "Use an address, /etc/hosts, or a resolver that caches.", Grade.ADVICE)
        for address in seen.deaf:
            if len(seen.addresses) > 1:
                text = f"{where} is {len(seen.addresses)} addresses, and nobody takes connections at {address}"
                yield Symptom(text, "Each connect that tries it first waits in vain: correct the name.", Grade.ADVICE)


def _keepalive(patient: Patient) -> Iterator[Symptom]:
    """A firewall that forgets a silent connection tells nobody."""
    settings = configured(patient).settings
    for seen in patient.servers:
        if seen.facts is None or seen.server.host in ("localhost", "127.0.0.1", "::1") or seen.server.unix_socket:
            continue
        probes = int(seen.facts.settings.get("tcp_keepalives_idle") or 0) or _SYSTEMS_OWN
        silent = settings.idle_timeout == 0 or settings.idle_timeout > _CALM
        if silent and probes > _CALM and settings.validation is Validation.OFF:
            yield Symptom(
                f"free connections to {seen.server.name} may be silent for {probes / 3600:.0f} h before anybody looks: "
                "a firewall between may have forgotten them by then"
            )


CHECKS = (
    Check(
        "descriptors",
        "The file descriptors that a process may have suffice for max_connections and clients",
        Grade.WRONG,
        "Raise the limit: LimitNOFILE= of the unit (which is another one than this shell's), ulimit -n, or lower "
        "max_connections.",
        Needs.CONFIGURATION,
        _descriptors,
    ),
    Check(
        "ports",
        "The ports are free, or it is this agroal that listens there",
        Grade.WRONG,
        "Stop the other program, or choose another port.",
        Needs.CONFIGURATION,
        _ports,
    ),
    Check(
        "names",
        "Names of servers can be looked up, soon, and somebody answers at each address",
        Grade.WRONG,
        "Correct host in the server's section, or the resolver (/etc/resolv.conf).",
        Needs.CONFIGURATION,
        _names,
    ),
    Check(
        "keepalive",
        "Nothing between agroal and PostgreSQL can forget a silent connection unnoticed",
        Grade.ADVICE,
        "Set idle_timeout below what firewalls keep (30m is common), or validation = background.",
        Needs.POSTGRESQL,
        _keepalive,
    ),
)
