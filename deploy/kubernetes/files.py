"""The manifests the chart renders for one exporter, without what Helm adds to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.helm.files import CHART
from deploy.prometheus.rules import as_yaml

HERE = Path(__file__).parent
NAME = "csr-exporter"
"""The name of everything, and of the Secret whose keys become files."""

KUBERNETES = "1.32.0"
"""The version to render for. Nothing depends on it, but Helm built from source assumes an old one."""

HEADER = "# Written by `make deploy` from the Helm chart.\n"

VALUES = {
    # The chart wants an account; the configuration of the overlay replaces it.
    "config": {"accounts": [{"name": "production", "site": "international", "credentials": {"kind": "environment"}}]},
    "secrets": {"existing": [NAME]},
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
}

PLACES = {
    "ServiceAccount": "base",
    "Service": "base",
    "Deployment": "base",
    "PodMonitor": "operator",
    "PrometheusRule": "operator",
}
"""Where each kind is written; kustomize generates the ConfigMap."""


def rendered(helm: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What *helm* renders for *values*. Raises `subprocess.CalledProcessError`."""
    command = [helm, "template", NAME, str(CHART), "--kube-version", KUBERNETES, "--values", "-"]
    result = subprocess.run(command, input=json.dumps(values), check=True, capture_output=True, text=True)  # noqa: S603 - the command is ours
    return [each for each in yaml.safe_load_all(result.stdout) if each]


def files(helm: str = "helm") -> Mapping[Path, str]:
    """Content by path, made with the program *helm*."""
    manifests = {each["kind"]: _plain(each) for each in rendered(helm, VALUES)}
    return {HERE / place / f"{kind.lower()}.yaml": HEADER + as_yaml(manifests[kind]) for kind, place in PLACES.items()}


def _plain(manifest: dict[str, Any]) -> dict[str, Any]:
    """*manifest* without what only Helm needs: its labels, the namespace, the checksum of its configuration."""
    metadata = manifest["metadata"]
    labels = {name: text for name, text in metadata["labels"].items() if "helm" not in f"{name} {text}".lower()}
    plain = {**manifest, "metadata": {"name": metadata["name"], "labels": labels}}
    specification = plain.get("spec", {})
    if "template" in specification:
        specification["template"]["metadata"].pop("annotations")
    return plain
