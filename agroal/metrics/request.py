"""A request over HTTP/1.1, as far as whoever scrapes metrics needs it (RFC 9110, RFC 9112): GET or HEAD, and no body.

`Head` takes bytes as they come and says what was asked, or what the answer to that is. It is bounded: the first line,
and all of it together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

LONGEST_LINE: Final = 2048
"""Bytes of the first line."""
LARGEST_HEAD: Final = 8192
"""Bytes of the first line and all headers."""

_LINE = re.compile(rb"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) (?P<target>[!-~]+) HTTP/(?P<version>[0-9]\.[0-9])")
_HEADER = re.compile(rb"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[\t -~\x80-\xff]*?)[ \t]*")
_BARE = re.compile(rb"(?<!\r)\n")
_HOST = re.compile(rb"[!-~]*")
_ABSOLUTE = re.compile(r"https?://[^/?]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    accept: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered instead, and why."""

    status: HTTPStatus
    why: str


@dataclass(slots=True)
class Head:
    """What has come so far."""

    _data: bytes = field(default=b"", repr=False)

    def feed(self, data: bytes) -> Request | Refusal | None:
        """None as long as it is not complete."""
        searched = max(0, len(self._data) - 3)  # where the end may begin
        self._data += data
        end = self._data.find(b"\r\n\r\n", searched)
        head = self._data if end < 0 else self._data[:end]
        first, newline, _ = head.partition(b"\r\n")
        if len(first) > LONGEST_LINE:
            return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, f"the first line has more than {LONGEST_LINE} bytes")
        if len(head) > LARGEST_HEAD:
            why = f"the headers have more than {LARGEST_HEAD} bytes"
            return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, why)
        if (newline or end >= 0) and not _LINE.fullmatch(first):
            return _bad("the first line is none of HTTP/1.1")
        if _BARE.search(head, searched):
            return _bad("a line ends without CR")
        return None if end < 0 else parse(head)

    def end(self) -> Refusal | None:
        """Nothing more comes. None when nothing came at all: then there is nobody to answer."""
        return _bad("it was cut short") if self._data else None


def parse(head: bytes) -> Request | Refusal:
    """A complete head, without the empty line at its end."""
    line, *rest = head.split(b"\r\n")
    asked = _LINE.fullmatch(line)
    if not asked:
        return _bad("the first line is none of HTTP/1.1")
    if not asked["version"].startswith(b"1."):
        return Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
    headers: dict[bytes, list[bytes]] = {}
    for text in rest:
        header = _HEADER.fullmatch(text)
        if not header:
            return _bad("a header is none")
        headers.setdefault(header["name"].lower(), []).append(header["value"])
    hosts = headers.get(b"host", [])
    if len(hosts) > 1 or not all(map(_HOST.fullmatch, hosts)) or (not hosts and asked["version"] == b"1.1"):
        return _bad("there must be one Host")
    method = asked["method"].decode("ascii")
    if method not in ("GET", "HEAD"):
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "GET and HEAD are for reading, and all that there is")
    if b"transfer-encoding" in headers or any(length != b"0" for length in headers.get(b"content-length", [])):
        return _bad("a request for reading has no body")
    target = _ABSOLUTE.sub("", asked["target"].decode("ascii"), count=1) or "/"
    if not target.startswith(("/", "?")):
        return _bad("the target is no path")
    accept = b",".join(headers.get(b"accept", [])).decode("latin-1")
    return Request(method, target.partition("?")[0] or "/", accept)


def _bad(why: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, why)
