from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agroal.demo.processes import Account, ProgramFailed, ended, run, spawn

PYTHON = sys.executable
only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


def python(source: str) -> list[str]:
    return [PYTHON, "-c", source]


def test_what_a_program_prints_is_returned() -> None:
    assert run(python("print('ä' * 100_000)")) == "ä" * 100_000 + "\n"


def test_remarks_come_line_by_line_and_are_not_part_of_the_output() -> None:
    remarks: list[str] = []
    source = "import sys; sys.stderr.write('one\\ntw'); sys.stderr.flush(); sys.stderr.write('o\\nrest'); print('out')"

    assert run(python(source), on_remark=remarks.append) == "out\n"
    assert remarks == ["one", "two"]


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(ProgramFailed, match=r"(?s)failed \(status 3\).*no such thing") as failure:
        run(python("import sys; sys.stderr.write('no such thing'); sys.exit(3)"))

    assert failure.value.status == 3


def test_a_program_that_is_not_there_says_so() -> None:
    with pytest.raises(ProgramFailed, match="/no/such/program: No such file or directory"):
        run(["/no/such/program"])


def test_a_program_reads_nothing_of_what_the_user_types() -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))")) == "''\n"


def test_an_exception_of_the_pulse_ends_the_program_and_goes_on(tmp_path: Path) -> None:
    """The program, told to end, notes it: so it was not killed outright."""
    note = tmp_path / "note"
    source = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(note)!r}).touch(), sys.exit()))\n"
        "sys.stderr.write('ready\\n'); sys.stderr.flush(); time.sleep(60)"
    )
    ready: list[str] = []

    def pulse() -> None:
        if ready:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(python(source), pulse=pulse, on_remark=ready.append)

    assert note.exists()


def test_a_program_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal.demo.processes._PATIENCE", 0.01)
    source = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sys.stderr.write('ready\\n'); sys.stderr.flush(); time.sleep(60)"
    )

    def interrupt(_remark: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(python(source), on_remark=interrupt)


def test_a_program_has_a_session_of_its_own_where_no_ctrl_c_reaches_it() -> None:
    assert run(python("import os; print(os.getsid(0) == os.getpid())")) == "True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_program_dies_with_the_process_that_started_it() -> None:
    """A process starts a program, both with the same pipe, and is killed: the pipe is closed when both are gone."""
    source = (
        "import signal, sys, time\n"
        "from agroal.demo.processes import spawn\n"
        "child = 'print(1, flush=True); import time; time.sleep(60)'\n"
        "spawn([sys.executable, '-c', child], at_our_death=signal.SIGKILL)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(python(source), stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"1\n"
        parent.kill()

        assert parent.stdout.read() == b""  # at its end: nobody is left who could write


def test_a_program_that_has_not_ended_is_not_said_to_have() -> None:
    program = spawn(python("import time; time.sleep(60)"), at_our_death=signal.SIGKILL)
    try:
        assert not ended(program, 0.01)
    finally:
        program.kill()

    assert ended(program, 10)
    assert program.returncode == -signal.SIGKILL


@only_root
def test_a_program_runs_as_another_user_with_none_of_the_rights_of_root() -> None:
    account = Account.without_privileges()
    assert account

    ids = run(["/usr/bin/id", "-u"], account=account), run(["/usr/bin/id", "-G"], account=account)

    assert ids == (f"{account.user}\n", f"{account.group}\n")


def test_who_is_not_root_stays_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)

    assert Account.without_privileges() is None


def test_root_runs_postgresql_as_postgres_or_else_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"nobody": 65534}

    def look_up(name: str) -> pwd.struct_passwd:
        return pwd.struct_passwd((name, "x", known[name], known[name], "", "/", "/bin/false"))

    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", look_up)
    assert Account.without_privileges() == Account("nobody", 65534, 65534)

    known["postgres"] = 101
    assert Account.without_privileges() == Account("postgres", 101, 101)
