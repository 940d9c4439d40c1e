from __future__ import annotations

import pytest

from agroal.errors import ProtocolViolation
from agroal.wire.fields import Message
from agroal.wire.talk import Ask, Conversation, Talk, read_message, read_only, read_packet
from tests.unit.wire.messages import message


def exchange() -> Talk[tuple[bytes, Message]]:
    yield b"hello "
    yield b"there"
    packet = yield from read_packet()
    yield b"and?"
    return packet, (yield from read_message())


INPUT = b"\0\0\0\x0babcdefg" + message("p", b"secret")
OUTCOME = (b"abcdefg", (ord("p"), b"secret"))


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 100])
def test_a_talk_gets_its_units_however_they_are_cut(size: int) -> None:
    conversation = Conversation(exchange())
    conversation.start()
    assert conversation.to_send() == b"hello there"
    for at in range(0, len(INPUT), size):
        assert not conversation.done
        conversation.receive(INPUT[at : at + size])
    assert conversation.done
    assert conversation.result == OUTCOME
    assert conversation.to_send() == b"and?"
    assert conversation.take_unread() == b""


def test_what_comes_behind_the_last_unit_is_left_for_the_next() -> None:
    conversation = Conversation(exchange())
    conversation.start()
    conversation.receive(INPUT + b"more")
    assert conversation.result == OUTCOME
    assert conversation.take_unread() == b"more"


def test_what_was_unread_before_is_read_first() -> None:
    conversation = Conversation(exchange(), unread=INPUT[:7])
    conversation.start()
    conversation.receive(INPUT[7:])
    assert conversation.result == OUTCOME


def test_a_talk_that_asks_for_nothing_is_done_at_once() -> None:
    def silent() -> Talk[int]:
        yield b"bye"
        return 7

    conversation = Conversation(silent())
    conversation.start()
    assert (conversation.done, conversation.result, conversation.to_send()) == (True, 7, b"bye")


def test_what_was_said_before_a_failure_can_still_be_sent() -> None:
    def failing() -> Talk[None]:
        yield b"wait"
        yield from read_only(ord("p"), "a password")

    conversation = Conversation(failing())
    conversation.start()
    with pytest.raises(ProtocolViolation, match='expected a password, got message type "Q"'):
        conversation.receive(message("Q", b"x\0"))
    assert conversation.to_send() == b"wait"


def test_bytes_sent_ahead_of_an_answer_about_encryption_are_refused() -> None:
    def negotiate() -> Talk[None]:
        yield from read_packet()
        yield Ask.SILENCE
        yield b"N"

    conversation = Conversation(negotiate())
    conversation.start()
    with pytest.raises(ProtocolViolation, match="unencrypted data"):
        conversation.receive(b"\0\0\0\x08\x04\xd2\x16\x2f" + b"!")
    assert conversation.to_send() == b""


def upgrade() -> Talk[tuple[bytes, Message]]:
    packet = yield from read_packet()
    yield b"S"
    yield Ask.SECURE
    yield b"in secret"
    return packet, (yield from read_message())


@pytest.mark.parametrize("size", [1, 3, 11, 100])
def test_a_talk_waits_for_the_handshake_and_goes_on_behind_it(size: int) -> None:
    conversation = Conversation(upgrade())
    conversation.start()
    assert not conversation.securing
    for at in range(0, 11, size):
        conversation.receive(INPUT[at : min(at + size, 11)])
    assert conversation.securing
    assert (conversation.done, conversation.to_send()) == (False, b"S")
    conversation.secured()
    assert not conversation.securing
    assert conversation.to_send() == b"in secret"
    for at in range(11, len(INPUT), size):
        assert not conversation.done
        conversation.receive(INPUT[at : at + size])
    assert conversation.result == OUTCOME
    assert not conversation.securing


@pytest.mark.parametrize("ahead", [b"!", INPUT[11:]])
@pytest.mark.parametrize("apart", [False, True], ids=["in one piece", "in two"])
def test_nothing_may_be_sent_ahead_of_the_handshake(ahead: bytes, apart: bool) -> None:
    """CVE-2021-23214: it would count as encrypted."""
    conversation = Conversation(upgrade())
    conversation.start()
    if apart:
        conversation.receive(INPUT[:11])
    with pytest.raises(ProtocolViolation, match="unencrypted data"):
        conversation.receive(ahead if apart else INPUT[:11] + ahead)
    assert conversation.to_send() == b"S"
    assert not conversation.done


def test_what_was_unread_before_is_ahead_of_the_handshake_too() -> None:
    def secure_first() -> Talk[None]:
        yield Ask.SECURE

    conversation = Conversation(secure_first(), unread=b"!")
    with pytest.raises(ProtocolViolation, match="unencrypted data"):
        conversation.start()


def test_a_talk_may_end_with_the_handshake() -> None:
    def secure() -> Talk[int]:
        yield Ask.SECURE
        return 7

    conversation = Conversation(secure())
    conversation.start()
    assert conversation.securing
    conversation.secured()
    assert (conversation.done, conversation.result, conversation.securing) == (True, 7, None)


def test_what_a_talk_raises_behind_the_handshake_is_raised() -> None:
    def fail() -> Talk[None]:
        yield Ask.SECURE
        raise ProtocolViolation("not that")

    conversation = Conversation(fail())
    conversation.start()
    with pytest.raises(ProtocolViolation, match="not that"):
        conversation.secured()


@pytest.mark.parametrize("length", [b"\0\0\0\7", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\x27\x11", b"GET "])
def test_the_length_of_a_packet_is_judged_before_anything_is_collected(length: bytes) -> None:
    conversation = Conversation(exchange())
    conversation.start()
    with pytest.raises(ProtocolViolation, match="invalid length of startup packet"):
        conversation.receive(length)


@pytest.mark.parametrize("length", [0, 3, 101, 1 << 31, (1 << 32) - 1])
def test_the_length_of_a_message_is_judged_before_anything_is_collected(length: int) -> None:
    def listen() -> Talk[Message]:
        return (yield from read_message())

    conversation = Conversation(listen(), limit=100)
    conversation.start()
    with pytest.raises(ProtocolViolation, match="invalid message length"):
        conversation.receive(b"p" + length.to_bytes(4, "big"))
