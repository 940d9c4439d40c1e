from __future__ import annotations

import logging
import socket

import pytest

from agroal.net.pump import Channel
from tests.unit.net.pairs import channel, pump, received


def read(channel: Channel, into: list[bytes]) -> None:
    try:
        into.append(channel.sock.recv(100))
    except BlockingIOError:
        into.append(b"nothing")


def test_an_attended_channel_is_told_when_there_is_something_to_read() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        heard: list[bytes] = []
        ours.attend(lambda: read(ours, heard))
        made.turn()
        assert heard == []
        peer.send(b"hello")
        made.turn()
        assert heard == [b"hello"]


def test_bytes_that_nobody_wants_stay_where_they_are_and_do_not_spin() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        ours.attend(lambda: None)
        ours.ignore()
        peer.send(b"early")
        made.turn()
        assert len(made) == 0, "it left the set at the first byte that nobody wanted"
        heard: list[bytes] = []
        ours.attend(lambda: read(ours, heard))
        made.turn()
        assert heard[0] == b"early"


def test_what_the_peer_does_not_take_is_kept_and_sent_later() -> None:
    with pump() as made, channel(made, "peer", small=True) as (peer, ours):
        drained: list[bool] = []
        ours.on_drained = lambda: drained.append(True)
        data = bytes(range(256)) * 1024
        assert not ours.write(data)
        assert not ours.write(b"and this")
        got = b""
        while not drained:
            got += received(peer)
            made.turn()
        assert got + received(peer) == data + b"and this"
        assert drained == [True]


def test_a_paused_channel_still_notices_that_its_peer_broke_off() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        gone: list[bool] = []
        ours.attend(lambda: pytest.fail("it must not be read"), lambda: gone.append(True))
        ours.pause()
        peer.send(b"unread")
        made.turn()
        assert gone == []
        peer.close()
        made.turn()
        assert gone


def test_a_channel_paused_until_the_end_notices_a_peer_that_has_said_all() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        gone: list[bool] = []
        ours.attend(lambda: pytest.fail("it must not be read"), lambda: gone.append(True))
        ours.pause(until_end=True)
        peer.send(b"unread")
        peer.shutdown(socket.SHUT_WR)
        made.turn()
        assert gone


def test_an_internal_error_ends_one_channel_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("planted")

    with pump() as made, channel(made, "bad") as (bad, ours), channel(made, "good") as (good, other):
        ended: list[bool] = []
        heard: list[bytes] = []
        ours.attend(broken, lambda: (ended.append(True), ours.close())[0])
        other.attend(lambda: read(other, heard))
        bad.send(b"x")
        good.send(b"y")
        with caplog.at_level(logging.ERROR):
            made.turn()
        assert ended == [True]
        assert b"y" in heard
        assert "internal error" in caplog.text


def test_a_number_does_not_come_back_while_old_events_are_served() -> None:
    with pump() as made, channel(made, "first") as (first, one), channel(made, "second") as (second, two):
        numbers = {one.fd, two.fd}
        new: list[socket.socket] = []

        def close_both_and_open_another() -> None:
            one.close()
            two.close()
            new.append(socket.socket())

        one.attend(close_both_and_open_another)
        two.attend(close_both_and_open_another)
        first.send(b"x")
        second.send(b"x")
        made.turn()
        assert new[0].fileno() not in numbers
        for sock in new:
            sock.close()


def test_peeking_tells_silence_from_bytes_and_from_the_end() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        assert ours.peek() is None
        peer.send(b"x")
        assert ours.peek() == b"x"
        assert ours.peek() == b"x", "the byte is left where it is"
        ours.sock.recv(1)
        peer.close()
        assert ours.peek() == b""


def test_closing_twice_is_closing_once() -> None:
    with pump() as made, channel(made, "peer") as (_, ours):
        ours.attend(lambda: None)
        ours.close()
        ours.close()
        assert ours.closed
        assert len(made) == 0
