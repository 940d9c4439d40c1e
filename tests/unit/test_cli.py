from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agroal import __version__
from agroal.cli import main, parser
from agroal.management.controls import ShutdownMode
from agroal.management.snapshot import Snapshot
from agroal.management.verb import Verb
from agroal.management.verbs import BY_SPELLING, VERBS
from agroal.management.wire import Answer, encode_answer
from tests.unit.management.fake import FakeControls
from tests.unit.management.running import playing, running
from tests.unit.management.sample import ALIVE, DOWN, LOG, POOL, SLOT, snapshot
from tests.unit.management.test_protocol_page import PAGE, examples

Output = pytest.CaptureFixture[str]


@pytest.fixture
def directory() -> Iterator[Path]:
    """With the configuration of an agroal on port 2345, and a short name for its sockets."""
    directory = Path(tempfile.mkdtemp(prefix="ag"))
    (directory / "agroal.conf").write_text(
        f"[agroal]\nhost = localhost\nport = 2345\nunix_socket_dir = {directory}\n[pg]\nhost = localhost\nport = 5432\n"
    )
    (directory / "agroal_hba.conf").write_text("this is no line of an HBA file\n")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def path(directory: Path) -> Path:
    return directory / ".s.agroal.2345"


@pytest.fixture
def controls(path: Path) -> Iterator[FakeControls]:
    """A daemon at `path`."""
    controls = FakeControls(servers=(ALIVE,))
    with running(path, controls):
        yield controls


def out(capsys: Output) -> str:
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def document(capsys: Output) -> dict[str, object]:
    """The one line of JSON that was printed."""
    printed = out(capsys)
    assert printed.count("\n") == 1
    return json.loads(printed)  # type: ignore[no-any-return]


@pytest.mark.parametrize("option", ["-c", "-D", "--socket"])
def test_agroal_is_found_by_its_file_its_directory_or_its_socket(
    option: str, directory: Path, path: Path, controls: FakeControls, capsys: Output
) -> None:
    where = {"-c": directory / "agroal.conf", "-D": directory, "--socket": path}
    assert main([option, str(where[option]), "ping"]) == 0
    assert out(capsys).startswith("agroal 0.1.0 is alive\n")


def test_agroal_is_found_by_the_environment(
    directory: Path, controls: FakeControls, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGROAL_CONFIG_DIR", str(directory))
    assert main(["ping"]) == 0
    assert out(capsys)


NEEDED = {"kill": ["7"], "conf set": ["blocking_timeout", "20s"], "get-password": ["web"]}
"""The words that verbs need."""
TYPED = {" ".join(words): verb for words, verb in BY_SPELLING.items() if not verb.lasting}


@pytest.mark.parametrize("spelling", TYPED)
def test_both_vocabularies_are_understood(spelling: str, path: Path, controls: FakeControls, capsys: Output) -> None:
    controls.shutdowns = [(ShutdownMode.GRACEFULLY, None)]
    words = [*spelling.split(), *NEEDED.get(TYPED[spelling].name, [])]
    assert main(["--socket", str(path), "-F", "json", *words]) == 0
    assert document(capsys)["verb"] == BY_SPELLING[tuple(spelling.split())].name


@pytest.mark.parametrize(
    "words",
    [
        ["shutdown", "gracefully", "-T", "30s"],
        ["-T", "30s", "shutdown", "gracefully"],
        ["shutdown", "-T", "30s", "gracefully"],
    ],
)
def test_options_may_stand_anywhere(words: list[str], path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main([*words, "--socket", str(path)]) == 0
    assert controls.shutdowns == [("gracefully", 30.0)]
    assert out(capsys) == (
        "agroal takes no new clients and stops when the last of 2 clients has gone, in 30.0 s at the latest\n"
    )


def test_without_a_timeout_the_daemon_takes_its_own(path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), "gracefully"]) == 0
    assert controls.shutdowns == [("gracefully", None)]
    assert "in 1m00s at the latest" in out(capsys)


def test_ping_fails_when_a_server_is_down_and_says_which(path: Path, controls: FakeControls, capsys: Output) -> None:
    controls.servers = (ALIVE, DOWN)
    assert main(["--socket", str(path), "ping"]) == 1
    assert "down: connection refused" in out(capsys)
    assert main(["--socket", str(path), "-F", "json", "ping"]) == 1
    assert document(capsys)["ok"] is True


