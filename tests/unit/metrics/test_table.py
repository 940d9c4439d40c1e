from __future__ import annotations

import os
import re

import pytest
from prometheus_client.process_collector import ProcessCollector

from agroal.metrics.family import Kind
from agroal.metrics.table import FAMILIES, PROCESS

SAMPLES = {Kind.COUNTER: ("",), Kind.GAUGE: ("",), Kind.TOTAL: ("",), Kind.HISTOGRAM: ("_bucket", "_count", "_sum")}
PGAGROAL = """\
state pipeline_mode server_error logging_info logging_warn logging_error logging_fatal failed_servers wait_time
query_count connection_query_count tx_count active_connections total_connections max_connections connection limit
limit_awaiting session_time_seconds os_info connection_error connection_kill connection_remove connection_timeout
connection_return connection_invalid connection_get connection_idletimeout connection_max_connection_age
connection_flush connection_success auth_user_success auth_user_bad_password auth_user_error client_wait client_active
network_sent network_received client_sockets self_sockets connection_awaiting certificates_total certificates_valid
certificates_expired certificates_expiring_soon tls_certificate_status tls_certificate_expiration_seconds
"""
"""Its names of what agroal has, too."""


def test_each_metric_is_declared_once() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
    samples = [name + suffix for name, kind in ((f.name, f.kind) for f in FAMILIES) for suffix in SAMPLES[kind]]
    assert len(samples) == len(set(samples)), "nor does a series of one have the name of another"


def test_pgagroals_names_are_kept() -> None:
    assert {family.name for family in FAMILIES} >= set(PGAGROAL.split())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.name))
def test_names_and_explanations_are_as_is_usual(family) -> None:  # type: ignore[no-untyped-def]
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", family.name)
    assert family.name.endswith("_total") or family.kind is not Kind.COUNTER, "OpenMetrics wants that"
    assert family.name.endswith("_seconds") or family.kind is not Kind.HISTOGRAM
    assert all(re.fullmatch(r"[a-z_]+", label) and label != "le" for label in family.labels)
    assert family.doc.endswith(".")
    assert not family.doc.startswith("Of these"), "it is read by itself, too"


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc")
def test_the_process_has_what_is_said_of_it() -> None:
    found = ProcessCollector(registry=None).collect()
    assert {(sample.name, metric.type) for metric in found for sample in metric.samples} == {
        (name, kind) for name, kind, _ in PROCESS
    }
