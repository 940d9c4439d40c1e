"""Servers are asked whether they still work: before a client has them (foreground), or now and then (background)."""

from __future__ import annotations

import pytest

from agroal.config.choices import Validation
from agroal.errors import IllegalTransition
from agroal.pool.effects import Close, CloseReason, Connect, Grant, Validate
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.waiters import WaitReason
from tests.unit.pool.shell import BATCH, WEB, Shell


def foreground(**more: int) -> Shell:
    return Shell(PoolSettings(validation=Validation.FOREGROUND, **more))


def background(at_once: int = 8, idle_timeout: float = 0.0) -> Shell:
    settings = PoolSettings(
        idle_timeout=idle_timeout,
        validation=Validation.BACKGROUND,
        background_interval=10,
        validations_at_once=at_once,
    )
    return Shell(settings)


def free(shell: Shell, number: int) -> list[int]:
    """So many free connections, the one in front free for longest."""
    grants = shell.leases(number)
    for grant in grants:
        shell.now += 0.01
        shell.release(grant)
    return [grant.slot for grant in grants]


# -- foreground


def test_a_client_has_a_free_connection_once_the_server_has_answered() -> None:
    shell = foreground()
    free(shell, 1)
    waiter = shell.ask()
    assert shell.questions == [Validate(0)]
    assert shell.states() == ["validation"]
    (row,) = shell.pool.snapshot(shell.now).waiters
    assert row.reason is WaitReason.VALIDATING
    shell.answer()
    assert shell.grants[waiter].slot == 0
    assert shell.connects == []


def test_without_validation_nobody_is_asked() -> None:
    shell = Shell()
    free(shell, 1)
    assert shell.ask() in shell.grants
    assert shell.questions == []


def test_a_server_that_does_not_answer_is_closed_and_the_next_free_one_is_asked() -> None:
    shell = foreground()
    older, newer = free(shell, 2)
    waiter = shell.ask()
    shell.answer(alive=False)
    assert shell.closes == [Close(newer, CloseReason.INVALID)]
    assert shell.questions == [Validate(older)]
    shell.answer()
    assert shell.grants[waiter].slot == older


def test_when_no_free_one_answers_another_is_opened() -> None:
    shell = foreground()
    free(shell, 1)
    waiter = shell.ask()
    shell.answer(alive=False)
    assert shell.connects == [Connect(1, WEB)]
    shell.connect()
    assert waiter in shell.grants


def test_the_last_one_back_is_asked_first() -> None:
    shell = foreground()
    slots = free(shell, 3)
    shell.ask_all(2)
    assert [question.slot for question in shell.questions] == slots[:0:-1]


def test_who_came_first_has_the_first_that_answers() -> None:
    shell = foreground()
    free(shell, 2)
    first, second = shell.ask_all(2)
    shell.questions.reverse()
    shell.answer()
    assert list(shell.grants) == [first]
    shell.answer()
    assert list(shell.grants) == [first, second]


def test_as_many_are_asked_as_clients_wait() -> None:
    shell = foreground()
    free(shell, 3)
    shell.ask()
    assert len(shell.questions) == 1
    shell.ask(BATCH)
    assert len(shell.questions) == 1


def test_a_connection_that_is_handed_on_or_just_opened_is_not_asked() -> None:
    shell = foreground(max_connections=1)
    held = shell.lease()
    waiter = shell.ask()
    shell.release(held)
    assert waiter in shell.grants
    assert shell.questions == []


def test_a_free_connection_is_asked_though_another_is_being_opened() -> None:
    shell = foreground()
    held = shell.lease()
    shell.pool.cancel(shell.ask(), shell.now)
    shell.release(held)
    waiter = shell.ask()
    assert len(shell.connects) == len(shell.questions) == 1
    shell.fail()
    assert shell.refusals == {}
    shell.answer()
    assert waiter in shell.grants


def test_when_the_client_has_gone_the_connection_that_answers_is_free() -> None:
    shell = foreground()
    free(shell, 1)
    shell.pool.cancel(shell.ask(), shell.now)
    shell.answer()
    assert shell.states() == ["free"]
    assert shell.grants == {}


def test_a_server_may_be_lost_or_flushed_while_it_is_asked() -> None:
    shell = foreground()
    free(shell, 2)
    waiter = shell.ask()
    lost = shell.questions.pop(0).slot
    shell.do(shell.pool.closed(lost, shell.now))
    asked = shell.questions.pop(0).slot
    shell.do(shell.pool.flush(FlushMode.IDLE, None, shell.now))
    assert shell.closes == [Close(asked, CloseReason.FLUSHED)]
    shell.connect()
    assert waiter in shell.grants


