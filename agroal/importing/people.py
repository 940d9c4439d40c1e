"""Who is in PgBouncer's auth_file, and which of agroal's files they go to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agroal.auth.users import Secret
from agroal.auth.vault import check_user
from agroal.config.report import Report, read_text
from agroal.importing.bouncer_settings import Main, put
from agroal.importing.draft import Draft
from agroal.importing.findings import Findings, Place
from agroal.importing.userlist import Listed, read_userlist


@dataclass(slots=True)
class People:
    """Those of the auth_file."""

    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """By name: what agroal's files of users can hold."""
    places: dict[str, Place] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    """Who has no secret, and is let in by `trust` all the same."""

    def password(self, name: str) -> bool:
        """Whether agroal can log in for this user without having heard of a client."""
        return name in self.secrets and Secret(self.secrets[name]).password is not None


def read_people(main: Main, directory: Path) -> People:
    """The auth_file; relative to the directory of the main file when it is not absolute."""
    people = People()
    if not main.given("auth_file"):
        return people
    path = directory / main.text("auth_file")
    report = Report(str(path))
    text = read_text(path, "", report)
    for listed in read_userlist(text or "", report):
        place = Place(str(path), listed.line)
        if not listed.secret and main.text("auth_type").lower() == "trust":
            people.without.append(listed.name)
            says = "comes in by trust; PostgreSQL has to trust agroal, too: there is no password for it."
            main.findings.human(place, f"user {listed.name!r}", says)
            continue
        if why := "is there twice: the first counts" if listed.name in people.secrets else _unfit(listed):
            says = f"{why}. Left out; agroal-admin user add adds users."
            main.findings.human(place, f"user {listed.name!r}", says)
            continue
        people.secrets[listed.name] = listed.secret
        people.places[listed.name] = place
    for problem in report.problems:
        main.findings.human(
            Place(problem.file, problem.line), "auth_file", f"{problem.message}. Nobody is taken from it."
        )
    _say_what_secrets_are_good_for(people, main.text("auth_type").lower(), main.findings)
    return people


def write_people(main: Main, people: People, draft: Draft) -> None:
    """Fills the vault, the admins file and `monitors`."""
    draft.users |= people.secrets
    admins, monitors = (_names(main, key) for key in ("admin_users", "stats_users"))
    for name in dict.fromkeys([*admins, *monitors]):
        if name in people.secrets and Secret(people.secrets[name]).md5 is None:
            draft.admins[name] = people.secrets[name]
            continue
        source = "admin_users" if name in admins else "stats_users"
        why = f"{name} needs a password: agroal-admin -f agroal_admins.conf -U {name} user add."
        main.findings.human(main.place(source), main.shown(source), why)
    looking = [name for name in monitors if name not in admins and name in draft.admins]
    if looking:
        put(main, draft, "monitors", ", ".join(looking), "stats_users")


def write_superuser(main: Main, people: People, names: Iterable[tuple[str, Place]], draft: Draft) -> bool:
    """Who asks PostgreSQL for secrets: the first of PgBouncer's auth_users. Whether there is one."""
    asking = list(dict.fromkeys(names))
    if not asking:
        return False
    (name, place), *others = asking
    for other, where in others:
        if other != name:
            main.findings.human(where, f"auth_user={other}", f"agroal asks as one user for all databases: {name}.")
    if not people.password(name):
        why = (
            "its password is not known: agroal-admin -f agroal_superuser.conf "
            f"-U {name} user add, and set auth_query = on."
        )
        main.findings.human(place, f"auth_user = {name}", why)
        return False
    draft.superuser[name] = people.secrets[name]
    draft.put("auth_query", "on", f"auth_user = {name}")
    grant = f"unless it is a superuser, in auth_query_database: GRANT SELECT ON pg_catalog.pg_authid TO {name}."
    main.findings.human(place, f"auth_user = {name}", grant, became="auth_query = on")
    return True


def _unfit(listed: Listed) -> str:
    """Why agroal's files of users can't hold somebody; empty if they can."""
    try:
        check_user(listed.name, listed.secret)
    except ValueError as error:
        return str(error)
    return ""


def _names(main: Main, key: str) -> list[str]:
    return [name for part in main.text(key).split(",") if (name := part.strip())]


def _say_what_secrets_are_good_for(people: People, method: str, findings: Findings) -> None:
    for name, text in people.secrets.items():
        secret, place = Secret(text), people.places[name]
        if secret.verifier:
            findings.human(
                place,
                f"user {name}: a SCRAM verifier",
                "It lets clients in. It logs in to PostgreSQL only after a client has, and only where pg_authid has "
                "the very same verifier; connections can't be opened beforehand. With the password itself both work.",
            )
        elif secret.md5:
            barred = " By scram-sha-256 this user can't come in." if method == "scram-sha-256" else ""
            findings.human(
                place,
                f"user {name}: an md5 hash",
                f"It lets clients in by md5 and password, and logs in to a PostgreSQL that asks for md5.{barred} With "
                "the password itself everything works.",
            )
