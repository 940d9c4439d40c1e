from __future__ import annotations

from http import HTTPStatus

from agroal.metrics.request import Refusal
from agroal.metrics.response import Response, refused, said

WALL = 1_763_812_800.0


def test_an_answer_says_how_long_it_is_and_that_it_is_the_last() -> None:
    head, _, body = Response(HTTPStatus.OK, b"abc", "text/x").encoded(WALL, bodiless=False).partition(b"\r\n\r\n")
    assert body == b"abc"
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Date: Sat, 22 Nov 2025 12:00:00 GMT",
        b"Content-Type: text/x",
        b"Content-Length: 3",
        b"Cache-Control: no-store",
        b"X-Content-Type-Options: nosniff",
        b"Connection: close",
    ]


def test_the_answer_to_head_is_that_to_get_without_its_body() -> None:
    response = said(HTTPStatus.OK, "alive")
    whole = response.encoded(WALL, bodiless=False)
    assert response.encoded(WALL, bodiless=True) + b"alive\n" == whole


def test_who_may_not_is_told_what_it_may() -> None:
    refusal = refused(Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "no")).encoded(WALL, bodiless=False)
    assert b"\r\nAllow: GET, HEAD\r\n" in refusal
    assert refusal.endswith(b"\r\n\r\n405 Method Not Allowed: no\n")
    assert b"Allow" not in refused(Refusal(HTTPStatus.BAD_REQUEST, "no")).encoded(WALL, bodiless=False)
