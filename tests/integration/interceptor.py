"""Somebody in between, who ends the TLS of one side and begins that of the other, and may change what passes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, Self

from agroal.demo.ports import free_port
from tests.certificates import Identity
from tests.integration.encrypted import ALPN, SSL_REQUEST
from tests.integration.raw import TIMEOUT
from tests.unit.wire.messages import authentication

Change = Callable[[bytes], bytes]
"""What becomes of a piece on its way from the server to the client."""


class Listening(Protocol):
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


def nothing(piece: bytes) -> bytes:
    return piece


def without_plus(piece: bytes) -> bytes:
    """Channel binding is never offered."""
    offer = b"SCRAM-SHA-256-PLUS\0"
    return authentication(10, b"SCRAM-SHA-256\0\0") if offer in piece else piece


class Interceptor:
    """Shows clients the certificate of `identity`, and forwards to a server that speaks TLS too.

    It listens on 127.0.0.2, which is in no certificate.
    """

    def __init__(self, identity: Identity, server: Listening, change: Change = nothing) -> None:
        self.host = "127.0.0.2"
        self.port = free_port()
        self.identity = identity
        self.change = change
        self.openings: list[bytes] = []
        """How each connection began: in the clear, what its first bytes were."""
        self.first_words: list[bytes] = []
        """What each said first within TLS."""
        self._over = threading.Event()
        self._server = server.host, server.port
        self._theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._theirs.check_hostname, self._theirs.verify_mode = False, ssl.CERT_NONE
        self._listener = socket.create_server((self.host, self.port))
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        for thread in self._threads:
            thread.join(TIMEOUT)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._intercept, args=(connection,)))
                self._threads[-1].start()

    def _intercept(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            opening = connection.recv(8, socket.MSG_PEEK)
            self.openings.append(opening)
            if opening == SSL_REQUEST:
                connection.sendall(b"S" if connection.recv(8) else b"")
            with (
                self._ours().wrap_socket(connection, server_side=True) as client,
                socket.create_connection(self._server, TIMEOUT) as onward,
            ):
                onward.sendall(SSL_REQUEST)
                assert onward.recv(1) == b"S"
                with self._theirs.wrap_socket(onward) as server:
                    self._relay(client, server)

    def _ours(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.identity.cert_file, self.identity.key_file)
        context.set_alpn_protocols([ALPN])
        return context

    def _relay(self, client: ssl.SSLSocket, server: ssl.SSLSocket) -> None:
        """By turns, for a login and a simple query: who sends next is known."""
        client.settimeout(0.01)
        server.settimeout(0.01)
        is_first = True
        while not self._over.is_set():
            with suppress(TimeoutError):
                piece = client.recv(65_536)
                if not piece:
                    return
                if is_first:
                    self.first_words.append(piece)
                    is_first = False
                server.sendall(piece)
            with suppress(TimeoutError):
                piece = server.recv(65_536)
                if not piece:
                    return
                client.sendall(self.change(piece))
