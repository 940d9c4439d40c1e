from __future__ import annotations

import os
import sys
import time

import pytest

from agroal.demo import instance
from agroal.demo.instance import cpu_time


def work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_the_cpu_time_of_a_process_is_counted() -> None:
    before, clock = cpu_time(os.getpid()), time.process_time()
    work(0.05)
    after = cpu_time(os.getpid())

    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(time.process_time() - clock, abs=0.03)


def test_where_there_is_no_proc_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = instance.Path
    monkeypatch.setattr(instance, "Path", lambda _path: real("/no/such/proc"))

    assert cpu_time(os.getpid()) is None
