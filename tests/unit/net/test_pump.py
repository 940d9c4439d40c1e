from __future__ import annotations

import logging
import select
import socket
from collections.abc import Iterator
from types import ModuleType

import pytest

from agroal.net import chosen, flow
from agroal.net import pump as reference
from agroal.net.pump import Channel
from agroal.wire import scan
from tests.unit.net import pairs
from tests.unit.net.pairs import channel, pump, received

Making = tuple[ModuleType, ModuleType, ModuleType]
"""The pump, the flow and the scanner."""

MAKINGS: list[Making] = [(reference, flow, scan)]
if chosen.COMPILED:
    from agroal.net import _flow, _pump
    from agroal.wire import _scan

    MAKINGS.append((_pump, _flow, _scan))


@pytest.fixture(scope="module", autouse=True, params=MAKINGS, ids=lambda making: making[0].__name__)
def making(request: pytest.FixtureRequest) -> Iterator[Making]:
    """Each test is about both: the readable reference, and the compiled twin where it was built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "Pump", request.param[0].Pump)
        patch.setattr(pairs, "Channel", request.param[0].Channel)
        yield request.param


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


def test_so_many_bytes_are_looked_at_or_taken() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        assert ours.take(9) is None
        peer.send(b"four more")
        assert ours.peek(4) == b"four"
        assert (ours.take(5), ours.take(99), ours.take(99)) == (b"four ", b"more", None)
        peer.close()
        assert ours.take(9) == b""


def test_closing_twice_is_closing_once() -> None:
    with pump() as made, channel(made, "peer") as (_, ours):
        ours.attend(lambda: None)
        ours.close()
        ours.close()
        assert ours.closed
        assert len(made) == 0


def test_whoever_ignores_and_attends_again_hears_what_came_between() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        heard: list[bytes] = []
        for said in (b"one", b"two"):
            ours.attend(lambda: read(ours, heard))
            ours.ignore()
            peer.send(said)
            made.turn()
            ours.attend(lambda: read(ours, heard))
            made.turn()
            ours.ignore()
            made.turn()
        assert [piece for piece in heard if piece != b"nothing"] == [b"one", b"two"]


def test_what_is_called_can_be_changed_at_any_time() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        heard: list[bytes] = []
        ours.attend(lambda: pytest.fail("another listens"))
        ours.on_readable = lambda: read(ours, heard)
        peer.send(b"hello")
        made.turn()
        assert heard[0] == b"hello"


def test_a_flow_is_called_whoever_attended_before_and_comes_after(making: Making) -> None:
    _, flows, scanners = making
    query = b"Q\0\0\0\x0dSELECT 1\0"
    with pump() as made, channel(made, "client") as (client, ours), channel(made, "server") as (server, theirs):
        heard: list[bytes] = []
        relayed = flows.Flow(None, ours, theirs, scanners.FrontendScanner(scanners.Tally({})))
        for attend in (lambda: ours.attend(relayed.relay), lambda: setattr(ours, "on_readable", relayed.relay)):
            ours.attend(lambda: read(ours, heard))
            attend()
            client.send(query)
            made.turn()
            assert (received(server), heard) == (query, [])
            ours.attend(lambda: read(ours, heard))
            client.send(b"for another")
            made.turn()
            assert heard.pop(0) == b"for another"
            heard.clear()
        assert relayed.passed == 2 * len(query)


def test_a_peer_that_is_gone_is_told_to_whoever_writes() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        peer.close()
        with pytest.raises(BrokenPipeError):
            ours.write(b"hello")
        assert ours.unsent == b""


def test_what_can_be_written_is_bytes_or_a_view_of_them() -> None:
    with pump() as made, channel(made, "peer") as (peer, ours):
        assert ours.write(b"hello ")
        assert ours.write(memoryview(bytearray(b"-world-"))[1:6])
        assert received(peer) == b"hello world"


def test_a_channel_that_breaks_while_something_is_kept_hangs_up() -> None:
    with pump() as made, channel(made, "peer", small=True) as (peer, ours):
        gone: list[bool] = []
        ours.attend(lambda: None, lambda: gone.append(True))
        assert not ours.write(bytes(1 << 20))
        peer.close()
        while not gone:
            made.turn()
        assert ours.unsent == b""


def test_a_set_that_was_closed_says_so() -> None:
    with pump() as made:
        number = made.fileno()
        assert select.select([number], [], [], 0) == ([], [], [])
    with pytest.raises((OSError, ValueError)):
        made.turn()
