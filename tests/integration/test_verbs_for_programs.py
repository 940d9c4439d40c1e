"""Every verb of agroal-cli in every spelling, for people and for programs, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from agroal.errors import ManagementError
from agroal.management.client import ManagementClient, socket_path
from agroal.management.verbs import VERBS
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

STOPPING = {"shutdown gracefully", "shutdown immediate", "shutdown cancel"}
ELSEWHERE = {"get-password"}
"""Needs passwords that rotate: test_frontend_users."""
GIVEN = {"kill": ["{client}"], "conf set": ["idle_timeout", "1h"], "conf get": ["idle_timeout"]}
READ_ONLY = {verb.name for verb in VERBS if verb.read_only}
SPELLINGS = [
    pytest.param(verb.name, spelling, id=spelling)
    for verb in VERBS
    if not verb.lasting and verb.name not in STOPPING | ELSEWHERE
    for spelling in (verb.name, *verb.aliases)
]


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, limits="all all 5\n")


@pytest.fixture
def words(pool: Agroal) -> Iterator[dict[str, list[str]]]:
    """What is to follow a verb. There is a client, and a free server beside its own."""
    with pool.connect():
        pool.connect().close()
        wait_until(lambda: any(slot.state == "free" for slot in pool.snapshot().slots), "a server is free")
        [client] = pool.snapshot().clients
        yield {verb: [word.format(client=client.id) for word in given] for verb, given in GIVEN.items()}
    for undo in (["resume"], ["enable"], ["conf", "reload"]):
        pool.manage(*undo)


@pytest.mark.parametrize(("verb", "spelling"), SPELLINGS)
def test_every_spelling_works_for_people_and_for_programs(
    pool: Agroal, words: dict[str, list[str]], verb: str, spelling: str
) -> None:
    command = [*spelling.split(), *words.get(verb, [])]
    if verb not in READ_ONLY:
        text = pool.command("-n", *command)
        assert any(word in text.stdout for word in ("would", "already"))
    else:
        text = pool.command(*command)
    assert (text.returncode, text.stderr) == (0, "")
    assert verb == "log tail" or text.stdout.strip()

    result = pool.command("-F", "json", *command)

    assert result.returncode == 0, result.stderr
    [line] = result.stdout.splitlines()
    answer = json.loads(line)
    assert (answer["v"], answer["verb"], answer["ok"], answer["took_us"] >= 0) == (1, verb, True, True)


def test_a_shutdown_can_be_tried_and_taken_back_in_every_spelling(pool: Agroal) -> None:
    with pool.connect() as client:
        for spelling, back in (("shutdown gracefully", "shutdown cancel"), ("gracefully", "cancel-shutdown")):
            promised = json.loads(pool.command("-F", "json", "-n", *spelling.split(), "-T", "1h").stdout)["result"]
            assert pool.snapshot().status == "running"
            assert pool.manage(*spelling.split(), "-T", "1h") == promised
            assert promised == {"mode": "gracefully", "timeout_us": 3_600_000_000, "clients": 1}
            assert pool.snapshot().status == "graceful"
            assert "would take new clients again" in pool.command("-n", *back.split()).stdout
            assert pool.snapshot().status == "graceful"
            assert pool.manage(*back.split())["mode"] == "cancel"
        for spelling in ("shutdown immediate", "stop"):
            assert pool.command("-n", *spelling.split()).stdout == "agroal would stop now: 1 client cut off\n"
        assert client.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        (["flsh"], 2, "unknown-verb"),
        (["flush", "idle", "-T", "1s"], 2, "bad-argument"),
        (["kill"], 2, "bad-argument"),
        (["kill", "none"], 2, "bad-argument"),
        (["-n", "status"], 2, "bad-argument"),
        (["kill", "4711000"], 1, "refused"),
        (["shutdown", "cancel"], 1, "refused"),
        (["-n", "shutdown", "cancel"], 1, "refused"),
        (["flush", "all", "nowhere"], 1, "bad-argument"),
        (["conf", "get", "idle_timeuot"], 1, "bad-argument"),
        (["conf", "set", "idle_timeout", "soon"], 1, "bad-argument"),
        (["-n", "conf", "set", "idle_timeout", "soon"], 1, "bad-argument"),
    ],
)
def test_what_can_not_be_done_is_told_from_what_can_not_be_meant(
    pool: Agroal, command: list[str], status: int, code: str
) -> None:
    result = pool.command("-F", "json", *command)
    answer = json.loads(result.stdout)
    assert (result.returncode, answer["ok"], answer["error"]["code"]) == (status, False, code)
    text = pool.command(*command)
    assert (text.returncode, text.stdout) == (status, "")
    assert text.stderr.startswith("agroal-cli: ")


def test_a_command_with_a_key_is_obeyed_once(pool: Agroal) -> None:
    with pool.connect(), ManagementClient(socket_path(pool.folder, pool.port)) as admin:
        [client] = pool.snapshot().clients
        first = admin.ask("kill", {"client": client.id}, key="once")
        again = admin.ask("kill", {"client": client.id}, key="once")
        assert (first.repeated, again.repeated, again.result) == (False, True, first.result)
        wait_until(lambda: not pool.snapshot().clients, "it is gone")
        with pytest.raises(ManagementError) as caught:
            admin.ask("kill", {"client": client.id}, key="another")
    assert caught.value.code == "refused"


def test_commands_are_in_the_log_and_among_the_events(pool: Agroal) -> None:
    last = pool.manage("events")["events"][-1]["seq"]
    pool.manage("flush", "idle", "all")
    pool.command("-n", "flush", "all")
    [event] = [event for event in pool.manage("events", str(last))["events"] if event["kind"] == "command"]
    assert event["text"].endswith(": flush idle all")
    wait_until(lambda: event["text"] in pool.log, "it is in the log")


def test_statistics_begin_anew_and_what_is_now_does_not(pool: Agroal) -> None:
    with pool.connect() as client:
        client.execute("SELECT 1")
        assert pool.snapshot().counters.leases > 0
        assert pool.manage("clear", "statistics")["pools"] == 1
        picture = pool.snapshot()
        counters = picture.counters
        assert (counters.clients, counters.leases, counters.connects, counters.queries) == (0, 0, 0, 0)
        assert [(known.active, known.leases, sum(known.wait_hist)) for known in picture.pools] == [(1, 0, 0)]
        assert len(picture.clients) == 1
        client.execute("SELECT 1")
    assert pool.snapshot().counters.queries == 1


def test_slots_and_clients_are_shown_with_all_that_is_known(pool: Agroal, database: Database) -> None:
    pool.manage("flush", "all")
    wait_until(lambda: not pool.snapshot().slots, "it begins with a new server")
    with pool.connect(application_name="shown") as client:
        client.execute("SELECT 1")
        [slot] = [slot for slot in pool.snapshot().slots if slot.state == "in-use"]
        [row] = [one for one in database.activity() if one.pid == slot.server_pid]
        assert (slot.database, slot.user, slot.application_name) == (row.database, row.user, "shown")
        [known] = pool.snapshot().clients
        assert (known.slot, known.address, known.application_name) == (slot.id, slot.client, "shown")
        assert (slot.server, slot.queries, slot.transactions) == ("primary", 1, 1)
        assert slot.bytes_in > 0 < slot.bytes_out
        text = pool.command("status", "details").stdout
    assert all(str(word) in text for word in (slot.server_pid, slot.client, "shown", f"{database.name}  "))
