"""The numbers of the protocol, under the names of PostgreSQL's own `protocol.h` and of the manual, chapter “Message
Formats”.
"""

from __future__ import annotations

from enum import IntEnum

PROTOCOL_3_0 = 3 << 16
PROTOCOL_3_2 = 3 << 16 | 2
"""The newest that we speak. 3.1 never was: PostgreSQL left it out, because old poolers claimed to speak it."""
CANCEL_REQUEST = 1234 << 16 | 5678
SSL_REQUEST = 1234 << 16 | 5679
GSSENC_REQUEST = 1234 << 16 | 5680

MAX_STARTUP_PACKET = 10_000
"""Bytes, length word included: PostgreSQL's MAX_STARTUP_PACKET_LENGTH."""
MAX_MESSAGE_BEFORE_LOGIN = 65_536
"""Bytes, length word included. Twice what a 8192-character password can need in UTF-8."""


class Frontend(IntEnum):
    """Messages that a client sends."""

    BIND = ord("B")
    CLOSE = ord("C")
    DESCRIBE = ord("D")
    EXECUTE = ord("E")
    FUNCTION_CALL = ord("F")
    FLUSH = ord("H")
    PARSE = ord("P")
    QUERY = ord("Q")
    SYNC = ord("S")
    TERMINATE = ord("X")
    COPY_FAIL = ord("f")
    PASSWORD = ord("p")
    """Also GSSResponse, SASLInitialResponse and SASLResponse: the exchange under way says which."""
    COPY_DONE = ord("c")
    COPY_DATA = ord("d")


class Backend(IntEnum):
    """Messages that a server sends."""

    PARSE_COMPLETE = ord("1")
    BIND_COMPLETE = ord("2")
    CLOSE_COMPLETE = ord("3")
    NOTIFICATION_RESPONSE = ord("A")
    COMMAND_COMPLETE = ord("C")
    DATA_ROW = ord("D")
    ERROR_RESPONSE = ord("E")
    COPY_IN_RESPONSE = ord("G")
    COPY_OUT_RESPONSE = ord("H")
    EMPTY_QUERY_RESPONSE = ord("I")
    BACKEND_KEY_DATA = ord("K")
    NOTICE_RESPONSE = ord("N")
    AUTHENTICATION = ord("R")
    PARAMETER_STATUS = ord("S")
    ROW_DESCRIPTION = ord("T")
    FUNCTION_CALL_RESPONSE = ord("V")
    COPY_BOTH_RESPONSE = ord("W")
    READY_FOR_QUERY = ord("Z")
    COPY_DONE = ord("c")
    COPY_DATA = ord("d")
    NO_DATA = ord("n")
    PORTAL_SUSPENDED = ord("s")
    PARAMETER_DESCRIPTION = ord("t")
    NEGOTIATE_PROTOCOL_VERSION = ord("v")


class Authentication(IntEnum):
    """The first word of an Authentication message."""

    OK = 0
    CLEARTEXT_PASSWORD = 3
    MD5_PASSWORD = 5
    SASL = 10
    SASL_CONTINUE = 11
    SASL_FINAL = 12


class Status(IntEnum):
    """The transaction status in ReadyForQuery."""

    IDLE = ord("I")
    IN_TRANSACTION = ord("T")
    FAILED = ord("E")
