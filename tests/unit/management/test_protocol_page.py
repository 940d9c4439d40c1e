"""docs/management-protocol.md against the code: its tables and every example."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from agroal.auth import guesses
from agroal.auth.hba import peer_at
from agroal.auth.users import Users
from agroal.management import event, memory, remote, wire
from agroal.management.admission import AUTHENTICATE, Arrival, admit
from agroal.management.client import ManagementClient
from agroal.management.commands import history, subscribe
from agroal.management.commands.hello import FEATURES
from agroal.management.commands.history import Happened
from agroal.management.controls import (
    Alias,
    Call,
    Change,
    ConfigurationFile,
    Flushed,
    Killed,
    LogLine,
    Password,
    Role,
    Setting,
    Switched,
)
from agroal.management.dispatch import Dispatcher
from agroal.management.event import Event, EventKind
from agroal.management.proof import proof
from agroal.management.record import Record
from agroal.management.remote import Bounds
from agroal.management.server import ManagementServer
from agroal.management.snapshot import (
    AuthenticationFailure,
    Certificate,
    Client,
    ConfigurationState,
    Count,
    Counters,
    Database,
    Loop,
    Pool,
    Server,
    Slot,
    Snapshot,
    Waiter,
)
from agroal.management.stranger import MAX_FRAME
from agroal.management.verb import Verb
from agroal.management.verbs import VERBS
from tests.unit.management.door import FakeDoor
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import LIMIT_REACHED

PAGE = (Path(__file__).parents[3] / "docs" / "management-protocol.md").read_text(encoding="utf-8")


def examples(text: str) -> list[dict[str, object]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


def sections() -> dict[tuple[str, ...], list[dict[str, object]]]:
    """The examples of each section, by the verbs in its heading."""
    parts = re.split(r"^##+ ", PAGE, flags=re.MULTILINE)
    return {tuple(re.findall(r"`([^`]+)`", heading)): examples(body) for heading, _, body in map(_split, parts)}


def _split(part: str) -> tuple[str, str, str]:
    return part.partition("\n")


def said(request: dict[str, object], controls: FakeControls) -> object:
    """What agroal answers, through the encoder and the decoder of both sides."""
    asked = wire.Request(**{name: value for name, value in request.items() if name != "v"})  # type: ignore[arg-type]
    frame = wire.encode_request(asked)
    assert json.loads(frame[4:]) == request
    answer = Dispatcher().answer(wire.decode_request(frame[4:]), Call(controls, Role.ADMIN))
    reply = wire.encode_answer(asyncio.run(answer))
    decoder = wire.Decoder(wire.MAX_ANSWER)
    decoder.feed(reply)
    body = decoder.take()
    assert body is not None
    return wire.answer_document(wire.decode_answer(body))


def test_every_verb_has_one_example_and_it_is_what_agroal_answers() -> None:
    controls = FakeControls()
    shown = []
    for names, documents in sections().items():
        if documents and names != ("agroal-cli",) and names:
            *requests, expected = documents
            assert tuple(request["verb"] for request in requests) == names
            assert [said(request, controls) for request in requests] == [expected] * len(names)
            shown += names
    assert sorted(shown) == sorted(verb.name for verb in VERBS)


def test_the_login_over_the_network_is_what_both_sides_say() -> None:
    texts = examples(PAGE.partition("## Over the network")[2].partition("\n## ")[0])
    door = FakeDoor(users=Users({"ops": "pencil"}, b"key"))
    arrival = Arrival(peer_at("10.0.3.7"), encrypted=True, binding=bytes(32))
    agroal = admit(arrival, door, "3rfcNHYJY1ZVvWVs7j")
    caller = proof("ops", "pencil", "rOprNGfwEbeRWgbNEkqO", binding=bytes(32))
    args, said = next(caller), []
    next(agroal)
    for id in itertools.count(1):
        said.append({"v": 1, "id": id, "verb": AUTHENTICATE, "args": args})
        try:
            result = agroal.send(args)
        except StopIteration as done:
            result = done.value.result
        said.append(wire.answer_document(wire.Answer(id, result)))
        try:
            args = caller.send(result)
        except StopIteration:
            break
    assert texts == said


def test_the_bounds_over_the_network_are_those_of_the_code() -> None:
    assert Bounds() == Bounds(strangers=16, programs=16, patience=10.0)
    assert "16 connections at a time on which nobody has been let in" in PAGE
    assert MAX_FRAME == 4096
    assert "at most 4096 bytes a message" in PAGE
    assert (guesses.FREE, guesses.SHORTEST, guesses.LONGEST, guesses.FORGOTTEN) == (3, 0.25, 8.0, 300.0)
    assert "After three failures from one address" in PAGE
    assert "250 ms, then twice as\nlong each time, up to 8 s" in PAGE
    assert remote.IDLE + remote.INTERVAL * remote.PROBES == 60


def test_the_example_of_a_push_is_what_agroal_sends() -> None:
    [example] = examples(PAGE.partition("## Pushes")[2].partition("\n## ")[0])
    happened = Happened((LIMIT_REACHED,)).to_json()
    assert json.loads(wire.encode_push(wire.Push("live", "events", happened, 0))[4:]) == example


def test_every_feature_and_every_kind_of_event_is_named() -> None:
    hello, events = (PAGE.partition(f"### `{name}`")[2].partition("```")[0] for name in ("hello", "events"))
    assert [name for name in FEATURES if f"`{name}`" not in hello] == []
    assert [kind for kind in EventKind if kind not in events] == []


def test_the_example_of_an_error_is_what_agroal_answers() -> None:
    [request, expected] = examples(PAGE.partition("## Messages")[2].partition("\n## ")[0])
    assert said(request, FakeControls()) == expected


def test_the_bytes_shown_are_those_of_the_first_verb() -> None:
    block = re.search(r"```\n((?:[0-9a-f]{2}\s)+)```", PAGE)
    assert block
    assert bytes.fromhex(block[1]) == wire.encode_request(wire.Request(1, "hello", {}))


def row(verb: Verb) -> str:
    def quoted(names: list[str]) -> str:
        return ", ".join(f"`{name}`" for name in names)

    cells = [
        f"`{verb.name}`",
        quoted(list(verb.aliases)),
        quoted([argument.name for argument in verb.arguments]),
        verb.role,
        "no" if verb.read_only else "yes",
        verb.doc,
    ]
    return re.sub(" +", " ", f"| {' | '.join(cells)} |")


def test_the_table_of_verbs_is_the_table_of_verbs() -> None:
    table = PAGE.partition("## Verbs\n")[2].partition("\n\n###")[0]
    assert table.strip().splitlines()[2:] == [row(verb) for verb in VERBS]


def test_every_code_is_explained_once() -> None:
    assert sorted(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \|$", PAGE, re.MULTILINE)) == sorted(wire.Code)


def test_the_bounds_are_those_of_the_code() -> None:
    assert (wire.MAX_REQUEST, wire.MAX_ANSWER, wire.MAX_ID, wire.MAX_KEY) == (1 << 20, 64 << 20, 64, 64)
    assert "at most 1 MiB, an answer at most\n64 MiB" in PAGE
    assert PAGE.count("a text of at most 64 characters") == 2
    assert (memory.KEPT, event.KEPT, history.LINES) == (256, 1000, 100)
    assert "the last 256 keys" in PAGE
    assert "the last thousand, numbered" in PAGE
    assert "`lines` (100 when that is not said)" in PAGE
    assert (subscribe.SHORTEST, subscribe.USUAL) == (200, 1000)
    assert "(200 at least, 1000 when that is not said)" in PAGE
    options = inspect.signature(ManagementServer).parameters
    assert (options["max_connections"].default, options["patience"].default) == (16, 10.0)
    assert "16 may be open at a time" in PAGE
    assert "complete within ten seconds" in PAGE
    assert "does not take a message within ten seconds is hung up on" in PAGE
    assert inspect.signature(ManagementClient).parameters["timeout"].default == 15.0
    assert "waits 15 seconds for an answer" in PAGE


@pytest.mark.parametrize(
    "record",
    [
        *(Snapshot, Counters, Count, Pool, Slot, Server, Waiter, Client, Database, AuthenticationFailure, Loop),
        *(ConfigurationState, Event, Setting, Change, Alias, ConfigurationFile, LogLine, Flushed, Switched, Killed),
        *(Password, Certificate),
    ],
)
def test_every_member_of_a_result_is_in_an_example(record: type[Record]) -> None:
    names = {field.name for field in fields(record)}  # type: ignore[arg-type]
    assert {name for name in names if f'"{name}"' not in PAGE} == set()
