from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import types
from contextlib import closing
from pathlib import Path

import agroal_top.__main__ as program
import pytest
from agroal_top.__main__ import main
from agroal_top.demo import DemoSource
from agroal_top.live import LiveSource
from agroal_top.options import Options
from agroal_top.preferences import usual_action_log, usual_file
from agroal_top.recording import Recorded
from agroal_top.replay import ReplaySource
from agroal_top.source import Denied, Source

from agroal import __version__
from agroal.management.recording import Recorder
from agroal.management.snapshot import Snapshot
from tests.unit.management.fake import FakeControls
from tests.unit.management.running import running
from tests.unit.tui.made import made

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a.agrec"
    with closing(Recorder(path)) as recorder:
        for at in range(10):
            recorder.add(made(at))
    return path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Source, Options]]:
    """With what the screen was started."""
    calls: list[tuple[Source, Options]] = []

    def run(source: Source, options: Options) -> int:
        calls.append((source, options))
        return 0

    stand_in("agroal_top.app", "run", run, monkeypatch)
    stand_in("agroal_top.picture", "svg", None, monkeypatch)
    return calls


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Source, Options, tuple[int, int], float]]:
    """Of what a picture was drawn, how large, and after how many seconds."""
    calls: list[tuple[Source, Options, tuple[int, int], float]] = []

    def svg(*how: object) -> str:
        calls.append(how)  # type: ignore[arg-type]
        return "<svg>é</svg>"

    stand_in("agroal_top.app", "run", None, monkeypatch)
    stand_in("agroal_top.picture", "svg", svg, monkeypatch)
    return calls


def stand_in(module: str, name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = types.ModuleType(module)
    setattr(made_up, name, value)
    monkeypatch.setitem(sys.modules, module, made_up)


def test_once_prints_a_screen(path: Path, capsys: Capture) -> None:
    with running(path, FakeControls()):
        status = main(["--socket", str(path), "--once", "--screen", "servers"])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    assert out.splitlines()[1].split() == ["pg-a", "127.0.0.1", "5432", "primary", "up", "1", "-"]


def test_once_writes_to_a_file(path: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "out.json"
    with running(path, FakeControls()):
        main(["--socket", str(path), "--once", "-f", "json", "--screen", "clients", "-o", str(file)])
    assert json.loads(file.read_text())["clients"][0]["address"] == "10.0.3.7:51422"
    assert capsys.readouterr().out == ""


def test_the_log_and_the_configuration_are_asked_for(path: Path, capsys: Capture) -> None:
    with running(path, FakeControls()):
        for screen, expected in (("log", "eve@shop"), ("config", "blocking_timeout")):
            assert main(["--socket", str(path), "--once", "--screen", screen]) == 0
            assert expected in capsys.readouterr().out


def test_nobody_there_is_status_1(path: Path, capsys: Capture) -> None:
    assert main(["--socket", str(path), "--once"]) == 1
    said = f"agroal-top: no agroal listens on {path}: is it running? `agroal -D DIR` starts it\n"
    assert capsys.readouterr().err == said


def test_a_configuration_that_can_not_be_read_is_status_1(tmp_path: Path, capsys: Capture) -> None:
    assert main(["-D", str(tmp_path / "no"), "--once"]) == 1
    assert "--socket PATH asks without the file" in capsys.readouterr().err


def test_not_let_in_is_status_3(path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: LiveSource) -> None:
        raise Denied("it may not be opened")

    monkeypatch.setattr(LiveSource, "hello", refuse)
    assert main(["--socket", str(path), "--once"]) == 3
    assert capsys.readouterr().err == "agroal-top: it may not be opened\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--headless"], "--headless needs --record FILE"),
        (["--replay", "a", "--record", "b"], "exclude each other"),
        (["-f", "csv"], "-f is the format of --once"),
        (["--watch", "1", "-f", "csv"], "-f is the format of --once"),
        (["-o", "x"], "-o is where --once or --watch print to"),
        (["--once", "--watch", "1"], "not allowed with"),
        (["--demo", "--socket", "x"], "not allowed with"),
        (["agroal://ops@there:1", "-D", "x"], "not allowed with"),
        (["--watch", "0.1"], "no number of seconds between 0.2 and 3600"),
        (["--interval", "soon"], "no number of seconds"),
        (["--interval", "nan"], "no number of seconds"),
        (["--record-max-mb", "0"], "no number of megabytes"),
        (["--screen", "kitchen"], "invalid choice"),
        (["--onc"], "unrecognized arguments"),
        (["--size", "80x24"], "--size and --after are of --svg FILE"),
        (["--svg", "x", "--size", "80"], "no size such as 120x36"),
        (["--svg", "x", "--size", "10x5"], "not between 60x15 and 500x200"),
        (["--svg", "x", "--once"], "not allowed with"),
    ],
)
def test_a_command_line_that_can_not_be_followed_is_status_2(
    arguments: list[str], complaint: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("flag", "said"), [("-V", f"agroal-top {__version__}"), ("-?", "exit status: 0 well")])
