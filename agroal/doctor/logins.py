"""Checks of users: that who is in the files can come in, and that agroal can log in for them."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.auth.users import Secret
from agroal.config.model import Method
from agroal.doctor.check import Check, Grade, Needs, Symptom, configured, told
from agroal.doctor.patient import Patient, Role
from agroal.doctor.visit import UNKNOWN_DATABASE

_KINDS = {"scram": "a SCRAM verifier", "md5": "an md5 hash"}


def _logins(patient: Patient) -> Iterator[Symptom]:
    for seen in patient.servers:
        for login in seen.logins:
            if login.error and login.sqlstate != UNKNOWN_DATABASE:
                yield Symptom(f"{seen.server.name}: {login.user} can't log in to {login.database}: {login.error}")


def _roles(patient: Patient) -> Iterator[Symptom]:
    """Without a log-in: what PostgreSQL says of the roles."""
    _, facts = told(patient)
    secrets = patient.secrets
    for name in secrets.users if secrets else ():
        role = facts.roles.get(name)
        if role is None:
            yield Symptom(f"{name} is in the users file, and PostgreSQL has no such role")
        elif not role.can_login:
            yield Symptom(f"{name} is in the users file, and PostgreSQL does not let that role log in (NOLOGIN)")
        elif role.expired:
            yield Symptom(f"the password of {name} has expired in PostgreSQL (VALID UNTIL)")


def _secrets(patient: Patient) -> Iterator[Symptom]:
    """A verifier or a hash is good for less than a password."""
    methods = {line.method for line in configured(patient).hba}
    assert patient.secrets
    for name, text in patient.secrets.users.items():
        secret = Secret(text)
        role = patient.facts.roles.get(name) if patient.facts else None
        mine = "scram" if secret.verifier else "md5" if secret.md5 else ""
        if not mine:
            continue
        if mine == "md5" and name not in patient.secrets.frontend and not methods & {Method.MD5, Method.PASSWORD}:
            yield Symptom(
                f"{name} has an md5 hash in the users file, and no line of the hba file has md5: it can't come in"
            )
        yield from _unlike(name, mine, role)


def _unlike(name: str, mine: str, role: Role | None) -> Iterator[Symptom]:
    theirs = role.kind if role else None
    if theirs and theirs != mine:
        known = _KINDS.get(theirs, "no password")
        yield Symptom(f"{name} has {_KINDS[mine]} in the users file and {known} in PostgreSQL: agroal can't log in")
    elif mine == "scram":
        text = f"{name} has a SCRAM verifier in the users file: agroal can log in only after a client has"
        yield Symptom(text, "Give it the password, if connections are to be opened beforehand.", Grade.ADVICE)


def _stored(patient: Patient) -> Iterator[Symptom]:
    _, facts = told(patient)
    if facts.settings.get("password_encryption") in ("md5", "on", "off"):
        yield Symptom("password_encryption is md5: new passwords are stored as hashes that are easy to guess")
    old = sorted(name for name, role in facts.roles.items() if role.kind == "md5")
    if old:
        yield Symptom(f"PostgreSQL has md5 hashes of {', '.join(old)}")


def _lookup(patient: Patient) -> Iterator[Symptom]:
    if not configured(patient).settings.auth_query:
        return
    primary, _ = told(patient)
    asked = primary.asked
    if asked is None:
        yield Symptom("auth_query is on, and there is nobody who could ask", "Add a user to agroal_superuser.conf.")
    elif asked.error:
        text = f"{asked.user} can't read pg_authid in {asked.database}: {asked.error}"
        yield Symptom(text, f'In the database {asked.database}: GRANT SELECT ON pg_catalog.pg_authid TO "{asked.user}"')
    elif not asked.answers:
        yield Symptom(f"{asked.user} has asked in {asked.database}, and no row came back")
    elif asked.superuser:
        text = f"{asked.user} is a superuser, and asking needs much less"
        advice = "Use a role of its own: CREATE ROLE … LOGIN, GRANT SELECT ON pg_catalog.pg_authid TO it."
        yield Symptom(text, advice, Grade.ADVICE)


CHECKS = (
    Check(
        "logins",
        "agroal can log in to PostgreSQL as each user whose password it has",
        Grade.WRONG,
        "agroal-admin user edit corrects a password; pg_hba.conf of PostgreSQL says who may come from this host.",
        Needs.REACHED,
        _logins,
    ),
    Check(
        "roles",
        "Each user of the users file is a role that may log in",
        Grade.WRONG,
        "CREATE ROLE, ALTER ROLE … LOGIN VALID UNTIL …, or agroal-admin user del.",
        Needs.POSTGRESQL,
        _roles,
    ),
    Check(
        "verifiers",
        "What the users file has instead of passwords fits the hba file and PostgreSQL",
        Grade.WRONG,
        "Put the password itself into the users file: agroal-admin user edit.",
        Needs.SECRETS,
        _secrets,
    ),
    Check(
        "password-encryption",
        "PostgreSQL stores passwords as SCRAM verifiers",
        Grade.ADVICE,
        "Set password_encryption = scram-sha-256, and set those passwords once more.",
        Needs.POSTGRESQL,
        _stored,
    ),
    Check(
        "auth-query",
        "Who asks PostgreSQL for secrets can, gets an answer, and is no superuser",
        Grade.WRONG,
        "See auth_query in docs/configuration.md.",
        Needs.POSTGRESQL,
        _lookup,
    ),
)
