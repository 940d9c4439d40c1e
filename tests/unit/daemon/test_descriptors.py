from __future__ import annotations

import resource

import pytest

from agroal.daemon.descriptors import RESERVED_DESCRIPTORS, client_descriptors
from agroal.errors import ConfigurationError


def limit(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> list[tuple[int, int]]:
    """What the limit is set to."""
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    return set_to


def test_what_servers_do_not_need_is_for_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to = limit(monkeypatch, 1024, 4096)
    assert client_descriptors(100) == 4096 - RESERVED_DESCRIPTORS - 100
    assert set_to == [(4096, 4096)], "the soft limit is raised as far as it goes"


def test_a_limit_that_is_as_high_as_it_goes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to = limit(monkeypatch, 4096, 4096)
    client_descriptors(100)
    assert set_to == []


def test_no_limit_is_a_great_many(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert client_descriptors(100) > 1_000_000


def test_too_few_are_said_with_how_many_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 256, 256)
    with pytest.raises(ConfigurationError, match="need 264 file descriptors, and the limit is 256"):
        client_descriptors(100)
