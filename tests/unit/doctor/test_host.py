from __future__ import annotations

import pytest

from agroal.config.choices import Validation
from agroal.doctor.check import Grade
from agroal.doctor.patient import Listening
from tests.unit.doctor.patients import configuration, facts, patient, told


@pytest.mark.parametrize(("descriptors", "grades"), [(1024, []), (83, [Grade.WRONG]), (84, [Grade.ADVICE]), (114, [])])
def test_file_descriptors_for_servers_and_clients(descriptors: int, grades: list[Grade]) -> None:
    ill = patient(configuration(max_connections=10), descriptors=descriptors)
    assert [grade for grade, _ in told("descriptors", ill)] == grades


def test_a_port_that_another_program_has() -> None:
    taken = Listening("localhost:2345", "Address already in use", taken=True)
    assert told("ports", patient(listening=(taken,))) == [(Grade.WRONG, "another program listens on localhost:2345")]


def test_a_port_that_nobody_can_have() -> None:
    refused = Listening("localhost:80", "Permission denied")
    ((grade, text),) = told("ports", patient(listening=(refused,)))
    assert grade is Grade.WRONG
    assert "can't listen on localhost:80: Permission denied" in text


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"lookup_error": "Name or service not known"}, [Grade.WRONG]),
        ({"lookup_seconds": 3.0}, [Grade.ADVICE]),
        ({"addresses": ("10.0.0.1", "10.0.0.2"), "deaf": ("10.0.0.2",)}, [Grade.ADVICE]),
        ({"addresses": ("10.0.0.1",), "deaf": ("10.0.0.1",)}, []),
    ],
)
def test_names_of_servers(seen: dict[str, object], expected: list[Grade]) -> None:
    assert [grade for grade, _ in told("names", patient(seen=seen))] == expected


@pytest.mark.parametrize(
    ("host", "settings", "probes", "advised"),
    [
        ("10.0.0.1", {}, "0", True),
        ("10.0.0.1", {}, "60", False),
        ("10.0.0.1", {"idle_timeout": 600.0}, "7200", False),
        ("10.0.0.1", {"validation": Validation.BACKGROUND}, "7200", False),
        ("127.0.0.1", {}, "7200", False),
        ("/tmp", {}, "7200", False),
    ],
)
def test_connections_that_a_firewall_may_forget(
    host: str, settings: dict[str, object], probes: str, advised: bool
) -> None:
    seen = {"facts": facts(settings={"tcp_keepalives_idle": probes})}
    ill = patient(configuration(server={"host": host}, **settings), seen=seen)
    assert bool(told("keepalive", ill)) is advised