# -- dry runs

CHANGING = [verb for verb in VERBS if not verb.read_only]


@pytest.mark.parametrize("verb", CHANGING, ids=lambda verb: verb.name)
@pytest.mark.parametrize("option", ["-n", "--dry-run"])
def test_a_dry_run_changes_nothing_and_says_so(
    verb: Verb, option: str, path: Path, controls: FakeControls, capsys: Output
) -> None:
    controls.shutdowns = [(ShutdownMode.GRACEFULLY, None)]
    words = [*verb.name.split(), *NEEDED.get(verb.name, [])]
    assert main(["--socket", str(path), option, *words]) == 0
    assert " would " in out(capsys)
    assert main(["--socket", str(path), option, "-F", "json", *words]) == 0
    assert document(capsys)["dry_run"] is True
    assert (controls.done, controls.recorded, len(controls.shutdowns)) == ([], [], 1)


@pytest.mark.parametrize("verb", CHANGING, ids=lambda verb: verb.name)
def test_without_it_everything_is_done(verb: Verb, path: Path, controls: FakeControls, capsys: Output) -> None:
    controls.shutdowns = [(ShutdownMode.GRACEFULLY, None)]
    words = [*verb.name.split(), *NEEDED.get(verb.name, [])]
    assert main(["--socket", str(path), *words]) == 0
    assert " would " not in out(capsys)
    assert len(controls.done) + len(controls.shutdowns) == 2
    assert [command for _, command in controls.recorded] == [" ".join(words)]


def test_a_refusal_is_the_same_in_a_dry_run(path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), "-n", "kill", "99"]) == 1
    assert capsys.readouterr().err == "agroal-cli: there is no client 99\n"


# -- arguments


@pytest.mark.parametrize(
    ("words", "done"),
    [
        (["flush"], ("flush", "gracefully", None, None)),
        (["flush", "shop"], ("flush", "gracefully", "shop", None)),
        (["flush", "gracefully", "shop", "-T", "1m"], ("flush", "gracefully", "shop", 60.0)),
        (["flush", "idle", "all"], ("flush", "idle", None, None)),
        (["flush-all", "*"], ("flush", "all", None, None)),
        (["disable"], ("switch", None, False)),
        (["enable", "shop"], ("switch", "shop", True)),
        (["kill", "client", "8"], ("kill", 8)),
        (["conf", "set", "blocking_timeout", "1m"], ("set", "blocking_timeout", "1m")),
    ],
)
def test_words_reach_the_daemon(
    words: list[str], done: tuple[object, ...], path: Path, controls: FakeControls, capsys: Output
) -> None:
    assert main(["--socket", str(path), *words]) == 0
    assert controls.done == [done]
    assert out(capsys)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["conf", "get", "max_connections"], "100\n"),
        (["log", "tail", "1"], f"{LOG[1].text}\n"),
        (["log", "1", "info"], f"{LOG[1].text}\n"),
        (["log", "tail", "9", "error"], ""),
        (
            ["flush", "-n", "shop", "-T", "0"],
            "shop: 3 idle connections would be closed; 1 leased connection would be closed on return\n",
        ),
    ],
)
def test_what_is_printed(words: list[str], printed: str, path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), *words]) == 0
    assert out(capsys) == printed


def test_status_is_a_short_block_and_details_are_tables(path: Path, controls: FakeControls, capsys: Output) -> None:
    main(["--socket", str(path), "status"])
    short = out(capsys)
    assert short.startswith("agroal       0.1.0, running, up 1m30s\n")
    main(["--socket", str(path), "status", "details"])
    assert out(capsys).startswith(short + "\npools\n")


def test_json_is_what_the_daemon_answered_under_the_verbs_name(
    path: Path, controls: FakeControls, capsys: Output
) -> None:
    assert main(["--socket", str(path), "-F", "json", "details"]) == 0
    assert document(capsys) == {
        "v": 1,
        "verb": "status details",
        "ok": True,
        "took_us": 0,
        "result": snapshot().to_json(),
    }