def test_it_says_what_it_is(flag: str, said: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main([flag])
    assert caught.value.code == 0
    assert said in capsys.readouterr().out


def test_a_recording_is_watched_as_fast_as_it_goes(recording: Path, capsys: Capture) -> None:
    assert main(["--replay", str(recording), "--watch", "3"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [round(line["now"][0]["uptime_us"] / 1e6) for line in lines] == [0, 3, 6, 9]


def test_once_shows_the_end_of_a_recording(recording: Path, capsys: Capture) -> None:
    assert main(["--replay", str(recording), "--once", "-f", "json"]) == 0
    picture = Snapshot.from_json(json.loads(capsys.readouterr().out)["snapshot"])
    assert picture == made(9)


def test_what_is_no_recording_is_status_1(tmp_path: Path, capsys: Capture) -> None:
    assert main(["--replay", str(tmp_path / "no.agrec"), "--once"]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_once_can_be_recorded(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.agrec"
    with running(path, FakeControls()):
        main(["--socket", str(path), "--once", "--screen", "log", "--record", str(file)])
    with closing(ReplaySource(file)) as source:
        assert source.hello().instance_id == "5f0c9a12"


def test_an_interrupted_recorder_ends_well(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[object] = []
    monkeypatch.setattr(program.signal, "signal", lambda _, handler: handlers.append(handler))
    pictures = iter([made(1), made(2)])

    def seen(_: DemoSource, interval: float) -> object:
        yield from pictures
        handlers[0](15, None)  # type: ignore[operator]

    monkeypatch.setattr(DemoSource, "snapshots", seen)
    file = tmp_path / "a.agrec"
    assert main(["--demo", "--headless", "--record", str(file)]) == 0
    assert f"recording demo to {file}, until it is interrupted" in capsys.readouterr().err
    with closing(ReplaySource(file, lambda *_: None, hold=False)) as source:
        assert list(source.snapshots(1.0)) == [made(1), made(2)]


def test_an_interrupted_watch_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DemoSource, "hello", interrupted)
    assert main(["--demo", "--watch", "1"]) == 130


def test_without_further_words_the_screen_is_shown(shown: list[tuple[Source, Options]], path: Path) -> None:
    arguments = ["--socket", str(path), "--interval", "2.5", "--screen", "slots", "--ascii", "--theme", "nord"]
    assert main(arguments) == 0
    [(source, options)] = shown
    assert source.name == str(path)
    assert (options.interval, options.page, options.ascii, options.theme) == (2.5, "slots", True, "nord")


def test_the_screen_may_be_recorded_and_read_only(shown: list[tuple[Source, Options]], tmp_path: Path) -> None:
    main(["--demo", "--read-only", "--record", str(tmp_path / "a.agrec")])
    [(source, options)] = shown
    assert isinstance(source, Recorded)
    assert source.read_only
    assert options == Options()


def test_the_screen_replays_in_its_own_time(shown: list[tuple[Source, Options]], recording: Path) -> None:
    main(["--replay", str(recording)])
    [(source, _)] = shown
    assert isinstance(source, ReplaySource)
    assert (source.position, source.duration, source.playing) == (0, 9, True)


def test_a_picture_is_drawn_without_a_screen(
    drawn: list[tuple[Source, Options, tuple[int, int], float]], recording: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.svg"
    assert main(["--demo", "--svg", str(file), "--size", "100x30", "--after", "9", "--screen", "slots"]) == 0
    assert main(["--replay", str(recording), "--svg", str(file)]) == 0
    [(live, options, size, seconds), (replay, *how)] = drawn
    assert (live.name, options.page, size, seconds) == ("demo", "slots", (100, 30), 9.0)
    assert isinstance(replay, ReplaySource)
    assert replay.position == replay.duration
    assert how[1:] == [(120, 36), 0.0]
    assert file.read_text("utf-8") == "<svg>é</svg>"


def test_wishes_count_where_the_command_line_says_nothing(shown: list[tuple[Source, Options]], path: Path) -> None:
    wishes = usual_file()
    wishes.parent.mkdir(parents=True, exist_ok=True)
    wishes.write_text(
        'interval = 5\ntheme = "nord"\n[profile.shop]\nread_only = true\ncolour = "red"\nmouse = false\n'
        f'socket = "{path}"\naction_log = "/a/log"\n[keymap]\n"main.quit" = "f10"\n'
    )
    try:
        assert main(["-P", "shop", "--theme", "dracula"]) == 0
        assert main(["--socket", "/elsewhere", "--no-mouse", "--action-log", "b"]) == 0
        assert main(["-P", "nobody"]) == 2
    finally:
        wishes.unlink()
    [(source, options), (other, plain)] = shown
    assert (source.name, source.read_only) == (str(path), True)
    assert options == Options(
        5.0, theme="dracula", mouse=False, colour="red", keymap={"main.quit": "f10"}, action_log=Path("/a/log")
    )
    assert (other.name, plain.interval, plain.mouse, plain.action_log) == ("/elsewhere", 5.0, False, Path("b"))


def test_an_agroal_in_the_network_has_a_uri(
    shown: list[tuple[Source, Options]], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("AGROAL_PASSWORD", "pencil")
    wishes = usual_file()
    wishes.parent.mkdir(parents=True, exist_ok=True)
    wishes.write_text('[profile.far]\nuri = "agroal://eye@far:2346?tls-mode=disable"\n')
    try:
        assert main(["agroal://ops@there:2346"]) == 0
        assert main(["-P", "far"]) == 0
        assert main(["agroal://ops:pencil@there:2346"]) == 2
    finally:
        wishes.unlink()
    assert [source.name for source, _ in shown] == ["agroal://ops@there:2346", "agroal://eye@far:2346"]
    assert "pencil" not in capsys.readouterr().err


def test_what_is_done_is_written_down_unless_it_is_made_up(shown: list[tuple[Source, Options]], path: Path) -> None:
    main(["--socket", str(path)])
    main(["--demo"])
    assert [options.action_log for _, options in shown] == [usual_action_log(), None]


def test_a_terminal_without_utf_8_gets_ascii(
    shown: list[tuple[Source, Options]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    main(["--demo"])
    assert shown[0][1].ascii


def test_without_textual_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    for name in ("agroal_top.app", "agroal_top.picture"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "textual", None)
    for name in list(sys.modules):
        if name.startswith(("textual.", "agroal_top.screens", "agroal_top.widgets")):
            monkeypatch.delitem(sys.modules, name)
    assert main(["--demo"]) == 1
    assert "pip install 'agroal[top]'" in capsys.readouterr().err


def test_without_a_screen_textual_is_not_even_imported() -> None:
    script = (
        "import sys\n"
        "from agroal_top.__main__ import main\n"
        "main(['--demo', '--once', '--screen', 'pools', '--interval', '0.2'])\n"
        "print([name for name in sys.modules if name.partition('.')[0] in {'textual', 'rich', 'asyncio'}])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
