from __future__ import annotations

import asyncio
import re
import socket

import pytest

from agroal.errors import ProtocolViolation
from agroal.wire.fields import Message
from agroal.wire.talk import Ask, Talk, read_message, read_only, read_packet
from tests.unit.looping import in_a_loop
from tests.unit.script import OffScript, Script, hold, play, run
from tests.unit.wire.messages import READY, authentication, message, startup

ASKED = authentication(3)
ANSWER = message("p", b"secret\0")
SCRIPT = Script() >> startup("user", "ann") << ASKED >> ANSWER << READY


def ask() -> Talk[bytes]:
    yield from read_packet()
    yield ASKED
    secret = yield from read_only(ord("p"), "a password")
    yield READY
    return secret


def text(difference: pytest.ExceptionInfo[OffScript]) -> list[str]:
    """The lines of the difference that are not the same, without the marks under them."""
    return [line for line in str(difference.value).splitlines()[1:] if re.match("[-+] ", line)]


def test_a_conversation_that_keeps_to_its_script_gives_its_outcome() -> None:
    assert run(ask, SCRIPT) == b"secret\0"


def test_what_one_side_says_in_pieces_is_said_at_once() -> None:
    assert Script() << b"a" << b"b" >> b"" << b"c" == Script() << b"abc"
    assert (Script() >> b"a" << b"b") + (Script() << b"c" >> b"d") == Script() >> b"a" << b"bc" >> b"d"


def test_an_error_at_the_end_of_the_script_is_raised() -> None:
    with pytest.raises(ProtocolViolation, match="expected a password"):
        run(ask, Script() >> startup("user", "ann") << ASKED >> message("Q", b"\0"))


def test_the_script_is_run_at_every_cut() -> None:
    runs = 0

    def counted() -> Talk[bytes]:
        nonlocal runs
        runs += 1
        return (yield from ask())

    run(counted, SCRIPT)
    assert runs == 1 + len(startup("user", "ann") + ANSWER) - 1 + 1, "whole, at each cut, by bytes"


def test_a_wrong_word_of_ours_is_shown_beside_the_right_one() -> None:
    with pytest.raises(OffScript, match="left its script") as difference:
        run(ask, Script() >> startup("user", "ann") << authentication(5, b"salt") >> ANSWER << READY)
    assert text(difference) == [r"- << R b'\x00\x00\x00\x05salt'", r"+ << R b'\x00\x00\x00\x03'"]


def test_a_word_too_many_and_a_word_too_few_are_shown() -> None:
    with pytest.raises(OffScript) as missing:
        run(ask, Script() >> startup("user", "ann") << ASKED >> ANSWER)
    assert text(missing) == ["+ << Z b'I'"]
    with pytest.raises(OffScript) as extra:
        run(ask, SCRIPT << READY)
    assert text(extra) == ["- << Z b'I'"]


def test_an_early_error_is_the_cause_of_the_difference() -> None:
    with pytest.raises(OffScript) as difference:
        run(ask, Script() >> startup("user", "ann") << ASKED >> message("Q") << READY >> ANSWER)
    assert isinstance(difference.value.__cause__, ProtocolViolation)
    assert text(difference) == ["- << Z b'I'", r"- >> p b'secret\x00'"]


def test_a_conversation_that_wants_more_than_the_script_has_is_off_it() -> None:
    with pytest.raises(OffScript, match="goes on after the end"):
        run(ask, Script() >> startup("user", "ann") << ASKED)


def test_a_conversation_that_ends_too_early_is_off_its_script() -> None:
    with pytest.raises(OffScript, match=r"ended before Q b'\\x00'"):
        run(ask, SCRIPT >> message("Q", b"\0"))


def test_an_outcome_that_depends_on_the_cut_is_an_error() -> None:
    def greedy() -> Talk[Message]:
        yield from read_packet()
        yield Ask.SILENCE
        return (yield from read_message())

    with pytest.raises(AssertionError, match=r"cut at \(8,\) it ends with"):
        run(greedy, Script() >> b"\0\0\0\x08\x04\xd2\x16\x2f" + READY)


def test_one_run_can_be_held_at_chosen_cuts() -> None:
    assert hold(ask(), SCRIPT, (3, 20)).result == b"secret\0"


def test_what_is_no_message_is_shown_as_it_is() -> None:
    assert (Script() << b"N" >> b"GET / HTTP/1.1\r\n" << READY + b"\0\0").lines() == [
        "<< b'N'",
        r">> b'GET / HTTP/1.1\r\n'",
        "<< Z b'I'",
        r"<< b'\x00\x00'",
    ]


@in_a_loop
async def test_both_sides_of_a_script_can_be_played_at_a_socket() -> None:
    mirrored = Script(tuple(({"<<": ">>", ">>": "<<"}[who], data) for who, data in SCRIPT.steps))
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        other.setblocking(False)
        await asyncio.gather(play(SCRIPT, one), play(mirrored, other))


@pytest.mark.parametrize(("said", "problem"), [(b"", "hung up"), (b"R\0", "left its script")])
@in_a_loop
async def test_a_player_says_what_it_heard_instead(said: bytes, problem: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        ours.send(said)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(OffScript, match=problem) as difference:
            await play(Script() << ASKED, theirs)
    assert text(difference) == [r"- << R b'\x00\x00\x00\x03'", *([f"+ << {said!r}"] if said else [])]
