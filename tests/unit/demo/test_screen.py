from __future__ import annotations

import io
import re

import pytest

from agroal.demo.screen import Screen, layout, thousands


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def on_terminal(terminal: Terminal, clock: Clock) -> Screen:
    return Screen(terminal, clock=clock)


def shown(terminal: Terminal) -> list[str]:
    """The lines that a terminal would show now."""
    lines = terminal.getvalue().split("\n")
    return [re.sub(r"\x1b\[[\d;]*m", "", line.split("\x1b[2K")[-1]).rstrip() for line in lines]


def test_a_step_that_is_quick_says_how_long_it_took(on_terminal: Screen, terminal: Terminal, clock: Clock) -> None:
    with on_terminal.step("making it"):
        clock.now += 1.9
        on_terminal.refresh()
        assert shown(terminal) == ["  making it …"]

    assert shown(terminal) == [f"  {'making it':<44} 1.9 s", ""]


def test_a_step_that_takes_long_shows_the_time_while_it_runs(
    on_terminal: Screen, terminal: Terminal, clock: Clock
) -> None:
    with on_terminal.step("making it"):
        clock.now += 3
        on_terminal.refresh()

        assert shown(terminal) == [f"  {'making it':<44}   3 s"]


def test_a_note_is_shown_while_the_step_runs_and_the_last_one_stays(
    on_terminal: Screen, terminal: Terminal, clock: Clock
) -> None:
    with on_terminal.step("measuring"):
        clock.now += 1
        on_terminal.note("10 tps")
        assert shown(terminal)[0].endswith("1 s  10 tps")
        on_terminal.note("20 tps")

    assert shown(terminal)[0].endswith("1.0 s  20 tps")


def test_a_step_that_fails_is_broken_off(on_terminal: Screen, terminal: Terminal) -> None:
    with pytest.raises(RuntimeError), on_terminal.step("making it"):
        raise RuntimeError

    assert shown(terminal)[0].endswith("broken off")


def test_nothing_is_drawn_between_steps(on_terminal: Screen, terminal: Terminal) -> None:
    on_terminal.refresh()

    assert terminal.getvalue() == ""


def test_what_is_no_terminal_gets_whole_lines_and_no_escapes(clock: Clock) -> None:
    file = io.StringIO()
    screen = Screen(file, clock=clock)
    screen.heading("title")
    with screen.step("measuring"):
        clock.now += 5
        screen.refresh()
        screen.note("10 tps")

    assert file.getvalue() == f"\ntitle\n  {'measuring':<44} 5.0 s  10 tps\n"


def test_a_heading_stands_out_on_a_terminal(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    Screen(terminal).heading("title")

    assert terminal.getvalue() == "\n\x1b[1mtitle\x1b[0m\n"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    Screen(terminal).heading("title")

    assert terminal.getvalue() == "\ntitle\n"


def test_a_table_has_titles_to_the_left_and_figures_to_the_right() -> None:
    rows = [("", "tps", "latency"), ("directly", "12 000", "0.3 ms"), ("pooled", "9", "10.0 ms")]

    assert layout(rows) == [
        "                tps   latency",
        "  directly   12 000    0.3 ms",
        "  pooled          9   10.0 ms",
    ]


def test_a_table_with_rows_of_different_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        layout([("a", "b"), ("c",)])


def test_thousands_are_set_apart_without_a_break() -> None:
    assert thousands(1234567.4) == "1\u00a0234\u00a0567"
    assert thousands(999) == "999"
