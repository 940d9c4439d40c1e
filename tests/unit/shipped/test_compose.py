"""The compose file, and the files that its services are given."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agroal.config.load import load
from agroal.config.model import Files
from tests.unit.test_house import ROOT

FILE = ROOT / "docker-compose.yml"
LIGHT = {"primary", "standby", "vault", "agroal"}

needs_yaml = pytest.mark.skipif(not find_spec("yaml"), reason="PyYAML is not installed (dependency group chart)")


def tool() -> list[str]:
    """Compose, as a plugin of Docker's or as a program of its own; nothing when neither is there."""
    if (
        shutil.which("docker")
        and not subprocess.run(
            ["docker", "compose", "version"], capture_output=True, timeout=20, check=False
        ).returncode
    ):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else []


@pytest.fixture
def services() -> dict[str, Any]:
    import yaml

    return yaml.safe_load(FILE.read_text())["services"]  # type: ignore[no-any-return]


@pytest.mark.skipif(not tool(), reason="neither docker compose nor docker-compose is installed")
@pytest.mark.parametrize("profiles", [[], ["bench", "monitoring"]])
def test_compose_has_nothing_to_say(profiles: list[str]) -> None:
    chosen = [argument for profile in profiles for argument in ("--profile", profile)]
    command = [*tool(), "--file", str(FILE), *chosen, "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs_yaml
def test_without_a_profile_it_is_light(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if not service.get("profiles")} == LIGHT
    for name in LIGHT:
        assert set(services[name].get("depends_on", ())) <= LIGHT


@needs_yaml
def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", ())]
    places = [mount.partition(":")[0] for mount in mounts]
    missing = [place for place in places if place.startswith("./") and not (ROOT / place).exists()]
    assert missing == []


@needs_yaml
def test_ports_are_open_to_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)


@needs_yaml
def test_prometheus_asks_agroal_where_it_answers(services: dict[str, Any], tmp_path: Path) -> None:
    import yaml

    configuration = ROOT / "conf" / "prometheus"
    prometheus = yaml.safe_load((configuration / "prometheus.yml").read_text())
    targets = [
        target for job in prometheus["scrape_configs"] for one in job["static_configs"] for target in one["targets"]
    ]
    assert targets == [f"agroal:{settings(tmp_path)['metrics']}"]
    assert all((configuration / file).exists() for file in prometheus["rule_files"])


@needs_yaml
def test_the_servers_of_agroal_are_services(services: dict[str, Any], tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert made["host"] == "*"
    assert [name for name, _ in made["servers"]] == ["primary", "standby"]
    assert {host for _, host in made["servers"]} <= services.keys()


def settings(folder: Path) -> dict[str, Any]:
    """What agroal makes of the files for its container, with this folder for the container's."""
    main = folder / "agroal.conf"
    main.write_text((ROOT / "conf" / "docker" / "agroal.conf").read_text().replace("/run/agroal", str(folder)))
    made = load(Files(main=main, hba=ROOT / "conf" / "docker" / "agroal_hba.conf"), {})
    assert made.notices == ()
    servers = [(server.name, server.host) for server in made.servers]
    return {"host": made.settings.host, "metrics": made.settings.metrics, "servers": servers}


def test_what_the_image_is_built_without_is_not_needed_for_it() -> None:
    """Files of this machine, in particular modules that were compiled for another Python."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", "tests", "**/*.so", "**/__pycache__", "build"} <= set(ignored)
    assert not {"agroal", "tui", "pyproject.toml", "README.md", "LICENSE", "man", "completions"} & set(ignored)
