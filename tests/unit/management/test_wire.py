from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.errors import ManagementError
from agroal.management import wire
from agroal.management.wire import Answer, BadRequest, Decoder, Failure, Push, Request
from tests.unit.management.fake import document, framed

REQUESTS = [
    Request(1, "ping", {}),
    Request("a-7", "shutdown gracefully", {"timeout": 2.5}),
    Request(3, "säge", {"ü": "€"}),
    Request(4, "flush all", {}, dry_run=True),
    Request(5, "flush all", {}, key="5e0c7a1b"),
]
STREAM = b"".join(map(wire.encode_request, REQUESTS))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def fed(pieces: list[bytes], limit: int = wire.MAX_REQUEST) -> list[bytes]:
    decoder = Decoder(limit)
    bodies = []
    for piece in pieces:
        decoder.feed(piece)
        while (body := decoder.take()) is not None:
            bodies.append(body)
    assert not decoder.halfway
    return bodies


def test_a_request_is_four_bytes_of_length_and_a_json_object() -> None:
    assert wire.encode_request(Request(7, "ping", {})) == b'\0\0\0\x26{"v":1,"id":7,"verb":"ping","args":{}}'


def test_a_stream_is_read_whole() -> None:
    assert [wire.decode_request(body) for body in fed([STREAM])] == REQUESTS


def test_a_stream_is_read_byte_by_byte() -> None:
    assert [wire.decode_request(body) for body in fed([STREAM[i : i + 1] for i in range(len(STREAM))])] == REQUESTS


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_is_read_at_every_cut(cut: int) -> None:
    assert [wire.decode_request(body) for body in fed([STREAM[:cut], STREAM[cut:]])] == REQUESTS


@pytest.mark.parametrize("cut", range(1, len(STREAM)))
def test_a_decoder_knows_that_a_message_has_begun(cut: int) -> None:
    decoder = Decoder(wire.MAX_REQUEST)
    decoder.feed(STREAM[:cut])
    ends = {len(b"".join(map(wire.encode_request, REQUESTS[:n]))) for n in range(1, len(REQUESTS) + 1)}
    while decoder.take() is not None:
        pass
    assert decoder.halfway is (cut not in ends)


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert fed([framed(b"x" * 10)], limit=10) == [b"x" * 10]


def test_a_body_beyond_the_limit_is_refused_as_soon_as_its_length_is_known() -> None:
    decoder = Decoder(10)
    decoder.feed(framed(b"x" * 11)[:4])
    with pytest.raises(ManagementError, match="a message of 11 bytes: at most 10 are taken") as caught:
        decoder.take()
    assert caught.value.code == "too-long"


def test_messages_before_one_that_is_too_long_are_taken() -> None:
    decoder = Decoder(10)
    decoder.feed(framed(b"short") + framed(b"x" * 11))
    assert decoder.take() == b"short"
    with pytest.raises(ManagementError):
        decoder.take()


def test_an_empty_body_is_a_body() -> None:
    assert fed([framed(b"")]) == [b""]


@given(
    st.builds(
        Request,
        id=st.integers() | st.text(max_size=wire.MAX_ID),
        verb=st.text(),
        args=st.dictionaries(st.text(), json_values),
        dry_run=st.booleans(),
        key=st.none() | st.text(max_size=wire.MAX_KEY),
    )
)
def test_every_request_survives_the_way(sent: Request) -> None:
    [body] = fed([wire.encode_request(sent)])
    assert wire.decode_request(body) == sent


@given(
    st.builds(
        Answer,
        id=st.none() | st.integers() | st.text(),
        outcome=st.dictionaries(st.text(), json_values) | st.builds(Failure, st.text(), st.text()),
        took_us=st.none() | st.integers(),
        dry_run=st.booleans(),
        repeated=st.booleans(),
    )
)
def test_every_answer_survives_the_way(sent: Answer) -> None:
    [body] = fed([wire.encode_answer(sent)], limit=wire.MAX_ANSWER)
    assert wire.decode_answer(body) == wire.decode_reply(body) == sent


@given(
    st.builds(
        Push,
        id=st.integers() | st.text(),
        topic=st.text(),
        result=st.dictionaries(st.text(), json_values),
        skipped=st.integers(),
    )
)
def test_every_push_survives_the_way(sent: Push) -> None:
    [body] = fed([wire.encode_push(sent)], limit=wire.MAX_ANSWER)
    assert wire.decode_reply(body) == sent
    with pytest.raises(BadRequest, match="came where nobody subscribed"):
        wire.decode_answer(body)


def test_an_answer_of_an_earlier_release_is_read() -> None:
    assert wire.decode_answer(b'{"v":1,"id":1,"ok":true,"result":{}}') == Answer(1, {})


@pytest.mark.parametrize(
    "member", [{"took_us": "1"}, {"took_us": True}, {"took_us": 1.5}, {"dry_run": 1}, {"repeated": "yes"}], ids=str
)
def test_a_circumstance_of_the_wrong_type_is_passed_over(member: dict[str, object]) -> None:
    body = json.dumps({"v": 1, "id": 1, "ok": True, "result": {}, **member}).encode()
    assert wire.decode_answer(body) == Answer(1, {})


def test_a_lone_surrogate_survives_the_way() -> None:
    [body] = fed([wire.encode_answer(Answer("\ud800", {"name": "\udfff"}))])
    assert wire.decode_answer(body) == Answer("\ud800", {"name": "\udfff"})