def test_an_answer_to_no_question_is_our_bug() -> None:
    shell = foreground()
    free(shell, 1)
    with pytest.raises(IllegalTransition, match="slot 0 is free: no validation is under way"):
        shell.pool.validated(0, True, shell.now)


# -- background


def test_every_interval_all_that_are_free_are_asked() -> None:
    shell = background()
    free(shell, 2)
    shell.lease(BATCH)
    assert shell.pool.next_deadline() == 10.0
    shell.wait(10 - shell.now)
    assert [question.slot for question in shell.questions] == [0, 1]
    shell.answer()
    shell.answer()
    assert shell.states() == ["free", "free", "in-use"]
    assert shell.questions == []
    assert shell.pool.next_deadline() == 20.0
    assert shell.pool.snapshot(shell.now).totals.validations == 2


def test_some_are_asked_at_a_time_the_longest_free_first() -> None:
    shell = background(at_once=2)
    slots = free(shell, 5)
    shell.wait(10)
    asked = []
    while shell.questions:
        assert len(shell.questions) <= 2
        asked.append(shell.questions[0].slot)
        shell.now += 0.01
        shell.answer()
    assert asked == slots


def test_what_was_used_since_the_round_began_is_not_asked() -> None:
    shell = background(at_once=1)
    free(shell, 2)
    shell.wait(10)
    shell.now += 0.01
    shell.release(shell.lease())
    shell.answer()
    assert shell.questions == []


def test_a_server_that_does_not_answer_in_the_background_is_closed() -> None:
    shell = background()
    free(shell, 1)
    shell.wait(10)
    shell.answer(alive=False)
    assert shell.closes == [Close(0, CloseReason.INVALID)]


def test_a_free_connection_that_is_not_being_asked_is_granted_at_once() -> None:
    shell = background(at_once=1)
    asked, other = free(shell, 2)
    shell.wait(10)
    assert [question.slot for question in shell.questions] == [asked]
    assert shell.lease().slot == other
    waiter = shell.ask()  # waits for the one that is being asked, not for another
    assert shell.connects == []
    shell.answer()
    assert shell.grants[waiter].slot == asked


def test_validation_does_not_count_as_use() -> None:
    shell = background(idle_timeout=15)
    free(shell, 1)  # free since 0.01
    shell.wait(10)
    shell.answer()
    shell.wait(5)
    assert shell.states() == ["idle-check"]


def test_what_became_too_old_or_idle_for_too_long_while_it_was_asked_is_closed() -> None:
    shell = background(idle_timeout=15)
    free(shell, 1)
    shell.wait(10)
    shell.now = 16.0
    shell.answer()
    assert shell.closes == [Close(0, CloseReason.IDLE)]


# -- another mode


def reloaded(shell: Shell, validation: Validation) -> None:
    shell.do(shell.pool.reconfigure(PoolSettings(validation=validation), [], shell.now))


def test_who_waits_beside_a_free_connection_has_it_once_it_need_not_be_asked() -> None:
    shell = foreground()
    free(shell, 2)
    first = shell.ask()
    asked = shell.questions[0].slot
    reloaded(shell, Validation.OFF)
    (grant,) = shell.grants.values()
    assert grant == Grant(first, 1 - asked, grant.lease)
    shell.answer()
    assert sorted(shell.states()) == ["free", "in-use"]


def test_a_round_ends_with_its_mode() -> None:
    shell = background(at_once=1)
    free(shell, 3)
    shell.wait(10)
    reloaded(shell, Validation.OFF)
    shell.answer()
    assert shell.questions == []
    assert shell.pool.next_deadline() == shell.now  # the sweep of a reload
    shell.wait(0)
    assert shell.pool.next_deadline() is None


def test_the_first_round_is_one_interval_after_the_reload_that_asks_for_it() -> None:
    shell = Shell()
    free(shell, 1)
    shell.now = 5.0
    settings = PoolSettings(validation=Validation.BACKGROUND, background_interval=10)
    shell.do(shell.pool.reconfigure(settings, [Limit("all", (), "all", 5)], shell.now))
    shell.wait(9.9)
    assert shell.questions == []
    shell.wait(0.1)
    assert len(shell.questions) == 1
