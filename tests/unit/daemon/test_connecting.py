from __future__ import annotations

import logging

import pytest

from agroal.daemon import connecting
from agroal.daemon.connecting import REMIND, Connector
from agroal.errors import ClientFacing, Internal, PeerGone, ServerRefused, ServerUnavailable
from agroal.management.event import EventKind
from agroal.pool.slot import PoolKey

KEY = PoolKey("shop", "ann")
EVES = PoolKey("shop", "eve", "a digest")
REFUSED = ServerRefused({"C": "3D000", "M": 'database "shop" does not exist'})
STARTING = ServerRefused({"C": "57P03", "M": "the database system is starting up"})
SERVER = object()
"""Nobody looks into it."""


class FakeDialler:
    """What becomes of the connects, one after the other; then they succeed."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.asked: list[tuple[str, PoolKey, object]] = []

    async def dial(self, key: PoolKey, session: object) -> object:
        return self._answer("dial", key, session)

    async def dial_through(self, key: PoolKey, session: object) -> object:
        return self._answer("dial_through", key, session)

    def _answer(self, way: str, key: PoolKey, session: object) -> object:
        self.asked.append((way, key, session))
        if self.failures:
            raise self.failures.pop(0)
        return SERVER


class Office:
    """A connector, and what administrators hear of it. Nothing in it waits, so a connect is one step."""

    def __init__(self) -> None:
        self.dialler = FakeDialler()
        self.now = 100.0
        self.events: list[tuple[EventKind, str]] = []
        self.connector = Connector(self.dialler, lambda *event: self.events.append(event), lambda: self.now)  # type: ignore[arg-type]

    def open(self, key: PoolKey = KEY, session: object = None, *, private: bool = False) -> object:
        try:
            self.connector.open(key, session, private=private).send(None)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        raise AssertionError("it waits for something")

    def fail(self, *failures: Exception, key: PoolKey = KEY) -> list[object]:
        self.dialler.failures = list(failures)
        return [self.open(key) for _ in failures]


@pytest.fixture
def office() -> Office:
    return Office()


class TestOutcomes:
    def test_a_server_is_handed_on(self, office: Office) -> None:
        assert office.open() is SERVER
        assert office.dialler.asked == [("dial", KEY, None)]
        assert office.events == []

    def test_a_client_that_answers_for_itself_is_let_through(self, office: Office) -> None:
        session = object()
        assert office.open(session=session, private=True) is SERVER
        assert office.dialler.asked == [("dial_through", KEY, session)]

    def test_one_that_has_left_before_is_not_connected_for(self, office: Office) -> None:
        outcome = office.open(private=True)
        assert isinstance(outcome, ServerUnavailable)
        assert "left before" in outcome.message
        assert office.dialler.asked == []

    def test_what_the_server_said_is_what_clients_are_told(self, office: Office) -> None:
        assert office.fail(REFUSED) == [REFUSED]

    def test_a_server_that_hangs_up_is_unavailable(self, office: Office) -> None:
        (outcome,) = office.fail(PeerGone("server closed the connection"))
        assert isinstance(outcome, ServerUnavailable)
        assert outcome.message == "server closed the connection"

    def test_a_mistake_of_ours_is_in_the_log_and_not_in_the_answer(
        self, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        (outcome,) = office.fail(KeyError("secret"))
        assert isinstance(outcome, Internal)
        assert outcome.message == "internal error of agroal: KeyError"
        assert "KeyError: 'secret'" in caplog.text


class TestWords:
    def test_the_first_failure_is_news_and_the_next_are_not(self, office: Office) -> None:
        office.fail(REFUSED, REFUSED, REFUSED)
        assert office.events == [
            (
                EventKind.POOL_FAILING,
                'no connection for user=ann database=shop: database "shop" does not exist',
            )
        ]

    def test_after_a_while_it_is_said_once_more_and_how_often_it_has_failed(self, office: Office) -> None:
        office.fail(REFUSED, REFUSED)
        office.now += REMIND
        office.fail(REFUSED, REFUSED)
        assert [text.partition(" (")[2] for _, text in office.events] == ["", "still, after 2 failures)"]

    def test_another_reason_is_news(self, office: Office) -> None:
        office.fail(REFUSED, STARTING)
        assert [text.rpartition(": ")[2] for _, text in office.events] == [REFUSED.message, STARTING.message]

    def test_that_it_is_over_is_told_with_what_it_took(self, office: Office) -> None:
        office.fail(REFUSED, STARTING, STARTING)
        office.now += 1.5
        office.open()
        office.open()
        assert office.events[2:] == [
            (
                EventKind.POOL_RECOVERED,
                "connections for user=ann database=shop can be opened again, after 3 failures in 1.5 s",
            )
        ]

    def test_one_failure_is_one(self, office: Office) -> None:
        office.fail(REFUSED)
        office.open()
        assert office.events[1][1].endswith("after 1 failure in 0.0 s")

    def test_what_failed_once_is_news_again_after_it_went_well(self, office: Office) -> None:
        office.fail(REFUSED)
        office.open()
        office.fail(REFUSED)
        assert [kind for kind, _ in office.events] == [
            EventKind.POOL_FAILING,
            EventKind.POOL_RECOVERED,
            EventKind.POOL_FAILING,
        ]

    def test_each_pool_has_troubles_of_its_own(self, office: Office) -> None:
        office.fail(REFUSED)
        office.fail(REFUSED, key=PoolKey("shop", "bob"))
        office.open()
        assert [kind for kind, _ in office.events] == [
            EventKind.POOL_FAILING,
            EventKind.POOL_FAILING,
            EventKind.POOL_RECOVERED,
        ]

    @pytest.mark.parametrize(("key", "private"), [(EVES, False), (KEY, True)])
    def test_a_client_that_gives_a_wrong_password_of_its_own_is_no_trouble_of_the_pools(
        self, office: Office, caplog: pytest.LogCaptureFixture, key: PoolKey, private: bool
    ) -> None:
        wrong = ServerRefused({"C": "28P01", "M": "wrong password"})
        office.dialler.failures = [wrong]
        with caplog.at_level(logging.INFO):
            assert office.open(key, object(), private=private) is wrong
        assert office.events == []
        assert caplog.messages == [f"no connection for user={key.user} database=shop: wrong password"]

    def test_clients_that_invent_databases_do_not_fill_the_memory(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connecting, "REMEMBERED", 2)
        for database in ("a", "b", "c", "a", "c"):
            office.fail(REFUSED, key=PoolKey(database, "ann"))
        told = [text.split("database=")[1][0] for _, text in office.events]
        assert told == ["a", "b", "c", "a"], "the first was forgotten when the third came, and is news again"


def test_every_outcome_that_is_no_server_can_be_told_to_clients(office: Office) -> None:
    outcomes = office.fail(REFUSED, PeerGone("gone"), RuntimeError("oops"))
    assert all(isinstance(outcome, ClientFacing) for outcome in outcomes)