MALFORMED = {
    "nothing": b"",
    "no json": b"ping",
    "half a json": b'{"v":1,"id":1',
    "two documents": b"{}{}",
    "no utf-8": b'{"v":1,"id":1,"verb":"\xff"}',
    "utf-16": '{"v":1,"id":1,"verb":"ping"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "not a number": b'{"v":1,"id":1,"verb":"ping","args":{"timeout":NaN}}',
    "infinity": b'{"v":1,"id":1,"verb":"ping","args":{"timeout":-Infinity}}',
    "an endless number": b'{"v":1,"id":' + b"9" * 5000 + b"}",
    "a deep nest": b"[" * 200_000,
    "a deep nest of objects": b'{"a":' * 100_000,
    "an array": b"[]",
    "a text": b'"ping"',
    "a number": b"1",
    "null": b"null",
    "no id": b'{"v":1,"verb":"ping"}',
    "an id that is null": b'{"v":1,"id":null,"verb":"ping"}',
    "an id that is true": b'{"v":1,"id":true,"verb":"ping"}',
    "an id that is no whole number": b'{"v":1,"id":1.5,"verb":"ping"}',
    "an id that is an object": b'{"v":1,"id":{},"verb":"ping"}',
    "an id that is too long": b'{"v":1,"id":"' + b"x" * (wire.MAX_ID + 1) + b'","verb":"ping"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_request_is_malformed_and_has_no_id(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        wire.decode_request(body)
    assert (caught.value.code, caught.value.id) == ("malformed", None)


WRONG = {
    "no version": ("version", {"id": 9, "verb": "ping"}),
    "another version": ("version", {"v": 2, "id": 9, "verb": "ping"}),
    "a version that is true": ("version", {"v": True, "id": 9, "verb": "ping"}),
    "a version that is a text": ("version", {"v": "1", "id": 9, "verb": "ping"}),
    "no verb": ("malformed", {"v": 1, "id": 9}),
    "a verb that is an array": ("malformed", {"v": 1, "id": 9, "verb": ["shutdown"]}),
    "args that are an array": ("malformed", {"v": 1, "id": 9, "verb": "ping", "args": []}),
    "args that are null": ("malformed", {"v": 1, "id": 9, "verb": "ping", "args": None}),
    "a dry run that is a text": ("malformed", {"v": 1, "id": 9, "verb": "ping", "dry_run": "yes"}),
    "a dry run that is null": ("malformed", {"v": 1, "id": 9, "verb": "ping", "dry_run": None}),
    "a key that is a number": ("malformed", {"v": 1, "id": 9, "verb": "ping", "key": 7}),
    "a key that is too long": ("malformed", {"v": 1, "id": 9, "verb": "ping", "key": "x" * (wire.MAX_KEY + 1)}),
}


@pytest.mark.parametrize(("code", "request_"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_a_request_is_said_to_its_id(code: str, request_: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as caught:
        wire.decode_request(json.dumps(request_).encode())
    assert (caught.value.code, caught.value.id) == (code, 9)


def test_args_may_be_left_out() -> None:
    assert wire.decode_request(b'{"v":1,"id":1,"verb":"ping"}') == Request(1, "ping", {})


def test_members_that_nobody_knows_are_passed_over() -> None:
    assert wire.decode_request(b'{"v":1,"id":1,"verb":"ping","colour":"red"}') == Request(1, "ping", {})


@given(st.lists(st.binary(max_size=9), max_size=30), st.integers(0, 40))
def test_no_stream_gets_a_message_beyond_the_limit_through(pieces: list[bytes], limit: int) -> None:
    decoder = Decoder(limit)
    for piece in pieces:
        decoder.feed(piece)
        with suppress(ManagementError):
            while (body := decoder.take()) is not None:
                assert len(body) <= limit


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_body_raises_anything_but_bad_request(body: bytes) -> None:
    for decode in (wire.decode_request, wire.decode_answer, wire.decode_reply):
        with suppress(BadRequest):
            decode(body)


@pytest.mark.parametrize(
    "body",
    [
        {"v": 2, "id": 1, "ok": True, "result": {}},
        {"v": 1, "id": 1, "ok": 1, "result": {}},
        {"v": 1, "id": 1, "ok": True},
        {"v": 1, "id": 1, "ok": True, "result": []},
        {"v": 1, "id": [], "ok": True, "result": {}},
        {"v": 1, "id": 1, "ok": False},
        {"v": 1, "id": 1, "ok": False, "error": {"code": "refused"}},
        {"v": 1, "id": 1, "ok": False, "error": {"code": 1, "message": "no"}},
        {"v": 1, "id": 1, "push": "snapshot", "skipped": 0},
        {"v": 1, "id": 1, "push": "snapshot", "result": {}},
        {"v": 1, "id": 1, "push": 3, "skipped": 0, "result": {}},
        {"v": 1, "id": None, "push": "snapshot", "skipped": 0, "result": {}},
        {"v": 2, "id": 1, "push": "snapshot", "skipped": 0, "result": {}},
    ],
)
def test_what_is_no_answer_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as caught:
        wire.decode_answer(json.dumps(body).encode())
    assert caught.value.code == "malformed"


def test_a_request_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ManagementError, match=f"at most {wire.MAX_REQUEST}"):
        wire.encode_request(Request(1, "x" * wire.MAX_REQUEST, {}))


def test_an_answer_that_is_too_long_becomes_the_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWER", 200)
    answer = document(wire.encode_answer(Answer(5, {"text": "x" * 200})))
    assert answer == {
        "v": 1,
        "id": 5,
        "ok": False,
        "error": {"code": "too-long", "message": "a message of 245 bytes: at most 200 are taken"},
    }


def test_what_is_sent_is_printable_ascii() -> None:
    body = wire.encode_answer(Answer(1, {"name": "\x1b[31m\x7f\x9b€\n"}))[4:]
    assert all(0x20 <= byte < 0x7F for byte in body)
