"""Whom the doctor logs in as, and what it makes of it when that fails; real servers are in tests/integration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agroal.auth.scram import Verifier
from agroal.config.model import Configuration
from agroal.daemon.files import Secrets
from agroal.doctor import visit as module
from agroal.doctor.patient import Facts, Login, Seen
from agroal.doctor.visit import MOST_LOGINS, Visit
from agroal.errors import ServerRefused, ServerUnavailable, ServerUnreachable
from agroal.net.dial import Address, Route
from tests.unit.doctor.patients import configuration, facts

VERIFIER = Verifier.derive("pencil", b"0123456789abcdef").format()


class Channel:
    """Of a server that says nothing of itself."""

    closed = False
    sock = None

    def close(self) -> None:
        self.closed = True


class Server:
    """Answers whatever it is asked with what it was made of."""

    def __init__(self, answers: list[Any]) -> None:
        self.channel = Channel()
        self._answers = answers

    async def converse(self, talk: object, seconds: float) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    """PostgreSQL as the visit meets it: who may log in where, and what is answered then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.logins: list[tuple[str, str]] = []
        self.refusals: dict[tuple[str, str], Exception] = {}
        self.unreachable: Exception | None = None
        self.answers: list[Any] = [facts(), ""]
        self.steps: list[str] = []
        monkeypatch.setattr(module, "open_channel", self._open)
        monkeypatch.setattr(Visit, "_log_in", self._log_in())
        monkeypatch.setattr(module, "hang_up", self._hang_up)

    async def _open(self, *_: object) -> Channel:
        if self.unreachable:
            raise self.unreachable
        return Channel()

    def _log_in(self) -> Callable[..., Any]:
        async def log_in(visit: Visit, user: str, secret: str, database: str) -> Server:
            self.logins.append((user, database))
            if refusal := self.refusals.get((user, database)):
                raise refusal
            return Server(self.answers)

        return log_in

    async def _hang_up(self, channel: Channel, seconds: float) -> None:
        channel.close()

    def see(self, made: Configuration, secrets: Secrets) -> Seen:
        route = Route(Address.of(made.primary))
        visit = Visit(None, route, made.primary, made, secrets, 0, self.steps.append)  # type: ignore[arg-type]
        return asyncio.run(visit.see())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


LOCAL = {"host": "/tmp"}


def test_everybody_with_a_password_logs_in_where_its_line_is(world: World) -> None:
    made = configuration(limits="shop web 1\nblog ann 1\nall all 1\n", server=LOCAL)
    seen = world.see(made, Secrets({"web": "a", "ann": "b", "cy": "c", "old": VERIFIER}))
    assert world.logins == [("web", "shop"), ("ann", "blog"), ("cy", "shop")]
    assert seen.logins == (Login("web", "shop"), Login("ann", "blog"), Login("cy", "shop"))
    assert seen.facts == facts()


def test_without_a_line_that_names_one_the_database_is_postgres(world: World) -> None:
    world.see(configuration(limits="", server=LOCAL), Secrets({"web": "a"}))
    assert world.logins == [("web", "postgres")]


def test_a_database_that_is_not_there_is_told_and_another_is_asked_in(world: World) -> None:
    world.refusals["web", "shop"] = ServerRefused({"C": "3D000", "M": "no such database"})
    seen = world.see(configuration(server=LOCAL), Secrets({"web": "a"}))
    assert seen.logins == (Login("web", "shop", "3D000", "no such database"),)
    assert seen.facts == facts()


@pytest.mark.parametrize(
    ("refusal", "sqlstate"),
    [(ServerRefused({"C": "28P01", "M": "no"}), "28P01"), (ServerUnavailable("no"), "08001"), (OSError("no"), "08001")],
)
def test_a_login_that_fails_is_told_and_the_next_asks(world: World, refusal: Exception, sqlstate: str) -> None:
    world.refusals["web", "shop"] = refusal
    seen = world.see(configuration(server=LOCAL), Secrets({"web": "a", "ann": "b"}))
    assert seen.logins == (Login("web", "shop", sqlstate, "no"), Login("ann", "shop"))
    assert seen.facts


def test_not_everybody_is_tried(world: World) -> None:
    world.see(configuration(server=LOCAL), Secrets({f"user{n}": "x" for n in range(MOST_LOGINS + 5)}))
    assert len(world.logins) == MOST_LOGINS


def test_who_is_not_reached_is_not_asked(world: World) -> None:
    world.unreachable = ServerUnreachable("Connection refused")
    seen = world.see(configuration(server=LOCAL), Secrets({"web": "a"}))
    assert (seen.unreachable, seen.logins, world.logins) == ("Connection refused", (), [])


def test_an_answer_that_is_none_leaves_the_facts_open(world: World) -> None:
    world.answers[:] = [TimeoutError()]
    assert world.see(configuration(server=LOCAL), Secrets({"web": "a"})).facts is None


def test_without_a_password_nobody_asks(world: World) -> None:
    seen = world.see(configuration(server=LOCAL), Secrets({"old": VERIFIER}))
    assert (seen.reached, seen.facts, world.logins) == (True, None, [])


class TestAuthQuery:
    made = configuration(server=LOCAL, auth_query=True)
    secrets = Secrets({"web": "a"}, superuser={"asks": "b"})

    def test_who_asks_for_secrets_asks_for_facts_too(self, world: World) -> None:
        found = facts(user="asks")
        world.answers[:] = [(True, True), found, ""]
        seen = world.see(self.made, self.secrets)
        assert world.logins == [("web", "shop"), ("asks", "postgres")]
        assert seen.asked
        assert (seen.asked.superuser, seen.asked.answers, seen.asked.error) == (True, True, "")
        assert seen.facts == found

    def test_who_may_not_ask_is_told(self, world: World) -> None:
        world.answers[:] = [ServerRefused({"C": "42501", "M": "permission denied"}), facts(), ""]
        seen = world.see(self.made, self.secrets)
        assert seen.asked
        assert seen.asked.error == "permission denied"
        assert isinstance(seen.facts, Facts)

    def test_who_cannot_log_in_to_ask_is_told_and_others_ask_the_rest(self, world: World) -> None:
        world.refusals["asks", "postgres"] = ServerRefused({"C": "28P01", "M": "wrong password"})
        seen = world.see(self.made, self.secrets)
        assert seen.asked
        assert seen.asked.error == "wrong password"
        assert seen.facts == facts()

    def test_what_takes_time_is_named(self, world: World) -> None:
        world.answers[:] = [(True, True), facts(), ""]
        world.see(self.made, self.secrets)
        assert [step.split()[0] for step in world.steps] == ["looking", "connecting", "logging", "asking"]
