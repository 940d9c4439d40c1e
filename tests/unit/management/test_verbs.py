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
    "subscribe": "subscribe",
    "unsubscribe": "unsubscribe",
    "events": "events",
    "log": "log tail",
    "log tail": "log tail",
    "flush": "flush gracefully",
    "flush gracefully": "flush gracefully",
    "flush-gracefully": "flush gracefully",
    "flush idle": "flush idle",
    "flush-idle": "flush idle",
    "flush all": "flush all",
    "flush-all": "flush all",
    "enable": "enable",
    "disable": "disable",
    "pause": "pause",
    "resume": "resume",
    "reconnect": "reconnect",
    "kill": "kill",
    "kill client": "kill",
    "clear statistics": "clear statistics",
    "clear prometheus": "clear statistics",
    "reset": "clear statistics",
    "record dump": "record dump",
    "record": "record dump",
    "conf ls": "conf ls",
    "conf get": "conf get",
    "config-get": "conf get",
    "conf set": "conf set",
    "config-set": "conf set",
    "conf reload": "conf reload",
    "reload": "conf reload",
    "conf alias": "conf alias",
    "get-password": "get-password",
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
COUNT = replace(
    named("ping"),
    name="count",
    arguments=(
        Argument("much", Kind.NUMBER, "how much", least=1, greatest=10),
        Argument("colour", Kind.WORD, "which colour", choices=("red", "blue")),
        Argument("shapes", Kind.WORDS, "which shapes", choices=("round", "flat")),
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


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_what_is_not_required_can_be_left_out_from_the_right(verb: Verb) -> None:
    required = [argument.required for argument in verb.arguments]
    assert required == sorted(required, reverse=True)


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
    assert spelled(["flush", "shop"]) == (BY_NAME["flush gracefully"], ["shop"])
    assert spelled(["flush", "all", "shop"]) == (BY_NAME["flush all"], ["shop"])
    assert spelled(["kill", "client", "7"]) == (BY_NAME["kill"], ["7"])


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
        (named("flush idle"), [], 3.0, "“flush idle” takes no timeout (-T)"),
        (named("subscribe"), [], None, "“subscribe” is for programs, on a connection that lasts"),
        (named("kill"), [], None, "“kill” needs client: its number in `status details`"),
        (COUNT, ["x"], None, "“much” must be a whole number between 1 and 10"),
        (COUNT, ["-1"], None, "“much” must be a whole number between 1 and 10"),
        (COUNT, ["1" * 5000], None, "“much” must be a whole number between 1 and 10"),
        (COUNT, ["1", "green"], None, "“colour” must be red or blue"),
        (COUNT, ["1", "red", "round"], None, "“count” does not take “round”"),
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
        ({"key": 1}, "“key” must be a text of at most 2000 characters"),
        ({"key": "k" * 2001}, "“key” must be a text of at most 2000 characters"),
        ({"value": "b"}, "“fetch” needs key: which key"),
        ({"key": "a", "colour\x1b": "red"}, "“fetch” has no argument 'colour\\x1b'"),
    ],
)
def test_a_request_that_does_not_fit_its_verb_is_refused(args: dict[str, object], message: str) -> None:
    with pytest.raises(ManagementError) as caught:
        FETCH.checked(args)
    assert refusal(caught) == ("bad-argument", message)


@pytest.mark.parametrize(
    ("args", "checked"),
    [
        ({"much": 1}, {"much": 1}),
        ({"much": 10, "colour": "blue"}, {"much": 10, "colour": "blue"}),
        ({"shapes": ["flat", "round", "flat"]}, {"shapes": ("flat", "round")}),
    ],
)
def test_numbers_choices_and_several_words_are_taken(args: dict[str, object], checked: dict[str, object]) -> None:
    assert COUNT.checked(args) == checked


@pytest.mark.parametrize(
    ("args", "message"),
    [
        *(({"much": much}, "“much” must be a whole number between 1 and 10") for much in (0, 11, "1", 1.0, True, None)),
        *(({"colour": colour}, "“colour” must be red or blue") for colour in ("green", "", 1, ["red"])),
        *(
            ({"shapes": shapes}, "“shapes” must be an array of at least one of round or flat")
            for shapes in ([], "round", ["square"], [1], ["flat", None], {"flat": 1})
        ),
    ],
    ids=str,
)
def test_anything_else_is_refused(args: dict[str, object], message: str) -> None:
    with pytest.raises(ManagementError) as caught:
        COUNT.checked(args)
    assert refusal(caught) == ("bad-argument", message)


@pytest.mark.parametrize(
    ("verb", "words", "seconds", "command"),
    [
        ("ping", [], None, "ping"),
        ("flush gracefully", ["shop"], 90.0, "flush gracefully shop -T 90s"),
        ("flush gracefully", [], 0.0, "flush gracefully -T 0"),
        ("conf set", ["log_line_prefix", "%p [%t]"], None, "conf set log_line_prefix '%p [%t]'"),
        ("kill", ["17"], None, "kill 17"),
        ("record dump", ["incident"], None, "record dump incident"),
    ],
)
def test_a_command_line_can_be_written_back(verb: str, words: list[str], seconds: float | None, command: str) -> None:
    args = arguments_of(named(verb), words, seconds)
    assert named(verb).command(args) == command
