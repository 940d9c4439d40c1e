"""Snapshots and events that come by themselves, while the pool is at work."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from typing import Any

import pytest

from agroal.errors import ManagementError
from agroal.management.client import Decoder, ManagementClient, Push, Request, encode_request, socket_path
from tests.integration.by_hand import TRUSTING, Guest
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.load import pgbench_running
from tests.integration.memory import MIB, bounded
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

MOST = 1 << 26


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=3, hba=f"local all all trust\n{TRUSTING}")


@pytest.fixture
def reader(pool: Agroal) -> Iterator[ManagementClient]:
    with ManagementClient(socket_path(pool.folder, pool.port)) as client:
        yield client


def events_of(pushes: Iterator[Push], kind: str) -> list[dict[str, Any]]:
    """Those of the first push of events that has such a one."""
    for push in pushes:
        if push.topic == "events":
            found = [event for event in push.result["events"] if event["kind"] == kind]
            if found:
                return found
    raise AssertionError


def test_under_load_each_snapshot_is_newer_and_has_counted_more(pool: Agroal, reader: ManagementClient) -> None:
    with pgbench_running(pool, "-c", "2", "-t", "100", "-R", "200") as loads:
        wait_until(lambda: all(load.done for load in loads), "the load has begun")
        pushes = reader.subscribe("snapshot", interval=0.2)
        pictures = [next(pushes).result for _ in range(6)]
    counted = [picture["counters"]["queries"] for picture in pictures]
    numbers = [picture["seq"] for picture in pictures]
    times = [picture["mono_us"] for picture in pictures]
    assert counted == sorted(set(counted)), "more each time"
    assert numbers == sorted(set(numbers))
    assert all(later - earlier >= 150_000 for earlier, later in pairwise(times[1:]))


def test_what_others_do_is_heard_on_another_connection(pool: Agroal, reader: ManagementClient) -> None:
    pushes = reader.subscribe("events", "snapshot", interval=0.2)
    assert next(pushes).topic == "snapshot"
    pool.manage("flush", "idle")
    [event] = events_of(pushes, "command")
    assert event["text"].endswith(": flush idle")
    assert reader.ask("ping").result["version"], "questions are answered in between"
    pool.manage("conf", "reload")
    assert events_of(pushes, "reloaded")
    reader.call("unsubscribe")
    assert pool.manage("events", str(event["seq"] - 1))["events"][0] == event


def test_a_reader_that_comes_back_misses_no_event(pool: Agroal, reader: ManagementClient) -> None:
    known = pool.manage("events")["events"][-1]["seq"]
    for _ in range(3):
        pool.manage("flush", "idle")
    push = next(reader.subscribe("events", after=known))
    assert [event["seq"] for event in push.result["events"]] == [known + 1, known + 2, known + 3]
    assert push.skipped == 0


def test_a_slow_reader_gets_what_is_true_when_it_reads(pool: Agroal, database: Database) -> None:
    with ExitStack() as stack:
        for _ in range(60):  # a picture of many hundred kilobytes, of which the kernel keeps one or two
            stack.enter_context(Guest(pool, database.scram, application_name="x" * 9000))
        wait_until(lambda: len(pool.snapshot().waiters) == 57, "they wait")
        reader = stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
        reader.settimeout(10)
        reader.connect(str(socket_path(pool.folder, pool.port)))
        began = pool.snapshot().mono_us
        with bounded(pool.pid, 16 * MIB):
            reader.sendall(encode_request(Request(1, "subscribe", {"topics": ["snapshot"], "interval_ms": 200})))
            wait_until(lambda: pool.snapshot().mono_us > began + 3_000_000, "it could have had fifteen pictures")
            pushes = list(read_pushes(reader, began + 3_000_000))

    missed = sum(push["skipped"] for push in pushes)
    assert missed >= 5
    assert len(pushes) + missed <= 25
    assert len(pushes) <= 6, "nothing was queued"


def read_pushes(reader: socket.socket, until: int) -> Iterator[dict[str, Any]]:
    """Those up to the first that was made after this time; without the answer before them."""
    decoder = Decoder(MOST)
    while True:
        while (body := decoder.take()) is None:
            decoder.feed(reader.recv(1 << 16))
        message = json.loads(body)
        if "push" in message:
            yield message
            if message["result"]["mono_us"] > until:
                return


def test_another_start_is_another_instance(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    path = socket_path(pool.folder, pool.port)
    with ManagementClient(path) as reader:
        before = reader.call("hello")
        pushes = reader.subscribe("snapshot", "events", interval=0.2, after=0)
        assert next(pushes).result
        pool.stop()
        with pytest.raises(ManagementError) as caught:
            for _ in pushes:
                pass
        assert caught.value.code == "connection-lost"

    pool.start()

    with ManagementClient(path) as reader:
        after = reader.call("hello")
        events = next(reader.subscribe("events", after=0)).result["events"]
    assert after["instance_id"] != before["instance_id"]
    assert after["started_us"] > before["started_us"]
    assert (events[0]["seq"], events[0]["kind"]) == (1, "started")
