"""Text that is made to harm: in every field of the daemon's answers, on every page, and on a real terminal."""

from __future__ import annotations

import re
import signal
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from agroal_top.keymap import PAGES
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agroal.management.snapshot import Snapshot
from tests.unit.management.fake import FakeControls
from tests.unit.management.running import running
from tests.unit.tui.screens.scene import EVENTS, Scene, play, snapshot
from tests.unit.tui.terminal import Terminal

SIZE = (120, 36)
EVIL = (
    "\x1b]0;PWNED\x07",
    "\x1b]52;c;UFdORUQ=\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b31mC1",
    "\x1bP+q\x1b\\dcs",
    "[bold red]x[/] [link=a]\\[",
    "[@click=app.quit]q[/]",
    "\u202egnp.exe",
    "\u2066iso\u2069",
    "a\u200bb\ufeffc",
    "line\r\nbreak\u2028\u2029\x0b",
    "\u6f22\u5b57\u6f22\u5b57",
    "e\u0301" * 40,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\x00\x08\x7f",
    "=1+1",
    "",
)
_DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_JOINER = "\u200d"
"""Zero-width, and what makes one of several emoji."""

texts = st.lists(st.one_of(st.text(max_size=70), st.sampled_from(EVIL)), min_size=1, max_size=40)


def filled(record: Any, evil: Iterator[str]) -> Any:
    """The record with every text in it replaced."""
    match record:
        case str():
            return next(evil)
        case tuple():
            return tuple(filled(each, evil) for each in record)
        case _ if is_dataclass(record):
            values = {field.name: filled(getattr(record, field.name), evil) for field in fields(record)}
            return replace(record, **values)  # type: ignore[type-var]
    return record


def hostile(evil: Sequence[str], seconds: int = 0) -> Snapshot:
    return filled(snapshot(seconds), cycle(evil))  # type: ignore[no-any-return]


def seen(scene: Scene) -> None:
    """No character acts on a terminal, and none moves those after it."""
    for strip in scene.app.screen._compositor.render_strips():
        text = "".join(segment.text for segment in strip)
        assert not [one for one in text if unicodedata.category(one) in _DANGEROUS and one != _JOINER], repr(text)
        assert strip.cell_length == SIZE[0], repr(text)


def test_every_text_is_replaced() -> None:
    assert set(re.findall(r'": "(\w*)"', str(hostile(["evil"]).to_json()).replace("'", '"'))) == {"evil"}


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
@example(list(EVIL))
def test_no_text_of_the_daemon_acts_on_the_screen(evil: list[str]) -> None:
    first, second = (Snapshot.from_json(hostile(evil, seconds).to_json()) for seconds in (0, 1))
    events = tuple(type(event).from_json(filled(event, cycle(evil)).to_json()) for event in EVENTS)

    async def scenario(scene: Scene) -> None:
        await scene.hear(events)
        for number, (page, _, _) in enumerate(PAGES, start=1):
            await scene.press(str(number % 10))
            assert scene.app.main.current == page
            seen(scene)
        for keys in (("2", "a"), ("4", "enter"), ("5", "enter")):
            await scene.press(*keys)
            seen(scene)
            await scene.press("escape")
        if evil == list(EVIL):
            await scene.press("2")
            assert "[@click=app" in scene.text(), "it is shown as it is, and clicks nothing"

    play(scenario, size=SIZE, snapshots=(first, second))


def test_no_byte_of_them_reaches_a_real_terminal(path: Path) -> None:
    evil = [f"{text}PWNED" for text in EVIL]
    controls = FakeControls(picture=hostile(evil))
    controls.happened = [filled(event, cycle(evil)) for event in controls.happened]
    with running(path, controls):
        command = [sys.executable, "-m", "agroal_top", "--socket", str(path), "--interval", "0.5"]
        with Terminal(command, SIZE) as terminal:
            terminal.see("PWNED")
            for number, (_, title, _) in enumerate(PAGES, start=1):
                terminal.type(str(number % 10))
                terminal.see(f"▌{number % 10} {title}")
            terminal.type("2a")
            terminal.see("enter chooses")
            terminal.process.terminate()
            assert terminal.wait() == 128 + signal.SIGTERM
    written = terminal.written.decode("utf-8")
    assert "␛]0;PWNED" in written, "it was there to be seen"
    assert "\x1b]0;PWNED" not in written
    assert "\x1b]52" not in written
    assert "\x1bP+q" not in written
    assert not set(written) & set("\x7f\x9b\u202e\u2066\u2069\u200b\ufeff\u2028\u2029\x0b")
