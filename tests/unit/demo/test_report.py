from __future__ import annotations

import pytest

from agroal.demo.report import Progress, Report
from agroal.errors import AgroalError

REPORT = """\
pgbench (17.10)
transaction type: <builtin: select only>
scaling factor: 5
query mode: prepared
number of clients: 8
number of threads: 1
maximum number of tries: 1
duration: 8 s
number of transactions actually processed: 197192
number of failed transactions: 0 (0.000%)
latency average = 0.324 ms
latency stddev = 0.101 ms
initial connection time = 31.873 ms
tps = 24649.012345 (without initial connection time)
"""


def test_a_report_is_read() -> None:
    assert Report.parse(REPORT) == Report(transactions=197192, failed=0, rate=24649.012345, latency=0.324)


def test_a_report_of_reconnecting_clients_is_read() -> None:
    text = REPORT.replace("initial connection time", "average connection time").replace(
        "without initial connection time", "including reconnection times"
    )

    assert Report.parse(text).rate == 24649.012345


@pytest.mark.parametrize("line", ["number of transactions", "number of failed", "tps =", "latency average"])
def test_a_report_that_lacks_a_figure_is_refused_and_shown(line: str) -> None:
    text = "".join(part for part in REPORT.splitlines(keepends=True) if not part.startswith(line))

    with pytest.raises(AgroalError, match="query mode: prepared"):
        Report.parse(text)


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("progress: 1.0 s, 24812.4 tps, lat 0.320 ms stddev 0.097, 0 failed", Progress(1.0, 24812.4)),
        ("progress: 12.0 s, 0.0 tps, lat nan ms stddev nan, 0 failed", Progress(12.0, 0.0)),
        ("progress: 3.0 s, 0.0 tps, lat -nan ms stddev -nan, 0 failed", Progress(3.0, 0.0)),
        ('pgbench: error: connection to server at "127.0.0.1", port 5432 failed', None),
        ("starting vacuum...end.", None),
    ],
)
def test_progress_is_told_from_other_remarks(line: str, progress: Progress | None) -> None:
    assert Progress.parse(line) == progress
