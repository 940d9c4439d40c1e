from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.choices import Pipeline
from agroal.config.load import load, locate
from tests.bench.installed import INSTALLED
from tests.bench.pools import VARIANTS, Agroal, Direct, Place, Pool, variants
from tests.bench.setups import SESSION, TRANSACTION, Setup
from tests.bench.workloads import Pgbench
from tests.certificates import Authority

PLACE = Place(
    folder=Path("/bench/pool"),
    port=10_001,
    server_host="127.0.0.1",
    server_port=10_002,
    setup=SESSION,
    clients=1234,
    password="a password",
    verifier="SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy",
)
POOLS: list[Pool] = [Agroal(), *(kind("/usr/bin/pool") for kind in INSTALLED)]
SELECT = Pgbench(name="select", options=("-S",))


@pytest.mark.parametrize("pool", POOLS, ids=[pool.name for pool in POOLS])
def test_a_pool_is_told_both_ports_and_how_many_servers_it_may_have(pool: Pool) -> None:
    main = next(iter(pool.files(PLACE).values()))
    for number in (PLACE.port, PLACE.server_port, PLACE.setup.servers):
        assert str(number) in main
    assert any(str(PLACE.folder) in word for word in pool.command(PLACE))


@pytest.mark.parametrize("setup", [SESSION, TRANSACTION], ids=str)
@pytest.mark.parametrize("agroal", list(variants(VARIANTS)), ids=VARIANTS)
def test_agroal_takes_its_configuration_without_a_notice(agroal: Agroal, setup: Setup, tmp_path: Path) -> None:
    for name, text in agroal.files(replace(PLACE, setup=setup)).items():
        (tmp_path / name).write_text(text.replace(str(PLACE.folder), str(tmp_path)))
    identity = Authority(tmp_path).issue("localhost")
    identity.cert_file.rename(tmp_path / PLACE.certificate.name)
    identity.key_file.rename(tmp_path / PLACE.key.name)
    configuration = load(locate({}, tmp_path))
    assert configuration.notices == ()
    assert configuration.settings.max_connections == setup.servers


@pytest.mark.parametrize(
    ("name", "setup", "pipeline"),
    [
        ("agroal", SESSION, Pipeline.SESSION),
        ("agroal", TRANSACTION, Pipeline.TRANSACTION),
        ("agroal-performance", SESSION, Pipeline.PERFORMANCE),
        ("agroal-pure", TRANSACTION, Pipeline.TRANSACTION),
    ],
)
def test_the_pipeline_is_the_one_that_is_measured(name: str, setup: Setup, pipeline: Pipeline) -> None:
    (agroal,) = variants([name])
    assert f"\npipeline = {pipeline}\n" in agroal.files(replace(PLACE, setup=setup))["agroal.conf"]
    assert not agroal.lacks(replace(SELECT, setup=setup))


def test_the_performance_pipeline_does_not_pool_by_transaction() -> None:
    (agroal,) = variants(["agroal-performance"])
    assert "pools by session" in agroal.lacks(replace(SELECT, setup=TRANSACTION))


def test_only_the_pure_variant_is_told_to_do_without_the_compiled_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGROAL_PURE", raising=False)
    told = {pool.name: pool.environment(PLACE).get("AGROAL_PURE") for pool in variants(VARIANTS)}
    assert told == {"agroal": None, "agroal-performance": None, "agroal-pure": "1"}


def test_of_this_checkout_the_version_says_whether_the_relay_is_compiled() -> None:
    assert "pure Python" in Agroal(is_pure=True).version()


def test_without_a_pool_there_is_neither_tls_nor_a_transaction_to_pool() -> None:
    assert not Direct().lacks(SELECT)
    assert "TLS" in Direct().lacks(replace(SELECT, tls=True))
    assert Direct().lacks(replace(SELECT, setup=TRANSACTION))


def test_another_checkout_is_found_before_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert Agroal("before", tmp_path).environment(PLACE)["PYTHONPATH"] == f"{tmp_path}:/elsewhere"
