"""The chart, rendered by Helm."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator

from deploy.helm.files import CHART
from deploy.kubernetes.files import KUBERNETES
from tests.processes import DEADLINE, tool

Manifest = dict[str, Any]

OPERATOR = "monitoring.coreos.com/v1"
GATEWAY = "gateway.networking.k8s.io/v1"
"""Neither Kubernetes' schemas nor the operator's have the gateway's kinds."""

HELM = "helm.sh/helm/v3/cmd/helm"
"""Where Helm comes from."""

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

MONITOR = {
    "enabled": True,
    "namespace": "monitoring",
    "labels": {"release": "prometheus"},
    "annotations": {"example.com/monitor": "yes"},
    "interval": "1m",
    "scrapeTimeout": "20s",
    "jobLabel": "app.kubernetes.io/name",
    "sampleLimit": 100_000,
    "targetLabels": ["team"],
    "podTargetLabels": ["team"],
    "relabelings": [{"targetLabel": "cluster", "replacement": "one"}],
    "metricRelabelings": [{"action": "labeldrop", "regex": "name"}],
    "endpoint": {"interval": "2m", "honorLabels": True},
    "spec": {"labelLimit": 40},
}
PLATFORM: dict[str, Any] = {
    "image": {"registry": "registry.example.com"},
    "global": {"imagePullSecrets": [{"name": "registry"}]},
    "namespaceOverride": "pki",
    "commonLabels": {"team": "pki", "app.kubernetes.io/name": "not-ours"},
    "commonAnnotations": {"example.com/owner": "pki"},
    "labels": {"tier": "infra"},
    "annotations": {"reloader.example.com/auto": "true"},
    "podLabels": {"app.kubernetes.io/instance": "not-ours"},
    "existingSecret": "configuration",
    "replicas": 2,
    "web": {"routePrefix": "/csr"},
    "env": [{"name": "HUAWEICLOUD_OIDC_PROVIDER_URN", "value": "urn"}],
    "envFrom": [{"secretRef": {"name": "proxy"}}],
    "service": {"type": "NodePort", "nodePort": 30065, "labels": {"a": "b"}, "spec": {"ipFamilyPolicy": "SingleStack"}},
    "serviceAccount": {"labels": {"a": "b"}, "automountServiceAccountToken": True},
    "serviceMonitor": MONITOR,
    "podMonitor": {key: value for key, value in MONITOR.items() if key != "targetLabels"},
    "prometheusRule": {
        "enabled": True,
        "namespace": "monitoring",
        "annotations": {"a": "b"},
        "extraLabels": {"team": "pki"},
        "extraAnnotations": {"chat": "#pki"},
        "alerts": {"ScmCsrKeyOld": {"expr": "vector(1)", "keep_firing_for": "5m", "labels": {"team": "web"}}},
        "extraGroups": [{"name": "ours", "rules": [{"alert": "Ours", "expr": "vector(0)"}]}],
    },
    "dashboards": {"enabled": True, "namespace": "grafana"},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"a": "b"},
        "hosts": ["csr.example.com"],
        "tls": [{"hosts": ["csr.example.com"], "secretName": "tls"}],
    },
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["csr.example.com"]},
    "networkPolicy": {"enabled": True, "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    "revisionHistoryLimit": 3,
    "strategy": {"type": "Recreate"},
    "startupProbe": {"httpGet": {"path": "/-/healthy", "port": "probes"}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
    "securityContext": {"privileged": False},
    "extraVolumes": [
        {"name": "ca", "csi": {"driver": "ca.example.com", "readOnly": True}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "iam"}}]}},
    ],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}, {"name": "token", "mountPath": "/token"}],
    "extraContainers": [{"name": "proxy", "image": "proxy:1"}],
    "initContainers": [{"name": "wait", "image": "wait:1"}],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
    ],
    "priorityClassName": "system-cluster-critical",
    "runtimeClassName": "gvisor",
    "terminationGracePeriodSeconds": 20,
    "dnsPolicy": "ClusterFirst",
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["scm.example.com"]}],
    "hostNetwork": True,
    "hostUsers": False,
    "extraManifests": [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "{{ .Release.Name }}-mapping"}},
        "{apiVersion: v1, kind: Secret, metadata: {name: {{ .Release.Name }}-text}}",
    ],
}
"""What platform teams set."""


def known(manifest: Manifest) -> bool:
    """Whether Kubernetes or the Prometheus operator knows every field of *manifest*; raises if a value is wrong."""
    if manifest["apiVersion"] == OPERATOR:
        read = getattr(operator, manifest["kind"]).model_validate(manifest)
        return bool(read.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest)
    kubernetes_validate.validate(manifest, KUBERNETES.rpartition(".")[0], strict=True)
    return True


class _Unique(yaml.SafeLoader):
    """Refuses mappings that have a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - yaml's signature
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{keys}: one of them is there twice"
        return super().construct_mapping(node, deep)


def template(values: dict[str, Any], chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """What Helm makes of *values*, for the release ``scm``."""
    helm = tool("helm", HELM)
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
    return [each for each in yaml.load_all(text, _Unique) if each]


def one(kind: str, values: dict[str, Any]) -> Manifest:
    """The only manifest of *kind*."""
    (found,) = [each for each in manifests(values) if each["kind"] == kind]
    return found


def pod(values: dict[str, Any]) -> Manifest:
    """The specification of the pods."""
    (workload,) = [each for each in manifests(values) if each["kind"] in {"Deployment", "StatefulSet"}]
    specification: Manifest = workload["spec"]["template"]["spec"]
    return specification
