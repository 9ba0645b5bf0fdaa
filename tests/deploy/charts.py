"""The chart, rendered by Helm."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy.helm.files import CHART
from deploy.kubernetes.files import KUBERNETES
from tests.processes import DEADLINE, tool

Manifest = dict[str, Any]

ACCOUNT = {
    "name": "production",
    "site": "international",
    "credentials": {
        "kind": "aksk",
        "access_key_file": "/etc/csr-exporter/secrets/access-key",
        "secret_key_file": "/etc/csr-exporter/secrets/secret-key",
    },
}
LEAST: dict[str, Any] = {"config": {"accounts": [ACCOUNT]}, "secrets": {"existing": ["scm"]}}
"""The least that has to be said."""

EVERYTHING: dict[str, Any] = {
    **LEAST,
    "secrets": {"existing": ["scm"], "create": {"secret-key": "s"}},
    "shards": 3,
    "web": {
        "config": {"tls_server_config": {"cert_file": "../tls/tls.crt", "key_file": "../tls/tls.key"}},
        "tlsSecret": "scm-tls",
    },
    "extraArgs": ["--log.level=debug"],
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "serviceAccount": {"annotations": {"example.com/a": "b"}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "endpoint": {"scheme": "https"}},
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True, "annotations": {"grafana_folder": "SCM"}},
    "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {}}]},
    "podDisruptionBudget": {"enabled": True},
    "podLabels": {"team": "pki"},
    "podAnnotations": {"example.com/c": "d"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "monitoring", "operator": "Exists"}],
}


def template(values: dict[str, Any], chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """What Helm makes of *values*, for the release ``scm``."""
    helm = tool("helm", "helm, with go")
    command = [str(helm), "template", "scm", str(chart), "--kube-version", KUBERNETES, "--values", "-"]
    return subprocess.run(
        command, input=json.dumps(values), check=False, capture_output=True, text=True, timeout=DEADLINE
    )


@cache
def _rendered(values: str) -> str:
    result = template(json.loads(values))
    assert result.returncode == 0, result.stderr
    return result.stdout


def manifests(values: dict[str, Any]) -> list[Manifest]:
    """The manifests that *values* give."""
    text = _rendered(json.dumps(values, sort_keys=True))
    return [each for each in yaml.safe_load_all(text) if each]


def one(kind: str, values: dict[str, Any]) -> Manifest:
    """The only manifest of *kind*."""
    (found,) = [each for each in manifests(values) if each["kind"] == kind]
    return found


def pod(values: dict[str, Any]) -> Manifest:
    """The specification of the pods."""
    (workload,) = [each for each in manifests(values) if each["kind"] in {"Deployment", "StatefulSet"}]
    specification: Manifest = workload["spec"]["template"]["spec"]
    return specification