def test_the_example_in_the_manual_is_what_is_printed(path: Path, controls: FakeControls, capsys: Output) -> None:
    controls.shutdowns = [(ShutdownMode.GRACEFULLY, None)]
    assert main(["--socket", str(path), "-F", "json", "shutdown", "cancel"]) == 0
    [example] = examples(PAGE.partition("## `agroal-cli` for programs")[2])
    assert document(capsys) == example


def test_verbose_says_what_was_asked_and_where(path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), "-v", "-T", "5", "shutdown"]) == 0
    assert f"asked {path} for “shutdown gracefully -T 5s”: answered in" in capsys.readouterr().err


# -- what goes wrong


def left(controls: FakeControls, leased: int, waited_us: int | None) -> None:
    """What it answers to a pause."""
    controls.paused = replace(controls.paused, leased=leased, others=0, waited_us=waited_us)
    controls.picture = snapshot(slots=(replace(SLOT, state="gracefully"),))


def test_people_see_what_a_pause_waits_for(path: Path, controls: FakeControls, capsys: Output) -> None:
    left(controls, 0, 2_000_000)
    assert main(["--socket", str(path), "pause", "shop", "-T", "1m"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "agroal-cli: waiting for 1 connection in use\n"
    assert captured.out.splitlines() == [
        "shop: paused; 2 clients wait until it is resumed",
        "no connection is left: PostgreSQL may be stopped",
    ]
    assert controls.done == [("pause", "shop", 60.0)]


@pytest.mark.parametrize("verb", ["pause", "reconnect"])
def test_it_fails_when_it_waited_in_vain(verb: str, path: Path, controls: FakeControls, capsys: Output) -> None:
    left(controls, 1, 30_000_000)
    assert main(["--socket", str(path), verb, "-T", "30s"]) == 1
    assert "still there after 30.0 s: 1 connection in use" in capsys.readouterr().out


def test_programs_wait_in_silence(path: Path, controls: FakeControls, capsys: Output) -> None:
    left(controls, 0, 2_000_000)
    assert main(["--socket", str(path), "-F", "json", "pause", "-T", "0"]) == 0
    assert document(capsys)["verb"] == "pause"
    assert controls.done == [("pause", None, 0.0)]


def test_without_a_timeout_and_in_a_dry_run_nobody_waits(path: Path, controls: FakeControls, capsys: Output) -> None:
    left(controls, 1, None)
    assert main(["--socket", str(path), "pause"]) == 0
    assert main(["--socket", str(path), "-n", "pause", "-T", "5s"]) == 0
    assert "waiting for" not in capsys.readouterr().err
    assert controls.done == [("pause", None, None)]


def test_a_refusal_is_status_1(path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), "cancel-shutdown"]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "agroal-cli: there is no shutdown to take back\n")


def test_a_refusal_is_printed_for_programs_too(path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), "-F", "json", "cancel-shutdown"]) == 1
    assert document(capsys) == {
        "v": 1,
        "verb": "shutdown cancel",
        "ok": False,
        "error": {"code": "refused", "message": "there is no shutdown to take back"},
    }


