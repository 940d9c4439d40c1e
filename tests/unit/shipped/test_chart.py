"""The Helm chart, rendered by Helm's own engine, checked against the schemas of Kubernetes and by agroal itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agroal.config.load import load, locate
from agroal.config.model import Configuration
from tests.certificates import Authority
from tests.unit.test_house import ROOT

CHART = ROOT / "deploy" / "helm" / "agroal"
HARMLESS = 1
"""Helm's “info”: that there is no picture of us."""
KUBERNETES = ("1.25.0", "1.32.0")

pytestmark = pytest.mark.skipif(
    not (find_spec("helm_python") and find_spec("kubernetes_validate")),
    reason="the chart is rendered by helm-python-sdk and checked by kubernetes-validate (make chart)",
)

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "vault of its own": {"users": {"masterKey": "a2V5\nc2FsdA==\n", "file": "ann:c2VjcmV0\n"}},
    "full": {
        "replicaCount": 3,
        "image": {"repository": "registry.example/agroal", "tag": "1.2.3", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "registry"}],
        "settings": {
            "max_connections": 20,
            "pipeline": "transaction",
            "log_connections": True,
            "log_line_prefix": "a # b",
        },
        "servers": [
            {"name": "one", "host": "one.db", "port": 5433, "tls": True, "tls_ca_file": "/certificates/ca.crt"},
            {"name": "two", "host": "two.db"},
        ],
        "hba": "host shop all 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
        "databases": "shop all 10\nall all 10\n",
        "users": {"existingSecret": "vault"},
        "certificates": {"secret": "certificates"},
        "drain": {"notice": 7, "seconds": 120},
        "service": {"type": "LoadBalancer", "port": 6432, "annotations": {"a.example/b": "c"}},
        "metrics": {"port": 9100, "serviceMonitor": {"enabled": True, "interval": "30s", "labels": {"release": "p"}}},
        "podDisruptionBudget": {"maxUnavailable": "50%"},
        "podAnnotations": {"x": "y"},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "pool", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
    },
    "alone": {"replicaCount": 1, "podDisruptionBudget": {"enabled": False}},
}
REFUSED: dict[str, dict[str, Any]] = {
    "a key that is the chart's": {"settings": {"host": "10.0.0.1"}},
    "a setting of two lines": {"settings": {"pipeline": "session\nhost = evil"}},
    "a key of two lines": {"settings": {"a\nb": 1}},
    "a misspelt value": {"replicas": 2},
    "no server": {"servers": []},
    "a server without a host": {"servers": [{"name": "one"}]},
    "a server named like the main section": {"servers": [{"name": "agroal", "host": "x"}]},
    "which server is the primary": {"servers": [{"name": "one", "host": "x", "primary": True}]},
    "a port that is none": {"service": {"port": 70000}},
    "a drain without end": {"drain": {"seconds": 0}},
    "half a vault": {"users": {"masterKey": "a2V5\nc2FsdA==\n"}},
}

Document = dict[str, Any]


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    cases = [*CASES.values(), *REFUSED.values()]
    command = [sys.executable, str(Path(__file__).with_name("rendering.py")), str(CHART)]
    result = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return {"lint": told["lint"], **dict(zip([*CASES, *REFUSED], told["cases"], strict=True))}


def documents(rendered: dict[str, Any], case: str) -> Iterator[Document]:
    import yaml

    assert "error" not in rendered[case], rendered[case]
    for name, text in rendered[case]["templates"].items():
        if not name.endswith(".txt"):
            yield from (document for document in yaml.safe_load_all(text) if document)


