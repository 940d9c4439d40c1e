from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from agroal.config.units import LONGEST
from agroal.errors import ManagementError
from agroal.management.controls import Role
from agroal.management.record import Record
from agroal.management.verb import Argument, Kind, Verb
from agroal.management.verbs import BY_NAME, BY_SPELLING, VERBS, arguments_of, named, spelled

SPELLINGS = {
    "ping": "ping",
    "is-alive": "ping",
    "status": "status",
    "status details": "status details",
    "details": "status details",
    "shutdown": "shutdown gracefully",
    "shutdown gracefully": "shutdown gracefully",
    "gracefully": "shutdown gracefully",
    "shutdown immediate": "shutdown immediate",
    "stop": "shutdown immediate",
    "shutdown cancel": "shutdown cancel",
    "cancel-shutdown": "shutdown cancel",
    "hello": "hello",
    "snapshot": "snapshot",
}

FETCH = replace(
    named("ping"),
    name="fetch",
    arguments=(
        Argument("key", Kind.WORD, "which key", required=True),
        Argument("value", Kind.WORD, "which value"),
        Argument("patience", Kind.SECONDS, "how long"),
    ),
)


def refusal(caught: pytest.ExceptionInfo[ManagementError]) -> tuple[str, str]:
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize(("spelling", "name"), SPELLINGS.items())
def test_both_vocabularies_lead_to_one_verb(spelling: str, name: str) -> None:
    assert spelled(spelling.split()) == (BY_NAME[name], [])


def test_every_spelling_is_listed_here_and_belongs_to_one_verb() -> None:
    assert {" ".join(words) for words in BY_SPELLING} == SPELLINGS.keys()
    assert len(BY_SPELLING) == sum(1 + len(verb.aliases) for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_row_fits_its_command(verb: Verb) -> None:
    parameters = list(inspect.signature(verb.execute).parameters.values())[1:]
    assert [parameter.name for parameter in parameters] == [argument.name for argument in verb.arguments]
    assert [parameter.default is parameter.empty for parameter in parameters] == [a.required for a in verb.arguments]
    assert issubclass(verb.result, Record)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_only_what_changes_nothing_is_open_to_monitors(verb: Verb) -> None:
    assert (verb.role is Role.MONITOR) <= verb.read_only


def test_the_wire_knows_canonical_names_only() -> None:
    assert named("shutdown immediate").name == "shutdown immediate"
    for name in ("stop", "Ping", "ping ", "", "x" * 1000):
        with pytest.raises(ManagementError) as caught:
            named(name)
        assert refusal(caught) == ("unknown-verb", f"there is no verb '{name[:64]}'")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is no verb: --help lists what there is"),
        (["pong"], "there is no verb “pong”: did you mean “ping”?"),
        (["zzz", "zz"], "there is no verb “zzz zz”: --help lists what there is"),
        (["PING"], "there is no verb “PING”: --help lists what there is"),
    ],
)
def test_an_unknown_verb_is_answered_with_the_nearest(words: list[str], message: str) -> None:
    with pytest.raises(ManagementError) as caught:
        spelled(words)
    assert refusal(caught) == ("unknown-verb", message)


def test_words_after_a_verb_are_its_arguments() -> None:
    assert spelled(["status", "detail"]) == (BY_NAME["status"], ["detail"])


def test_words_become_arguments_in_order_and_the_timeout_its_own() -> None:
    assert arguments_of(FETCH, ["a"], None) == {"key": "a"}
    assert arguments_of(FETCH, ["a", "b"], 30) == {"key": "a", "value": "b", "patience": 30.0}


@pytest.mark.parametrize(
    ("verb", "words", "seconds", "message"),
    [
        (FETCH, [], None, "“fetch” needs key: which key"),
        (FETCH, ["a", "b", "c"], None, "“fetch” does not take “c”"),
        (named("status"), ["detail"], None, "“status” does not take “detail”"),
        (named("ping"), [], 3.0, "“ping” takes no timeout (-T)"),
    ],
)
def test_a_command_line_that_does_not_fit_its_verb_is_refused(
    verb: Verb, words: list[str], seconds: float | None, message: str
) -> None:
    with pytest.raises(ManagementError) as caught:
        arguments_of(verb, words, seconds)
    assert refusal(caught) == ("bad-argument", message)


@pytest.mark.parametrize("seconds", [0, 30, 2.5, LONGEST])
def test_a_timeout_is_a_number_of_seconds(seconds: float) -> None:
    assert named("shutdown gracefully").checked({"timeout": seconds}) == {"timeout": float(seconds)}


@pytest.mark.parametrize(
    "seconds", [-1, LONGEST + 1, 10**400, float("nan"), float("inf"), True, None, "30", "30s", [], {}], ids=str
)
def test_anything_else_is_no_timeout(seconds: object) -> None:
    with pytest.raises(ManagementError) as caught:
        named("shutdown gracefully").checked({"timeout": seconds})
    assert refusal(caught) == ("bad-argument", f"“timeout” must be a number of seconds between 0 and {LONGEST:.0f}")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"key": 1}, "“key” must be a text"),
        ({"value": "b"}, "“fetch” needs key: which key"),
        ({"key": "a", "colour\x1b": "red"}, "“fetch” has no argument 'colour\\x1b'"),
    ],
)
def test_a_request_that_does_not_fit_its_verb_is_refused(args: dict[str, object], message: str) -> None:
    with pytest.raises(ManagementError) as caught:
        FETCH.checked(args)
    assert refusal(caught) == ("bad-argument", message)
