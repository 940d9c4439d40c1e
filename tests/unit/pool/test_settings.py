from __future__ import annotations

from dataclasses import fields

from agroal.config.settings import Settings
from agroal.pool.settings import PoolSettings


def test_what_the_configuration_says_has_the_same_name_and_default_here() -> None:
    configured = {field.name: field.default for field in fields(Settings)}
    shared = [field for field in fields(PoolSettings) if field.name in configured]
    assert [field.name for field in shared] == [
        "max_connections",
        "blocking_timeout",
        "idle_timeout",
        "max_connection_age",
        "wait_notice_timeout",
        "validation",
        "background_interval",
    ]
    assert [field.default for field in shared] == [configured[field.name] for field in shared]
