from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.metrics.request import LARGEST_HEAD, LONGEST_LINE, Head, Refusal, Request

GET = b"GET /metrics HTTP/1.1\r\nHost: db1:2346\r\nAccept: text/plain\r\n\r\n"


def asked(data: bytes) -> Request | Refusal | None:
    return Head().feed(data)


def status(data: bytes) -> int:
    refusal = asked(data)
    assert isinstance(refusal, Refusal), refusal
    return refusal.status


def test_a_request_is_read_whole_and_at_every_cut() -> None:
    expected = Request("GET", "/metrics", "text/plain")
    assert asked(GET) == expected
    for cut in range(1, len(GET)):
        head = Head()
        assert head.feed(GET[:cut]) is None
        assert head.feed(GET[cut:]) == expected


def test_a_request_is_read_one_byte_at_a_time() -> None:
    head = Head()
    *first, last = (head.feed(GET[at : at + 1]) for at in range(len(GET)))
    assert set(first) == {None}
    assert last == Request("GET", "/metrics", "text/plain")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", "/"),
        (b"/metrics?name[]=up", "/metrics"),
        (b"http://db1:2346/metrics", "/metrics"),
        (b"HTTP://db1", "/"),
        (b"http://db1?x", "/"),
        (b"//metrics", "//metrics"),
    ],
)
def test_the_path_is_what_counts_of_the_target(target: bytes, path: str) -> None:
    assert asked(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n") == Request("GET", path)


def test_http_1_0_needs_no_host() -> None:
    assert asked(b"HEAD / HTTP/1.0\r\n\r\n") == Request("HEAD", "/")


def test_several_accepts_are_one_list() -> None:
    assert asked(b"GET / HTTP/1.0\r\nAccept: a/b\r\naccept:c/d;q=0.5 \r\n\r\n") == Request("GET", "/", "a/b,c/d;q=0.5")


def test_what_comes_behind_the_request_is_nothing_to_us() -> None:
    assert asked(GET + b"\0\n\xff") == Request("GET", "/metrics", "text/plain")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n",
        b"GET /\r\n",
        b"GET  / HTTP/1.1\r\n",
        b"GET / HTTP/1.1 \r\n",
        b"GET / http/1.1\r\n",
        b"GET / HTTP/1.x\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\n",
        b"G@T / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nHost: x\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nName : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nName: \0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nName: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_proper_request_is_a_bad_one(data: bytes) -> None:
    assert status(data) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"get", b"BREW"])
def test_nothing_can_be_changed(method: bytes) -> None:
    assert status(method + b" * HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n") == HTTPStatus.METHOD_NOT_ALLOWED


def test_another_version_is_not_spoken() -> None:
    assert status(b"PRI * HTTP/2.0\r\n\r\n") == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


def test_a_first_line_is_bounded_before_it_has_ended() -> None:
    whole = b"GET /" + b"a" * (LONGEST_LINE - 14) + b" HTTP/1.1"
    assert len(whole) == LONGEST_LINE
    assert isinstance(asked(whole + b"\r\nHost: x\r\n\r\n"), Request)
    assert status(b"a" * (LONGEST_LINE + 1)) == HTTPStatus.REQUEST_URI_TOO_LONG


def test_so_are_all_headers_together() -> None:
    start = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
    fill = b"a" * (LARGEST_HEAD - len(start))
    assert isinstance(asked(start + fill + b"\r\n\r\n"), Request)
    assert status(start + fill + b"a") == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_a_request_that_is_cut_short_is_answered_and_nothing_is_not() -> None:
    assert Head().end() is None
    head = Head()
    head.feed(b"GET /met")
    refusal = head.end()
    assert refusal
    assert refusal.status is HTTPStatus.BAD_REQUEST


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_whatever_comes_there_is_an_answer_or_a_bound(parts: list[bytes]) -> None:
    head = Head()
    for part in parts:
        answer = head.feed(part)
        if answer is not None:
            assert isinstance(answer, Refusal)
            assert 400 <= answer.status < 600
            return
    assert sum(map(len, parts)) <= LARGEST_HEAD
