"""An answer over HTTP/1.1. Every connection ends with it."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from agroal.metrics.request import Refusal

PLAIN: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    status: HTTPStatus
    body: bytes
    kind: str = PLAIN
    """The media type."""

    def encoded(self, wall: float, *, bodiless: bool) -> bytes:
        """`wall`: seconds since 1970. `bodiless`: a HEAD was asked."""
        headers = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Date: {formatdate(wall, usegmt=True)}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            *(["Allow: GET, HEAD"] if self.status is HTTPStatus.METHOD_NOT_ALLOWED else []),
            "Connection: close",
        ]
        head = "\r\n".join([*headers, "", ""]).encode("ascii")
        return head if bodiless else head + self.body


def said(status: HTTPStatus, words: str) -> Response:
    """One line for people. Nothing of what was asked is in it."""
    return Response(status, f"{words}\n".encode())


def refused(refusal: Refusal) -> Response:
    return said(refusal.status, f"{refusal.status.value} {refusal.status.phrase}: {refusal.why}")
