"""The manifests for kustomize: what they are made from, and what kustomize makes of them."""

from __future__ import annotations

import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_exporter.config import read_config
from deploy.kubernetes.files import HERE, files
from deploy.prometheus import rules
from tests.deploy.charts import HELM, LEAST, Manifest, known, pod
from tests.processes import DEADLINE, tool


@pytest.fixture(scope="module")
def written() -> dict[Path, Any]:
    """What is written from the chart, as data."""
    return {path: yaml.safe_load(text) for path, text in files(str(tool("helm", HELM))).items()}


@pytest.fixture(scope="module")
def built() -> dict[str, Manifest]:
    """What kustomize makes of the example, by kind."""
    command: list[str | Path] = [tool("kustomize", "sigs.k8s.io/kustomize/kustomize/v5"), "build", HERE / "example"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)
    assert result.returncode == 0, result.stderr
    return {each["kind"]: each for each in yaml.safe_load_all(result.stdout)}


def test_the_manifests_are_those_of_the_chart() -> None:
    expected = files(str(tool("helm", HELM)))

    assert {path: path.read_text(encoding="utf-8") for path in expected} == expected, "run make deploy"


def test_no_file_lies_about_that_kustomize_does_not_read(written: dict[Path, Any]) -> None:
    lying = {each for name in ("base", "operator", "storage") for each in (HERE / name).glob("*.yaml")}
    read = {
        path.parent / name
        for path in lying
        if path.name == "kustomization.yaml"
        for name in yaml.safe_load(path.read_text(encoding="utf-8"))["resources"]
    }

    assert {each for each in lying if each.name != "kustomization.yaml"} == read
    assert read - set(written) == {HERE / "storage" / "persistentvolumeclaim.yaml"}


def test_the_pod_is_the_one_of_the_chart_but_for_names(built: dict[str, Manifest]) -> None:
    stored = {**LEAST, "persistence": {"enabled": True}}
    ours, charted = (deepcopy(each) for each in (built["Deployment"]["spec"]["template"]["spec"], pod(stored)))

    journal = ours["volumes"].pop()  # which a StatefulSet makes for each pod
    claim = built["PersistentVolumeClaim"]["metadata"]["name"]
    assert journal == {"name": "journal", "persistentVolumeClaim": {"claimName": claim}}
    for specification in (ours, charted):
        (container,) = specification["containers"]
        container["image"] = specification["serviceAccountName"] = "…"
        config, secrets = specification["volumes"]
        config["configMap"]["name"] = secrets["projected"]["sources"][0]["secret"]["name"] = "…"
    assert ours == charted


def test_a_new_pod_waits_until_the_old_one_has_let_go_of_the_volume(built: dict[str, Manifest]) -> None:
    assert built["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert built["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_the_pod_has_the_configuration_of_the_overlay(built: dict[str, Manifest]) -> None:
    config = built["ConfigMap"]
    volumes = {each["name"]: each for each in built["Deployment"]["spec"]["template"]["spec"]["volumes"]}

    assert volumes["config"]["configMap"]["name"] == config["metadata"]["name"]
    assert config["metadata"]["name"].startswith("csr-exporter-")
    assert config["data"]["config.yml"] == (HERE / "example" / "config.yml").read_text(encoding="utf-8")
    assert [account.name for account in read_config(HERE / "example" / "config.yml").accounts] == ["production"]


def test_kubernetes_and_the_operator_know_every_field(built: dict[str, Manifest]) -> None:
    assert [each for each in built.values() if not known(each)] == []


def test_the_operator_gets_our_rules_and_our_pods(built: dict[str, Manifest]) -> None:
    labels = built["Deployment"]["spec"]["template"]["metadata"]["labels"]

    assert built["PrometheusRule"]["spec"]["groups"] == rules.groups()
    assert built["PodMonitor"]["spec"]["selector"]["matchLabels"] == labels
    assert {each["metadata"]["namespace"] for each in built.values()} == {"monitoring"}
