"""docs/management-protocol.md against the code: its tables and every example."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from agroal.management import wire
from agroal.management.controls import Call, Role
from agroal.management.dispatch import answer
from agroal.management.record import Record
from agroal.management.server import ManagementServer
from agroal.management.snapshot import Client, Counters, Pool, Server, Slot, Snapshot, Waiter
from agroal.management.verb import Verb
from agroal.management.verbs import VERBS
from tests.unit.management.fake import FakeControls

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
    id, verb, args = request["id"], request["verb"], request["args"]
    frame = wire.encode_request(wire.Request(id, verb, args))  # type: ignore[arg-type]
    assert json.loads(frame[4:]) == request
    reply = wire.encode_answer(asyncio.run(answer(frame[4:], Call(controls, Role.ADMIN))))
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
    assert (wire.MAX_REQUEST, wire.MAX_ANSWER, wire.MAX_ID) == (1 << 20, 64 << 20, 64)
    assert "at most 1 MiB, an answer at most\n64 MiB" in PAGE
    assert "a text of at most 64 characters" in PAGE
    options = inspect.signature(ManagementServer).parameters
    assert (options["max_connections"].default, options["patience"].default) == (16, 10.0)
    assert "16 may be open at a time" in PAGE
    assert "complete within ten seconds" in PAGE


@pytest.mark.parametrize("record", [Snapshot, Counters, Pool, Slot, Server, Waiter, Client])
def test_every_member_of_a_snapshot_is_in_the_example(record: type[Record]) -> None:
    names = {field.name for field in fields(record)}  # type: ignore[arg-type]
    assert {name for name in names if f'"{name}"' not in PAGE} == set()