def only(rendered: dict[str, Any], case: str, kind: str, name: str = "shop-agroal") -> Document:
    (found,) = [one for one in documents(rendered, case) if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def pod(rendered: dict[str, Any], case: str) -> Document:
    return only(rendered, case, "Deployment")["spec"]["template"]  # type: ignore[no-any-return]


def configuration(rendered: dict[str, Any], case: str, folder: Path) -> Configuration:
    """What agroal makes of the ConfigMap, with this folder for the container's."""
    data = only(rendered, case, "ConfigMap")["data"]
    for name, text in data.items():
        (folder / name).write_text(text.replace("/certificates/", f"{folder}/").replace("/run/agroal", str(folder)))
    return load(locate({}, folder, {}), {})


def test_helms_linter_has_nothing_to_say(rendered: dict[str, Any]) -> None:
    assert [message for message in rendered["lint"] if message["severity"] > HARMLESS] == []


def test_it_is_of_this_agroal() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'\nappVersion: "{version}"\n' in (CHART / "Chart.yaml").read_text()


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("case", CASES)
def test_kubernetes_knows_every_field(rendered: dict[str, Any], case: str, version: str) -> None:
    import kubernetes_validate

    for document in documents(rendered, case):
        if document["kind"] != "ServiceMonitor":  # Prometheus' operator's
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_can_not_be_meant_are_refused(rendered: dict[str, Any], case: str) -> None:
    assert "error" in rendered[case], rendered[case]


@pytest.mark.parametrize("case", ["plain", "alone"])
def test_agroal_understands_its_files(rendered: dict[str, Any], case: str, tmp_path: Path) -> None:
    made = configuration(rendered, case, tmp_path)
    assert made.notices == ()
    settings = made.settings
    assert (settings.host, settings.port, settings.metrics, settings.max_connections) == ("*", 2345, 2346, 50)
    assert (settings.unix_socket_dir, settings.flush_timeout) == (tmp_path, 60)
    assert [(server.name, server.host, server.port) for server in made.servers] == [("primary", "postgresql", 5432)]
    assert [line.method for line in made.hba] == ["scram-sha-256"]


def test_agroal_understands_every_kind_of_value(rendered: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(Authority(tmp_path).ca_file.read_bytes())
    made = configuration(rendered, "full", tmp_path)
    settings = made.settings
    assert (settings.pipeline, settings.log_connections, settings.log_line_prefix) == ("transaction", True, "a # b")
    assert (settings.metrics, settings.flush_timeout) == (9100, 120)
    assert [(server.name, server.port, server.primary) for server in made.servers] == [
        ("one", 5433, True),
        ("two", 5432, False),
    ]
    assert [line.method for line in made.hba] == ["scram-sha-256", "reject"]
    assert [line.database for line in made.limits] == ["shop", "all"]


@pytest.mark.parametrize("case", CASES)
def test_pods_are_restricted(rendered: dict[str, Any], case: str) -> None:
    """Kubernetes' Pod Security Standards, “restricted”, and a root file system that nobody writes to."""
    spec = pod(rendered, case)["spec"]
    context = spec["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 2345)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "emptyDir", "projected", "secret"}


@pytest.mark.parametrize("case", CASES)
def test_probes_ask_the_metrics_port(rendered: dict[str, Any], case: str) -> None:
    (container,) = pod(rendered, case)["spec"]["containers"]
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert [(probe["path"], probe["port"]) for probe in probes] == [
        ("/healthz", "metrics"),
        ("/healthz", "metrics"),
        ("/readyz", "metrics"),
    ]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    told = only(rendered, case, "ConfigMap")["data"]["agroal.conf"].splitlines()
    assert {f"port = {ports['postgresql']}", f"metrics = {ports['metrics']}"} <= set(told)


@pytest.mark.parametrize(("case", "notice", "seconds"), [("plain", 5, 60), ("full", 7, 120)])
def test_a_pod_has_time_to_drain(rendered: dict[str, Any], case: str, notice: int, seconds: int) -> None:
    spec = pod(rendered, case)["spec"]
    assert spec["containers"][0]["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", str(notice)]}}
    assert spec["terminationGracePeriodSeconds"] > notice + seconds
    assert f"flush_timeout = {seconds}s" in only(rendered, case, "ConfigMap")["data"]["agroal.conf"]


@pytest.mark.parametrize("case", CASES)
def test_every_selector_finds_the_pods_and_nothing_of_another_release(rendered: dict[str, Any], case: str) -> None:
    labels = pod(rendered, case)["metadata"]["labels"].items()
    assert ("app.kubernetes.io/instance", "shop") in labels
    for document in documents(rendered, case):
        match document["kind"]:
            case "Service":
                selector = document["spec"]["selector"]
            case "Deployment" | "PodDisruptionBudget":
                selector = document["spec"]["selector"]["matchLabels"]
            case _:
                continue
        assert selector.items() <= labels
        assert selector["app.kubernetes.io/instance"] == "shop"


def test_prometheus_finds_the_service_for_it_alone(rendered: dict[str, Any]) -> None:
    monitor = only(rendered, "full", "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    services = [one for one in documents(rendered, "full") if one["kind"] == "Service"]
    found = [one["metadata"]["name"] for one in services if wanted <= one["metadata"]["labels"].items()]
    assert found == ["shop-agroal-metrics"]
    assert monitor["metadata"]["labels"]["release"] == "p"
    assert [one["kind"] for one in documents(rendered, "plain") if one["kind"] == "ServiceMonitor"] == []


def test_the_metrics_are_not_where_clients_come_from_outside(rendered: dict[str, Any]) -> None:
    outside = only(rendered, "full", "Service")["spec"]
    inside = only(rendered, "full", "Service", "shop-agroal-metrics")["spec"]
    assert (outside["type"], [port["name"] for port in outside["ports"]]) == ("LoadBalancer", ["postgresql"])
    assert ("type" in inside, [port["name"] for port in inside["ports"]]) == (False, ["metrics"])


def test_the_vault_may_be_in_a_secret_of_ones_own(rendered: dict[str, Any]) -> None:
    secret = only(rendered, "vault of its own", "Secret")
    files = {name: b64decode(text) for name, text in secret["data"].items()}
    assert files == {"master.key": b"a2V5\nc2FsdA==\n", "agroal_users.conf": b"ann:c2VjcmV0\n"}
    assert [one for one in documents(rendered, "full") if one["kind"] == "Secret"] == []
    for case, name in (("vault of its own", "shop-agroal"), ("full", "vault")):
        volumes = {volume["name"]: volume for volume in pod(rendered, case)["spec"]["volumes"]}
        assert volumes["master-key"]["secret"]["secretName"] == name
        sources = volumes["configuration"]["projected"]["sources"]
        assert [source["secret"]["name"] for source in sources if "secret" in source] == [name]


def test_a_master_key_lies_where_agroal_trusts_it(rendered: dict[str, Any], tmp_path: Path) -> None:
    """The init container's command, run here: of its directory and of its file nobody else may have any right."""
    spec = pod(rendered, "full")["spec"]
    (first,) = spec["initContainers"]
    (tmp_path / "master.key").write_text("a2V5\nc2FsdA==\n")
    (script,) = first["args"]
    here = script.replace("/secret", str(tmp_path)).replace("/run/agroal", str(tmp_path))
    subprocess.run([*first["command"], here], check=True, timeout=10)
    (variable,) = spec["containers"][0]["env"]
    key = Path(variable["value"].replace("/run/agroal", str(tmp_path)))
    assert variable["name"] == "AGROAL_MASTER_KEY_FILE"
    assert key.read_text() == "a2V5\nc2FsdA==\n"
    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "initContainers" not in pod(rendered, "plain")["spec"]


def test_other_files_make_other_pods(rendered: dict[str, Any]) -> None:
    annotations = [pod(rendered, case)["metadata"]["annotations"] for case in ("plain", "full", "vault of its own")]
    assert len({one["checksum/configuration"] for one in annotations}) == 2, "two of them have the same files"
    assert len({one["checksum/users"] for one in annotations}) == 2


def test_the_notes_say_how_many_connections_it_takes(rendered: dict[str, Any]) -> None:
    notes = {case: rendered[case]["templates"]["agroal/templates/NOTES.txt"] for case in CASES}
    assert "room for 150 connections: those of 2 pods" in notes["plain"]
    assert "room for 80 connections: those of 3 pods" in notes["full"]
    assert [case for case in CASES if "There is no vault" in notes[case]] == ["plain", "alone"]
