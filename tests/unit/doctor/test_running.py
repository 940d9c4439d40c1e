from __future__ import annotations

from dataclasses import replace

from agroal.doctor.check import Grade
from agroal.doctor.patient import Listening
from agroal.management.snapshot import ConfigurationState
from tests.unit.doctor.patients import patient, told
from tests.unit.management.sample import POOL, snapshot

QUIET = replace(POOL, waiting=0, oldest_wait_us=0, timeouts=0, failures=0, error=None, active=0)


def picture(**changes: object) -> object:
    """A daemon that is well, but for the changes."""
    well = {
        "waiters": (),
        "pools": (QUIET,),
        "authentication_failures": (),
        "configuration": ConfigurationState(None, ()),
    }
    found = snapshot(**{**well, **changes})
    servers = tuple(replace(server, state="up", error=None) for server in found.servers)
    return found if "servers" in changes else replace(found, servers=servers)


def test_a_daemon_that_is_well_is_not_spoken_of() -> None:
    one = patient(daemon=picture())
    assert [told(check, one) for check in ("daemon", "waits", "pools", "restart", "refusals")] == [[]] * 5


def test_who_waits_for_long_is_told() -> None:
    waiting = snapshot().waiters[0]
    long = replace(waiting, since_us=snapshot().mono_us - 5_000_000, position=1)
    ((grade, text),) = told("waits", patient(daemon=picture(waiters=(long,))))
    assert grade is Grade.WRONG
    assert f"{waiting.user} has been waiting for {waiting.database} for 5.0 s" in text
    short = replace(waiting, since_us=snapshot().mono_us - 1000, position=1)
    assert told("waits", patient(daemon=picture(waiters=(short,)))) == []


def test_who_waited_in_vain_and_limits_that_are_reached_are_told() -> None:
    gone = replace(QUIET, timeouts=3)
    full = replace(QUIET, active=QUIET.max)
    found = told("waits", patient(daemon=picture(pools=(gone, full))))
    assert [grade for grade, _ in found] == [Grade.ADVICE, Grade.ADVICE]
    assert "3 clients" in found[0][1]
    assert f"all {QUIET.max} connections" in found[1][1]


def test_servers_that_are_down_and_pools_that_cannot_connect_are_told() -> None:
    down = replace(snapshot().servers[0], state="down", error="Connection refused")
    ill = picture(servers=(down,), pools=(replace(QUIET, error="no such role"),))
    texts = [text for _, text in told("pools", patient(daemon=ill))]
    assert texts == [
        f"agroal finds {down.name} down: Connection refused",
        f"agroal can't open connections for {QUIET.database}/{QUIET.user}: no such role",
    ]


def test_values_that_wait_for_a_restart_are_told() -> None:
    waiting = picture(configuration=ConfigurationState(None, ("port",)))
    assert told("restart", patient(daemon=waiting)) == [(Grade.ADVICE, "new values wait for a restart: port")]


def test_who_is_refused_again_and_again_is_told() -> None:
    failure = snapshot().authentication_failures[0]
    ((grade, text),) = told("refusals", patient(daemon=picture(authentication_failures=(failure,))))
    assert grade is Grade.ADVICE
    assert f"refused {failure.count} times: {failure.user}" in text


def test_something_that_listens_and_is_no_agroal_is_told() -> None:
    taken = Listening("localhost:2345", "Address already in use", taken=True)
    ((grade, text),) = told("daemon", patient(listening=(taken,), silence="nobody answers"))
    assert grade is Grade.WRONG
    assert text == "something listens on localhost:2345, and no agroal answers: nobody answers"
    assert told("ports", patient(listening=(taken,), daemon=picture())) == []