def test_no_daemon_is_status_1(path: Path, capsys: Output) -> None:
    assert main(["--socket", str(path), "ping"]) == 1
    assert (
        capsys.readouterr().err
        == f"agroal-cli: no agroal listens on {path}: is it running? `agroal -D DIR` starts it\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], "unknown-verb", "there is no verb: --help lists what there is"),
        (["pong"], "unknown-verb", "there is no verb “pong”: did you mean “ping”?"),
        (["status", "detail"], "bad-argument", "“status” does not take “detail”"),
        (["ping", "-T", "3s"], "bad-argument", "“ping” takes no timeout (-T)"),
        (["ping", "-n"], "bad-argument", "“ping” changes nothing: it has no dry run (-n)"),
        (["kill"], "bad-argument", "“kill” needs client: its number in `status details`"),
        (["kill", "web"], "bad-argument", "“client” must be a whole number between 1 and 9007199254740992"),
        (["log", "tail", "0"], "bad-argument", "“lines” must be a whole number between 1 and 10000"),
        (["flush", "idle", "shop", "bank"], "bad-argument", "“flush idle” does not take “bank”"),
        (["subscribe"], "bad-argument", "“subscribe” is for programs, on a connection that lasts"),
    ],
)
def test_a_command_line_that_can_not_be_followed_is_status_2(
    words: list[str], code: str, message: str, capsys: Output
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == f"agroal-cli: {message}\n"
    assert main(["-F", "json", *words]) == 2
    assert document(capsys)["error"] == {"code": code, "message": message}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--colour", "ping"], "unrecognized arguments: --colour"),
        (["-F", "xml", "ping"], "argument -F/--format: invalid choice: 'xml'"),
        (["-T", "soon", "shutdown"], "argument -T/--timeout: expected a duration such as"),
        (["-T", "-1", "shutdown"], "argument -T/--timeout: expected"),
        (["-c", "a", "-D", "b", "ping"], "argument -D/--directory: not allowed with argument -c/--config"),
        (["--sock", "a", "ping"], "unrecognized arguments: --sock"),
    ],
)
def test_a_command_line_that_can_not_be_read_is_status_2(words: list[str], message: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_configuration_that_can_not_be_read_is_status_1_and_names_the_way_round(
    directory: Path, capsys: Output
) -> None:
    (directory / "agroal.conf").write_text("[agroal]\nhost = localhost\nport = \x1b[2Jmany\nunix_socket_dir = /tmp\n")
    assert main(["-D", str(directory), "ping"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"agroal-cli: {directory}/agroal.conf:3: port: expected a whole number")
    assert lines[-1] == "agroal-cli: --socket PATH asks without the file"
    assert main(["-D", str(directory), "-F", "json", "ping"]) == 1
    assert document(capsys)["error"]["code"] == "configuration"  # type: ignore[index]


def test_a_file_that_is_not_there_is_said(directory: Path, capsys: Output) -> None:
    assert main(["-c", str(directory / "absent.conf"), "ping"]) == 1
    assert f"{directory}/absent.conf: no such file" in capsys.readouterr().err


def test_an_answer_of_another_release_is_said(path: Path, capsys: Output) -> None:
    with playing(path, None, encode_answer(Answer(1, {"v": 2}))):
        assert main(["--socket", str(path), "details"]) == 1
    assert "a snapshot of version 1 was expected" in capsys.readouterr().err


def test_a_reader_that_had_enough_is_no_traceback(path: Path, controls: FakeControls) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "agroal.cli", "--socket", str(path), "details"],
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_interrupt_is_no_traceback(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("agroal.cli.ManagementClient", interrupt)
    assert main(["--socket", str(path), "ping"]) == 130


def test_a_terminal_without_utf_8_is_no_traceback(
    path: Path, controls: FakeControls, monkeypatch: pytest.MonkeyPatch
) -> None:
    controls.picture = snapshot(pools=(replace(POOL, database="größe"),))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["--socket", str(path), "details"]) == 0
    assert b"gr??e" in raw.getvalue()


# -- what it says about itself


def test_help_lists_every_verb_with_its_other_spellings(capsys: Output) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["-?"])
    assert caught.value.code == 0
    text = out(capsys)
    for verb in VERBS:
        lines = [line for line in text.splitlines() if line.startswith(f"  {verb.name} ") and verb.doc in line]
        assert len(lines) == (not verb.lasting)
        assert all(alias in line for alias in verb.aliases for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        r"  flush gracefully \[DATABASE\]  close idle connections now",
        r"  flush gracefully -T +close those still leased after that long",
        r"  kill CLIENT +end the connection of one client",
        r"  kill CLIENT +its number in `status details`",
        r"  conf set KEY VALUE +change one key",
        r"  log tail \[LEVEL\] +only what is at least as grave",
    ],
)
def test_help_says_what_a_verb_takes(line: str) -> None:
    assert re.search(f"^{line}", parser().format_help(), re.MULTILINE)


def test_help_fits_a_page_of_120_columns() -> None:
    assert max(map(len, parser().format_help().splitlines())) <= 120


def test_version(capsys: Output) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["-V"])
    assert caught.value.code == 0
    assert out(capsys) == f"agroal-cli {__version__}\n"


def test_snapshot_prints_its_document(path: Path, controls: FakeControls, capsys: Output) -> None:
    assert main(["--socket", str(path), "snapshot"]) == 0
    assert Snapshot.from_json(json.loads(out(capsys))) == snapshot()
