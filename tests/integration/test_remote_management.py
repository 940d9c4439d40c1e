"""Administering agroal over the network: who is let in, what each may do, and what strangers can't."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agroal.demo.ports import free_port
from agroal.errors import ManagementError
from agroal.management.address import Remote, TlsMode
from agroal.management.client import ManagementClient, socket_path
from agroal.management.controls import Role
from agroal.management.snapshot import Snapshot
from agroal.management.verb import Verb
from agroal.management.verbs import VERBS
from agroal.management.wire import MAX_ANSWER, Decoder, Request, encode_request
from tests.certificates import Authority, Identity
from tests.integration.conftest import Launch
from tests.integration.daemon import HBA, Agroal
from tests.integration.encrypted import offering
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

ADMINS = {"ops": "a-Word-for-operators", "eye": "a-Word-for-onlookers", "web": "a-Word-for-certificates"}
LINES = """\
hostssl   admin  far,web  all           cert
hostssl   admin  ops,eye  127.0.0.1/32  scram-sha-256
hostnossl admin  ops      127.0.0.1/32  scram-sha-256
host      admin  evil     all           reject
hostssl   admin  nobody   all           scram-sha-256
"""


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("agroal")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, identity: Identity, port: int) -> Agroal:
    hba = "".join(line for line in LINES.splitlines(True) if "cert" not in line) + HBA
    pool = module_agroal(
        database,
        admins=ADMINS,
        hba=hba,
        management=port,
        monitors="eye",
        authentication_timeout="2s",
        **offering(identity),
    )
    pool.allow_in_log("is refused|ends here")
    return pool


@pytest.fixture
def where(port: int) -> Remote:
    return Remote("127.0.0.1", port, "ops", ADMINS["ops"])


def asked(remote: Remote, verb: str = "hello", **args: object) -> dict[str, Any]:
    with ManagementClient(remote) as client:
        return client.call(verb, **args)


def refusal(remote: Remote, verb: str = "hello", **args: object) -> tuple[str, str]:
    with pytest.raises(ManagementError) as refused:
        asked(remote, verb, **args)
    return refused.value.code, str(refused.value)


def monitor(where: Remote) -> Remote:
    return replace(where, user="eye", password=ADMINS["eye"])


# Who is let in


@pytest.mark.parametrize(("user", "role"), [("ops", "admin"), ("eye", "monitor")])
def test_an_admin_is_let_in_over_tls_and_has_a_role(pool: Agroal, where: Remote, user: str, role: str) -> None:
    assert asked(replace(where, user=user, password=ADMINS[user]))["role"] == role
    line = rf"{user}@127\.0\.0\.1:\d+ is let in as {role} \(TLSv1\.3\)"
    wait_until(lambda: re.search(line, pool.log), "that is in the log")


def test_it_can_be_made_sure_by_its_certificate_that_it_is_agroal(
    pool: Agroal, where: Remote, authority: Authority, tmp_path: Path
) -> None:
    verified = replace(where, host="localhost", tls_mode=TlsMode.VERIFY_FULL, ca=authority.ca_file)
    assert asked(verified)["role"] == "admin"
    stranger = Authority(tmp_path)
    code, message = refusal(replace(verified, ca=stranger.ca_file))
    assert code == "cannot-connect"
    assert "its certificate is not trusted" in message


def test_a_wrong_password_and_an_unknown_user_look_the_same(pool: Agroal, where: Remote) -> None:
    told = [refusal(replace(where, user=user, password="a-wrong-Word")) for user in ("ops", "nobody")]
    assert told[0] == ("denied", 'password authentication failed for user "ops"')
    assert told[1] == ("denied", 'password authentication failed for user "nobody"')
    failures = {one.user: one for one in pool.snapshot().authentication_failures if one.database == "admin"}
    assert {"ops", "nobody"} <= failures.keys()
    assert pool.snapshot().counters.rejected >= 2


def test_who_the_hba_file_does_not_know_or_rejects_is_told_so(pool: Agroal, where: Remote) -> None:
    assert "rejects connection" in refusal(replace(where, user="evil"))[1]
    code, message = refusal(replace(where, user=pool.database.scram.name, password=pool.database.scram.password))
    assert (code, "no agroal_hba.conf entry" in message) == ("denied", True)


def test_from_this_host_encryption_is_no_must_where_a_line_lets_it_be(pool: Agroal, where: Remote) -> None:
    assert asked(replace(where, tls_mode=TlsMode.DISABLE))["role"] == "admin"
    code, message = refusal(replace(monitor(where), tls_mode=TlsMode.DISABLE))
    assert (code, "no agroal_hba.conf entry" in message, "no encryption" in message) == ("denied", True, True)


# What each may do

NEEDED: dict[str, dict[str, object]] = {
    "kill": {"client": 99_999},
    "conf set": {"key": "blocking_timeout", "value": "20s"},
    "subscribe": {"topics": ["events"]},
    "get-password": {"user": "web"},
}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_monitor_may_look_and_an_admin_may_everything(pool: Agroal, where: Remote, verb: Verb) -> None:
    args, dry_run = NEEDED.get(verb.name, {}), not verb.read_only

    def code(remote: Remote) -> str:
        with ManagementClient(remote) as client:
            try:
                client.ask(verb.name, args, dry_run=dry_run)
            except ManagementError as error:
                return error.code
        return "done"

    assert code(monitor(where)) == ("forbidden" if verb.role is Role.ADMIN else "done")
    assert code(where) in {"done", "refused"}


def test_what_was_asked_and_refused_is_in_the_log_with_who_it_was(pool: Agroal, where: Remote) -> None:
    with pool.connect():
        asked(where, "flush idle", database=pool.database.name)
    assert refusal(monitor(where), "flush all")[0] == "forbidden"
    asked(monitor(where), "conf get", key="port")
    wait_until(lambda: re.search(r"eye@127\.0\.0\.1:\d+: conf get port\n", pool.log), "that is in the log, too")
    assert re.search(rf"ops@127\.0\.0\.1:\d+: flush idle {pool.database.name}\n", pool.log)
    assert re.search(r"WARN .*eye@127\.0\.0\.1:\d+: flush all: forbidden: “flush all” is for admins", pool.log)


def test_a_key_belongs_to_everybody_who_asks_wherever(pool: Agroal, where: Remote) -> None:
    with ManagementClient(where) as client:
        assert not client.ask("clear statistics", key="once").repeated
    with ManagementClient(socket_path(pool.folder, pool.port)) as client:
        assert client.ask("clear statistics", key="once").repeated


# Certificates


@pytest.fixture(scope="module")
def certified(
    module_agroal: Launch, database: Database, identity: Identity, authority: Authority
) -> tuple[Agroal, Remote]:
    port = free_port()
    settings = {"management": port, **offering(identity, authority)}
    pool = module_agroal(database, admins=ADMINS, hba=LINES + HBA, **settings)
    pool.allow_in_log("is refused")
    mine = authority.issue("web")
    files = {"ca": authority.ca_file, "cert": mine.cert_file, "key": mine.key_file}
    return pool, Remote("localhost", port, "web", None, TlsMode.VERIFY_FULL, **files)


def test_a_certificate_is_proof_enough_where_a_line_says_so(certified: tuple[Agroal, Remote]) -> None:
    _, remote = certified
    assert asked(remote)["role"] == "admin"


def test_it_is_of_no_use_for_another_user_or_for_who_is_no_admin(
    certified: tuple[Agroal, Remote], authority: Authority
) -> None:
    _, remote = certified
    far = authority.issue("far")
    for wrong in (
        replace(remote, user="far"),
        replace(remote, user="far", cert=far.cert_file, key=far.key_file),
    ):
        assert refusal(wrong) == ("denied", 'certificate authentication failed for user "far"')


def test_a_client_that_has_not_verified_the_certificate_believes_no_welcome(certified: tuple[Agroal, Remote]) -> None:
    _, remote = certified
    code, message = refusal(replace(remote, tls_mode=TlsMode.REQUIRE, ca=None))
    assert (code, "agroal has not proved who it is" in message) == ("denied", True)


def test_with_an_authority_nobody_comes_in_without_a_certificate(certified: tuple[Agroal, Remote]) -> None:
    pool, remote = certified
    before = pool.snapshot().counters.tls_failures
    assert refusal(replace(remote, cert=None, key=None))[0] == "connection-lost"
    wait_until(lambda: pool.snapshot().counters.tls_failures == before + 1, "it is counted")


# Strangers


@contextmanager
def stranger(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        yield sock


def told(sock: socket.socket) -> dict[str, Any]:
    """The one answer that comes; after it agroal hangs up."""
    decoder = Decoder(MAX_ANSWER)
    with suppress(ConnectionResetError):
        while data := sock.recv(1 << 16):
            decoder.feed(data)
    body = decoder.take()
    assert body is not None
    assert not decoder.halfway
    answer: dict[str, Any] = json.loads(body)
    return answer


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encode_request(Request(1, "shutdown immediate", {})), "denied"),
        (encode_request(Request(1, "hello", {})), "denied"),
        (framed(b"not JSON"), "malformed"),
        (framed(b"[]"), "malformed"),
        (framed(b"[" * 4000), "malformed"),
        (b"GET / HTTP/1.1\r\n\r\n", "too-long"),
        (b"\x00\x00\x10\x01", "too-long"),
        (b"\x7f\xff\xff\xff" + bytes(1 << 20), "too-long"),
        (encode_request(Request(1, "authenticate", {})), "malformed"),
        (encode_request(Request(1, "authenticate", {"user": ["ops"]})), "malformed"),
        (encode_request(Request(1, "authenticate", {"user": "\ud800"})), "denied"),
        (encode_request(Request(1, "authenticate", {"user": "o" * 200})), "malformed"),
    ],
)
def test_who_does_not_say_who_it_is_is_told_so_and_hung_up_on(pool: Agroal, port: int, data: bytes, code: str) -> None:
    with stranger(port) as sock:
        with suppress(OSError):
            sock.sendall(data)
        assert told(sock)["error"]["code"] == code
    assert pool.is_running


def test_who_takes_too_long_is_hung_up_on(pool: Agroal, port: int) -> None:
    with stranger(port) as silent, stranger(port) as slow:
        slow.sendall(encode_request(Request(1, "authenticate", {"user": "ops"}))[:9])
        assert told(slow)["error"] == {"code": "timeout", "message": "nobody was let in within 2 s"}
        assert silent.recv(1) == b""


def test_a_crowd_of_strangers_keeps_nobody_out(pool: Agroal, port: int, where: Remote) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(stranger(port)) for _ in range(60)]
        assert asked(where)["role"] == "admin"
        assert crowd[0].recv(1) == b""


def test_programs_have_a_bound_and_strangers_do_not_count(pool: Agroal, where: Remote) -> None:
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(ManagementClient(where))
        assert refusal(where)[0] == "busy"
    wait_until(lambda: _is_welcome(where), "there is room again")


def _is_welcome(where: Remote) -> bool:
    with suppress(ManagementError):
        return bool(asked(where))
    return False


def test_garbage_from_somebody_who_is_in_ends_that_connection_only(pool: Agroal, where: Remote) -> None:
    with ManagementClient(where) as one, ManagementClient(where) as other:
        one._socket.sendall(b"\xff" * 2_000_000)
        with pytest.raises(ManagementError) as refused:
            one.call("hello")
        assert refused.value.code in {"too-long", "connection-lost"}
        assert other.call("hello")


def test_whoever_guesses_has_to_wait_for_ever_longer(agroal: Launch, database: Database, identity: Identity) -> None:
    port = free_port()
    pool = agroal(database, admins=ADMINS, hba=LINES.split("\n", 1)[1] + HBA, management=port, **offering(identity))
    pool.allow_in_log("is refused|10 logins")
    wrong = Remote("127.0.0.1", port, "ops", "a-wrong-Word")
    began = time.monotonic()
    for _ in range(4):
        assert refusal(wrong)[0] == "denied"
    quick = time.monotonic() - began
    for _ in range(3):
        assert refusal(wrong)[0] == "denied"
    assert time.monotonic() - began - quick > 0.25 + 0.5 + 1.0 - 0.1


# A reload


def test_who_is_no_admin_any_more_has_to_go(agroal: Launch, database: Database, identity: Identity) -> None:
    port = free_port()
    hba = LINES.split("\n", 1)[1] + HBA
    pool = agroal(database, admins=ADMINS, hba=hba, management=port, monitors="eye", **offering(identity))
    remote = Remote("127.0.0.1", port, "ops", ADMINS["ops"])
    with ManagementClient(remote) as ops, ManagementClient(monitor(remote)) as eye:
        pool.write_users({**ADMINS, "ops": "another-Word"}, "agroal_admins.conf")
        pool.manage("conf", "reload")
        with pytest.raises(ManagementError, match="closed the connection"):
            ops.call("hello")
        assert eye.call("hello")["role"] == "monitor"
        pool.manage("conf", "set", "monitors", "web")
        with pytest.raises(ManagementError, match="closed the connection"):
            eye.call("hello")
    assert asked(monitor(remote))["role"] == "admin"
    assert asked(replace(remote, password="another-Word"))["role"] == "admin"


def test_a_line_that_is_too_weak_is_refused(agroal: Launch, database: Database, identity: Identity) -> None:
    pool = agroal(database, hba=HBA, management=free_port())
    pool.write("agroal_hba.conf", "host admin all all md5\n" + HBA)
    result = pool.command("conf", "reload")
    assert result.returncode == 1
    assert "agroal_hba.conf:1: METHOD: md5 is too weak for admin, remote management" in result.stderr


# The programs


def program(
    module: str, *arguments: str, password: str | None = None, passfile: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": "/nonexistent"}
    environment |= {"AGROAL_PASSWORD": password} if password else {}
    environment |= {"AGROAL_PASSFILE": str(passfile)} if passfile else {}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def test_agroal_cli_asks_over_the_network(pool: Agroal, port: int, authority: Authority) -> None:
    there = ("-h", "localhost", "-p", str(port), "-U", "ops", "--ca", str(authority.ca_file))
    done = program("agroal.cli", *there, "-F", "json", "status", password=ADMINS["ops"])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["result"]["status"] == "running"
    done = program("agroal.cli", *there, "status", password="a-wrong-Word")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'agroal-cli: password authentication failed for user "ops"\n'


def test_it_finds_the_password_in_a_file_and_asks_nobody_who_is_not_there(
    pool: Agroal, port: int, tmp_path: Path
) -> None:
    there = ("-h", "127.0.0.1", "-p", str(port), "-U", "eye")
    passfile = tmp_path / "pass"
    passfile.write_text(f"*:{port}:eye:{ADMINS['eye']}\n")
    passfile.chmod(0o600)
    assert program("agroal.cli", *there, "ping", passfile=passfile).returncode == 0
    forbidden = program("agroal.cli", *there, "shutdown", "immediate", passfile=passfile)
    assert (forbidden.returncode, "is for admins" in forbidden.stderr) == (1, True)
    passfile.chmod(0o644)
    assert "others may read" in program("agroal.cli", *there, "ping", passfile=passfile).stderr
    assert "agroal wants a password" in program("agroal.cli", *there, "ping").stderr


def test_agroal_top_looks_over_the_network(pool: Agroal, port: int, authority: Authority) -> None:
    uri = f"agroal://eye@localhost:{port}?tls-mode=verify-full&ca={authority.ca_file}"
    done = program("agroal_top", uri, "--once", "-f", "json", password=ADMINS["eye"])
    assert (done.returncode, done.stderr) == (0, "")
    assert Snapshot.from_json(json.loads(done.stdout)["snapshot"]).instance_id == pool.snapshot().instance_id
    assert program("agroal_top", uri, "--once", password="a-wrong-Word").returncode == 3
    assert program("agroal_top", "agroal://eye:secret@localhost:1", "--once").returncode == 2


def test_a_watch_over_the_network_outlives_a_restart(agroal: Launch, database: Database, identity: Identity) -> None:
    port = free_port()
    hba = LINES.split("\n", 1)[1] + HBA
    pool = agroal(database, admins=ADMINS, hba=hba, management=port, monitors="eye", **offering(identity))
    command = [sys.executable, "-m", "agroal_top", f"agroal://eye@127.0.0.1:{port}", "--watch", "0.2"]
    environment = {**os.environ, "AGROAL_PASSWORD": ADMINS["eye"]}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        try:
            assert watch.stdout
            first = json.loads(watch.stdout.readline())
            pool.stop()
            pool.start()
            lines = map(json.loads, watch.stdout)
            again = next(line for line in lines if line["instance_id"] != first["instance_id"])
            assert again["instance_id"] == pool.snapshot().instance_id
        finally:
            watch.kill()
