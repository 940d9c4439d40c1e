"""Checks of the files: that they load, that secrets are private, that lines can match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agroal.config.describe import hba_columns
from agroal.config.limits import ALL
from agroal.config.model import Configuration, HbaLine, HbaType, LimitLine, Method, Name, Network, Scope
from agroal.doctor.check import Check, Grade, Needs, Symptom, configured
from agroal.doctor.patient import Patient

SOCKETS = "Unix sockets"
"""What the directory in unix_socket_dir is for."""
_DAY = 86_400.0
SOON = 30 * _DAY
"""A certificate that ends within these seconds is worth a word."""


def _configuration(patient: Patient) -> Iterator[Symptom]:
    yield from map(Symptom, patient.problems)
    if patient.secrets_problem:
        yield from map(Symptom, patient.secrets_problem.splitlines())
    if patient.configuration:
        for notice in patient.configuration.notices:
            yield Symptom(str(notice), "See docs/configuration.md.", Grade.ADVICE)


def _private(patient: Patient) -> Iterator[Symptom]:
    for file in patient.files:
        if file.mode & 0o077 and file.what != SOCKETS:
            yield Symptom(f"{file.path} ({file.what}) is open to others: mode {file.mode:04o}")


def _sockets(patient: Patient) -> Iterator[Symptom]:
    for file in patient.files:
        if file.what == SOCKETS and file.mode & 0o002 and not file.mode & 0o1000:
            text = f"anybody may replace the sockets in {file.path}: mode {file.mode:04o} without the sticky bit"
            yield Symptom(text, f"Run chmod +t {file.path}, or use a directory of agroal's own.")


def _certificates(patient: Patient) -> Iterator[Symptom]:
    shown = [one for seen in patient.servers for one in seen.certificates]
    for one in (*patient.certificates, *shown):
        days = (one.not_after - patient.now) / _DAY
        if patient.now < one.not_before:
            yield Symptom(f"{one.key}: {one.subject} is not valid yet")
        elif days < 0:
            yield Symptom(f"{one.key}: {one.subject} has expired {-days:.0f} days ago")
        elif one.not_after - patient.now < SOON:
            yield Symptom(f"{one.key}: {one.subject} expires in {days:.0f} days", grade=Grade.ADVICE)
        if not one.signed_by_next:
            text = f"{one.key}: {one.subject} is not signed by the certificate after it, but by {one.issuer}"
            yield Symptom(text, "Put the chain in order: ours first, then each that signs the one before.")


def _ciphers(patient: Patient) -> Iterator[Symptom]:
    if patient.weak_ciphers:
        yield Symptom(f"tls_ciphers allows {', '.join(patient.weak_ciphers)}")


def _shadowed(patient: Patient) -> Iterator[Symptom]:
    lines = configured(patient).hba
    for number, line in enumerate(lines):
        first = next((earlier for earlier in lines[:number] if covers(earlier, line)), None)
        if first is None:
            continue
        text = f"{line.file}:{line.line}: {' '.join(hba_columns(line))} never counts: line {first.line} matches first"
        keeps_out = line.method is Method.REJECT and first.method is not Method.REJECT
        advice = "It was to keep somebody out: move it up." if keeps_out else ""
        yield Symptom(text, advice, Grade.WRONG if keeps_out else None)


def _trusting(patient: Patient) -> Iterator[Symptom]:
    for line in configured(patient).hba:
        if line.method is Method.TRUST and line.type is not HbaType.LOCAL and _is_everywhere(line.address):
            yield Symptom(f"{line.file}:{line.line}: anybody from anywhere comes in without a password")


def _is_everywhere(address: Network | Scope | None) -> bool:
    return address is Scope.ALL or (not isinstance(address, Scope | None) and address.prefixlen == 0)


def _limits(patient: Patient) -> Iterator[Symptom]:
    configuration = configured(patient)
    for number, limit in enumerate(configuration.limits):
        where, pair = f"{limit.file}:{limit.line}", (limit.database, limit.user)
        first = next((o for o in configuration.limits[:number] if (o.database, o.user) == pair), None)
        if first:
            yield Symptom(f"{where}: never counts: line {first.line} is for the same database and user")
        elif not _let_in(limit, configuration):
            yield Symptom(f"{where}: no line of the hba file lets {limit.user} into {limit.database}")
        elif not _may_exist(limit, patient):
            yield Symptom(f"{where}: user {limit.user} is not in the users file, and nobody else may come in")


def _may_exist(limit: LimitLine, patient: Patient) -> bool:
    settings, secrets = configured(patient).settings, patient.secrets
    open_to_others = settings.allow_unknown_users or settings.auth_query
    return limit.user == ALL or secrets is None or open_to_others or limit.user in secrets.users


def _let_in(limit: LimitLine, configuration: Configuration) -> bool:
    names = {limit.database, *limit.aliases}
    return any(
        line.method is not Method.REJECT
        and (limit.database == ALL or any(name.keyword or name.text in names for name in line.databases))
        and (limit.user == ALL or any(name.keyword or name.text == limit.user for name in line.users))
        for line in configuration.hba
    )


def covers(earlier: HbaLine, line: HbaLine) -> bool:
    """Whether every client that `line` is about has been matched by `earlier` already."""
    types = earlier.type is line.type or (earlier.type is HbaType.HOST and line.type is not HbaType.LOCAL)
    return (
        types
        and _names_cover(earlier.databases, line.databases)
        and _names_cover(earlier.users, line.users)
        and _addresses_cover(earlier.address, line.address)
    )


def _names_cover(earlier: Sequence[Name], names: Sequence[Name]) -> bool:
    return any(name.keyword and name.text == ALL for name in earlier) or set(names) <= set(earlier)


def _addresses_cover(earlier: Network | Scope | None, address: Network | Scope | None) -> bool:
    if earlier == address or earlier is Scope.ALL:
        return True
    if isinstance(earlier, Scope | None) or isinstance(address, Scope | None):
        return False
    return earlier.version == address.version and address.subnet_of(earlier)  # type: ignore[arg-type]


CHECKS = (
    Check(
        "configuration",
        "The files load, and the files of users can be decrypted",
        Grade.WRONG,
        "agroal does not start like this: correct the files; agroal --check says the same.",
        Needs.NOTHING,
        _configuration,
    ),
    Check(
        "secrets",
        "Master key, files of users and private keys are their owner's alone",
        Grade.WRONG,
        "Run chmod 600 on the file, chmod 700 on its directory.",
        Needs.NOTHING,
        _private,
    ),
    Check(
        "socket-directory",
        "Nobody else can put sockets into unix_socket_dir in the place of ours",
        Grade.WRONG,
        "Run chmod +t on the directory.",
        Needs.CONFIGURATION,
        _sockets,
    ),
    Check(
        "certificates",
        "Certificates are valid for 30 days more, and chains are in order",
        Grade.WRONG,
        "Renew it, and reload.",
        Needs.CONFIGURATION,
        _certificates,
    ),
    Check(
        "ciphers",
        "tls_ciphers allows nothing weak",
        Grade.WRONG,
        "Leave tls_ciphers empty, or add !aNULL:!eNULL:!RC4:!3DES:!MD5 to it.",
        Needs.CONFIGURATION,
        _ciphers,
    ),
    Check(
        "hba-order",
        "No line of the hba file stands behind one that matches all that it matches",
        Grade.ADVICE,
        "Move it up, or remove it.",
        Needs.CONFIGURATION,
        _shadowed,
    ),
    Check(
        "hba-trust",
        "No line of the hba file lets the whole world in without a password",
        Grade.WRONG,
        "Give the line a network, or the method scram-sha-256.",
        Needs.CONFIGURATION,
        _trusting,
    ),
    Check(
        "limits",
        "Each line of the databases file can match somebody",
        Grade.ADVICE,
        "Remove the line, or let its user in.",
        Needs.CONFIGURATION,
        _limits,
    ),
)
