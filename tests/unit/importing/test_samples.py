"""Files as they are found in the world: each loads, and says what has to be known of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agroal.config.model import Pipeline
from agroal.importing.command import Wish, summary
from tests.unit.importing.bringing import Bringer, Brought

SAMPLES = Path(__file__).parent / "samples"
FILES = ["web_shop.ini", "fallback.ini", "three_hosts.ini", "pgagroal.conf"]


def bring_sample(bring: Bringer, name: str) -> Brought:
    folder = bring.folder / "samples"
    shutil.copytree(SAMPLES, folder)
    return bring.run(folder / name)


@pytest.mark.parametrize("name", FILES)
def test_it_loads_without_an_error(bring: Bringer, name: str) -> None:
    brought = bring_sample(bring, name)
    assert brought.human("agroal --check") == []
    for daemon in {Path(file).parent for file in brought.imported.files}:
        configuration, _ = brought.load(str(daemon))
        assert sum(limit.max_size for limit in configuration.limits) <= configuration.settings.max_connections


@pytest.mark.parametrize("name", FILES)
def test_no_secret_is_told(bring: Bringer, name: str) -> None:
    brought = bring_sample(bring, name)
    said = summary(brought.imported, Wish(bring.folder / name, brought.directory))
    texts = [said, *(path.read_text() for path in brought.directory.rglob("*") if path.is_file())]
    for secret in ("operate with care", "read only", "with blank", "please"):
        assert not any(secret in text for text in texts)


def test_a_web_shop(bring: Bringer) -> None:
    brought = bring_sample(bring, "web_shop.ini")
    configuration, secrets = brought.load()
    assert configuration.settings.pipeline is Pipeline.TRANSACTION
    assert configuration.settings.host == "0.0.0.0"
    assert secrets.admins.keys() == {"operator", "exporter"}
    assert configuration.settings.monitors == "exporter"
    assert configuration.alias("shop") == configuration.alias("shop_jobs") == "shop_production"
    assert "all reporting 4 pipeline=session" in brought.limits
    assert "metrics exporter 20 5 5" in brought.limits
    assert "shop_production=shop,shop_jobs operator 55 10 10 pipeline=session" in brought.limits
    assert brought.human("different pool modes")


def test_one_postgresql_for_everything(bring: Bringer) -> None:
    brought = bring_sample(bring, "fallback.ini")
    configuration, secrets = brought.load()
    assert brought.limits == ["all all 50"]
    assert configuration.settings.auth_query
    assert list(secrets.superuser) == ["pool_asks"]
    assert configuration.primary.unix_socket == "/tmp/.s.PGSQL.5432"
    assert brought.hba == ["local all all md5", "host all all all md5"]


def test_three_hosts(bring: Bringer) -> None:
    brought = bring_sample(bring, "three_hosts.ini")
    reports, _ = brought.load("10.1.0.3_5432")
    assert reports.primary.tls == "verify-full"
    assert reports.alias("reports (ro)") == "app"
    shard, _ = brought.load("10.1.0.1_5432")
    assert [line.method for line in shard.hba][-4:] == ["scram-sha-256", "md5", "reject", "reject"]
    for words in (
        ["10.1.0.4 are not"],
        ["abstract"],
        ["peer", "reject"],
        ["ldap", "reject"],
        ["[peers]"],
        ["connect_query"],
    ):
        assert brought.said(*words), words


def test_a_directory_of_pgagroal(bring: Bringer) -> None:
    brought = bring_sample(bring, "pgagroal.conf")
    configuration, _ = brought.load()
    assert configuration.settings.max_connections == 100
    assert configuration.alias("store") == "shop"
    assert brought.limits == ["shop=store,webshop web 30", "all all 20"]
