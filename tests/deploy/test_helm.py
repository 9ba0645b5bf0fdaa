"""The chart: what Helm makes of values, held against Kubernetes' schemas, our rules and our own commands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import bcrypt
import kubernetes_validate
import pytest
import yaml

import csr_exporter
from csr_exporter.cli import main
from csr_exporter.config import read_config
from csr_exporter.web.config import WebConfigFile
from deploy.helm.files import CHART, files
from deploy.kubernetes.files import KUBERNETES
from deploy.prometheus import rules
from tests.deploy.charts import EVERYTHING, HELM, LEAST, Manifest, manifests, one, pod, template
from tests.processes import DEADLINE, tool

OPERATOR = "monitoring.coreos.com/v1"
"""Kinds of the Prometheus operator, whose schemas are not among those of Kubernetes."""


def kinds(values: dict[str, Any]) -> set[str]:
    return {each["kind"] for each in manifests(values)}


def container(values: dict[str, Any]) -> Manifest:
    (ours,) = pod(values)["containers"]
    return dict(ours)


# --- the chart itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_a_file_of_the_chart_is_what_the_code_writes(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == files()[file], "run make deploy"


def test_lint_finds_nothing_to_say() -> None:
    command: list[str | Path] = [tool("helm", HELM), "lint", "--strict", "--kube-version", KUBERNETES, CHART]

    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)

    assert result.returncode == 0, result.stdout
    assert "[WARNING]" not in result.stdout


def test_the_chart_has_the_version_of_the_exporter() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert (chart["version"], chart["appVersion"]) == (csr_exporter.__version__, csr_exporter.__version__)


@pytest.mark.parametrize(
    "values",
    [LEAST, EVERYTHING, {**LEAST, "persistence": {"enabled": True, "storageClass": "fast"}}],
    ids=["least", "everything", "stored"],
)
def test_kubernetes_knows_every_field(values: dict[str, Any]) -> None:
    of_kubernetes = [each for each in manifests(values) if each["apiVersion"] != OPERATOR]

    assert of_kubernetes
    for manifest in of_kubernetes:
        kubernetes_validate.validate(manifest, KUBERNETES.rpartition(".")[0], strict=True)


def test_the_values_of_the_page_are_valid() -> None:
    page = (Path(__file__).parents[2] / "docs" / "install.md").read_text(encoding="utf-8")
    block = next(each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if each.startswith("# values.yaml"))

    found = manifests(yaml.safe_load(block))

    assert {"Deployment", "ServiceMonitor", "PrometheusRule"} <= {each["kind"] for each in found}


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"replica": 2}, "at '': additional properties 'replica' not allowed"),
        ({"replicas": "two"}, "at '/replicas': got string, want integer"),
        ({"shards": 0}, "at '/shards': minimum: got 0, want 1"),
        ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match pattern"),
        ({"extraArgs": ["log.level=debug"]}, "at '/extraArgs/0': 'log.level=debug' does not match pattern '^--'"),
        ({"config": {"poll": "5m"}}, "at '/config': additional properties 'poll' not allowed"),
        ({"config": {"poll_interval": "5 min"}}, "at '/config/poll_interval': '5 min' does not match pattern"),
        (
            {"prometheusRule": {"thresholds": {"old": 1}}},
            "at '/prometheusRule/thresholds': additional properties 'old'",
        ),
        ({"prometheusRule": {"thresholds": {"old_after": 365}}}, "thresholds/old_after': got number, want string"),
        ({"prometheusRule": {"thresholds": {"torn_window": "0s"}}}, "thresholds/torn_window': '0s' does not match"),
        ({"prometheusRule": {"thresholds": {"limit_near": 80}}}, "exclusiveMaximum: got 80, want 1"),
        ({"prometheusRule": {"alerts": {"ScmCsrKeyYoung": {}}}}, "additional properties 'ScmCsrKeyYoung' not allowed"),
        ({"prometheusRule": {"alerts": {"ScmCsrKeyOld": {"severity": "page"}}}}, "'critical', 'warning', 'info'"),
        ({"persistence": {"size": "1 GB"}}, "at '/persistence/size': '1 GB' does not match pattern"),
        ({"persistence": {"retention": "forever"}}, "at '/persistence/retention': 'forever' does not match pattern"),
        ({"service": {"port": 0}}, "at '/service/port': minimum: got 0, want 1"),
        ({"config": {"accounts": []}}, "config.accounts: name at least one account, as in docs/configuration.md"),
        ({"replicas": 2, "shards": 2}, "replicas, shards: expected one of them; two replicas of each shard are two"),
        (
            {"web": {"config": {"basic_auth_users": {}}, "existingSecret": "web"}},
            "web.config, web.existingSecret: expected one of them",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_mistake_is_said(values: dict[str, Any], sentence: str) -> None:
    result = template({**LEAST, **values})

    assert result.returncode == 1
    assert sentence in result.stderr


# --- the workload -----------------------------------------------------------------------------------------------------


def test_without_shards_a_deployment_and_with_them_a_statefulset_of_as_many_pods() -> None:
    assert one("Deployment", {**LEAST, "replicas": 2})["spec"]["replicas"] == 2

    sharded = one("StatefulSet", EVERYTHING)["spec"]
    assert sharded["replicas"] == 3
    assert "--shard=auto/3" in container(EVERYTHING)["args"]
    assert sharded["serviceName"] == one("Service", EVERYTHING)["metadata"]["name"]
    assert one("Service", EVERYTHING)["spec"]["clusterIP"] == "None"
    assert "Deployment" not in kinds(EVERYTHING)


def test_an_upgrade_to_shards_changes_no_service_for_what_kubernetes_would_refuse() -> None:
    before, after = (one("Service", {**LEAST, "shards": shards}) for shards in (1, 3))

    assert before["metadata"]["name"] != after["metadata"]["name"]
    assert "clusterIP" not in before["spec"]


STORED: dict[str, Any] = {**LEAST, "persistence": {"enabled": True}}


def test_with_persistence_each_pod_has_a_volume_of_its_own() -> None:
    workload = one("StatefulSet", {**STORED, "replicas": 2})["spec"]

    (claim,) = workload["volumeClaimTemplates"]
    mounts = {each["name"]: each["mountPath"] for each in container(STORED)["volumeMounts"]}
    assert workload["replicas"] == 2
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert f"--storage.path={mounts[claim['metadata']['name']]}/journal" in container(STORED)["args"]
    assert "--storage.retention=400d" in container(STORED)["args"]


def test_with_persistence_alone_a_service_still_answers_for_all_pods() -> None:
    workload, service = one("StatefulSet", STORED)["spec"], one("Service", STORED)

    assert workload["serviceName"] == service["metadata"]["name"] == one("Service", LEAST)["metadata"]["name"]
    assert "clusterIP" not in service["spec"]
    assert not [each for each in container(STORED)["args"] if each.startswith("--shard")]


def test_the_claim_says_what_the_values_say_and_nothing_that_an_upgrade_changes() -> None:
    values = {"size": "5Gi", "storageClass": "fast", "annotations": {"example.com/a": "b"}, "enabled": True}
    (claim,) = one("StatefulSet", {**EVERYTHING, "persistence": values})["spec"]["volumeClaimTemplates"]

    assert claim["metadata"] == {"name": "journal", "annotations": {"example.com/a": "b"}}
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"


def test_replicas_are_spread_over_nodes_unless_told_otherwise() -> None:
    (spread,) = pod({**LEAST, "replicas": 2})["topologySpreadConstraints"]

    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"]["matchLabels"] == one("Deployment", LEAST)["spec"]["selector"]["matchLabels"]
    assert "topologySpreadConstraints" not in pod(LEAST)
    assert pod({**LEAST, "replicas": 2, "topologySpreadConstraints": [{"maxSkew": 2}]})[
        "topologySpreadConstraints"
    ] == [{"maxSkew": 2}]


@pytest.mark.parametrize(("endpoint", "scheme"), [({}, "https"), ({"scheme": "http"}, "http")])
def test_a_monitor_of_an_encrypted_page_asks_for_it_encrypted(endpoint: dict[str, str], scheme: str) -> None:
    encrypted = {"web": {"config": {"tls_server_config": {"cert_file": "a", "key_file": "b"}}}}

    monitor = one("PodMonitor", {**LEAST, **encrypted, "podMonitor": {"enabled": True, "endpoint": endpoint}})

    assert monitor["spec"]["podMetricsEndpoints"][0]["scheme"] == scheme


@pytest.mark.parametrize("values", [LEAST, EVERYTHING], ids=["least", "everything"])
def test_the_pod_is_what_the_restricted_standard_asks_for(values: dict[str, Any]) -> None:
    security, own = pod(values)["securityContext"], container(values)["securityContext"]

    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(values)["automountServiceAccountToken"] is False


def test_probes_have_a_port_of_their_own() -> None:
    ours = container(LEAST)
    ports = {each["name"]: each["containerPort"] for each in ours["ports"]}

    assert f"--web.probe-address=:{ports['probes']}" in ours["args"]
    assert f"--web.listen-address=:{ports['metrics']}" in ours["args"]
    for name, path in (("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")):
        assert ours[name]["httpGet"] == {"path": path, "port": "probes"}


def test_the_command_takes_the_arguments_and_the_configurations(tmp_path: Path) -> None:
    users = {"prometheus": bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()}
    values = {**LEAST, "web": {"config": {"basic_auth_users": users}}, "extraArgs": ["--log.level=debug"]}
    command, *arguments = container(values)["args"]
    web = next(each for each in manifests(values) if each["metadata"]["name"].endswith("-web"))
    for name, text in one("ConfigMap", values)["data"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, encoded in web["data"].items():
        (tmp_path / name).write_bytes(b64decode(encoded))

    context = main.commands[command].make_context(command, list(arguments))

    config = read_config(tmp_path / context.params["config_file"].name)
    assert [account.name for account in config.accounts] == ["production"]
    assert WebConfigFile(tmp_path / context.params["web_config_file"].name).active().users


def test_every_file_that_is_named_is_mounted() -> None:
    mounts = {each["mountPath"]: each["name"] for each in container(EVERYTHING)["volumeMounts"]}
    volumes = {each["name"] for each in pod(EVERYTHING)["volumes"]}
    named = [each.partition("=")[2] for each in container(EVERYTHING)["args"] if ".file=" in each]
    secrets = [path for name, path in LEAST["config"]["accounts"][0]["credentials"].items() if name.endswith("_file")]

    assert {str(Path(path).parent) for path in [*named, *secrets]} <= set(mounts)
    assert set(mounts.values()) == volumes


def test_secrets_that_exist_and_those_created_become_files_for_the_group_alone() -> None:
    (secrets,) = [each["projected"] for each in pod(EVERYTHING)["volumes"] if each["name"] == "secrets"]
    created = next(each for each in manifests(EVERYTHING) if each["kind"] == "Secret" and "secret-key" in each["data"])

    assert [each["secret"]["name"] for each in secrets["sources"]] == [created["metadata"]["name"], "scm"]
    assert secrets["defaultMode"] == 0o440
    assert created["data"] == {"secret-key": "cw=="}


def test_another_configuration_replaces_the_pods() -> None:
    def mark(values: dict[str, Any]) -> str:
        return str(one("Deployment", values)["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    slower = {**LEAST, "config": {**LEAST["config"], "poll_interval": "10m"}}

    assert mark(LEAST) == mark({**LEAST, "replicas": 2})
    assert mark(LEAST) != mark(slower)


# --- what is asked for beside it --------------------------------------------------------------------------------------


def test_what_is_not_asked_for_is_not_there() -> None:
    assert kinds(LEAST) == {"ServiceAccount", "ConfigMap", "Service", "Deployment"}


@pytest.mark.parametrize(
    ("kind", "endpoints"), [("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")]
)
def test_a_monitor_finds_service_and_pods(kind: str, endpoints: str) -> None:
    monitor, service = one(kind, EVERYTHING), one("Service", EVERYTHING)
    labels = one("StatefulSet", EVERYTHING)["spec"]["template"]["metadata"]["labels"]

    selected = monitor["spec"]["selector"]["matchLabels"].items()
    assert selected <= service["metadata"]["labels"].items()
    assert selected <= labels.items()
    assert monitor["spec"][endpoints][0]["port"] in {each["name"] for each in container(EVERYTHING)["ports"]}
    assert monitor["spec"][endpoints][0]["port"] in {each["name"] for each in service["spec"]["ports"]}


def test_a_network_policy_lets_scrapes_and_probes_in_and_requests_out() -> None:
    policy = one("NetworkPolicy", {**EVERYTHING, "networkPolicy": {"enabled": True, "egressPorts": [3128]}})["spec"]

    assert [each["port"] for rule in policy["ingress"] for each in rule["ports"]] == ["metrics", "probes"]
    assert [each["port"] for rule in policy["egress"] for each in rule["ports"]] == [53, 53, 3128]


def test_a_network_policy_lets_out_to_the_metadata_service_where_credentials_come_from_there() -> None:
    lent = {"config": {"accounts": [{"name": "ecs", "site": "china", "credentials": {"kind": "metadata"}}]}}
    policies = [one("NetworkPolicy", {**LEAST, **each, "networkPolicy": {"enabled": True}}) for each in ({}, lent)]

    without, with_it = ([rule.get("to") for rule in policy["spec"]["egress"]] for policy in policies)

    assert without == [None, None]
    assert with_it == [None, None, [{"ipBlock": {"cidr": "169.254.169.254/32"}}]]


def test_the_sidecar_gets_the_dashboards_as_they_are() -> None:
    maps = [each for each in manifests(EVERYTHING) if each["kind"] == "ConfigMap" and "config.yml" not in each["data"]]
    originals = Path(__file__).parents[2] / "grafana"

    assert len(maps) == 3
    for each in maps:
        ((name, text),) = each["data"].items()
        assert json.loads(text) == json.loads((originals / name).read_text(encoding="utf-8"))
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert each["metadata"]["annotations"] == {"grafana_folder": "SCM"}
        assert len(json.dumps(each)) < 2**18  # what `kubectl apply` can keep of it


# --- rules ------------------------------------------------------------------------------------------------------------


def rule_groups(**settings: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - values
    values = {**LEAST, "prometheusRule": {"enabled": True, **settings}}
    groups: list[dict[str, Any]] = one("PrometheusRule", values)["spec"]["groups"]
    return groups


def test_rules_are_those_of_the_rule_file() -> None:
    assert rule_groups() == rules.groups()


OTHER: dict[str, Any] = {
    "old_after": "180d",
    "very_old_after": "5d12h",
    "allowed_algorithms": ["EC_P256", "EC_P521"],
    "growth_window": "12h",
    "growth": 7,
    "burst_window": "90m",
    "burst": 1234567,
    "removed_many": 5,
    "removed_few": 2,
    "removed_share": 0.15,
    "removed_daily": 20,
    "removed_least": 1,
    "removed_most": 0.75,
    "limit_near": 0.95,
    "forecast_from": 0.25,
    "forecast_window": "10d",
    "forecast_history": "36h",
    "forecast_ahead": "30d",
    "duplicates": 3,
    "duplicates_share": 0.05,
    "stale_polls": 2.5,
    "very_stale_polls": 6,
    "torn_window": "45m",
    "torn": 1,
    "torn_share": 0.5,
    "skew": 30,
    "rejected_window": "2h30m",
    "refused_window": "20m",
    "credential_left": "15m",
    "credential_unchanged": "1h",
    "throttled_window": "10m",
    "throttled_share": 0.2,
    "throttled_recent": "20m",
    "failing_window": "1h",
    "failing_share": 0.75,
    "unreliable_window": "1d",
    "unreliable_share": 0.02,
    "unreliable": 9,
    "unreliable_recent": "30m",
    "exporter_jobs": r"scm\\.csr.*",
    "slow_share": 0.2,
    "disagree_window": "40m",
    "remembered": "3d",
    "restart": "90s",
    "grafana_url": "https://grafana.example.com",
    "runbooks_url": "https://wiki.example.com/csr",
    "replicas": 2,
}
"""Each threshold, at another value than its default; of those in seconds, whole and broken numbers of units."""


def test_thresholds_that_are_all_set_give_the_rules_that_the_code_gives_with_them() -> None:
    assert OTHER.keys() == rules.DEFAULTS.keys()

    assert rule_groups(thresholds=OTHER) == rules.groups(OTHER)


def test_a_threshold_of_nothing_is_one() -> None:
    assert rule_groups(thresholds={"growth": 0}) == rules.groups({"growth": 0})


def test_rules_know_the_job_by_whatever_name_the_exporter_has() -> None:
    values = {**LEAST, "fullnameOverride": "scm", "prometheusRule": {"enabled": True}}

    groups = one("PrometheusRule", values)["spec"]["groups"]

    assert groups == rules.groups({"exporter_jobs": ".*scm.*"})


def alerts(groups: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_a_single_alert_is_switched_off_and_the_others_stay() -> None:
    left = alerts(rule_groups(alerts={"ScmCsrKeyOld": {"enabled": False}, "ScmCsrKeyVeryOld": {"enabled": True}}))

    assert set(alerts(rules.groups())) - set(left) == {"ScmCsrKeyOld"}


def test_a_single_alert_is_changed_and_the_others_stay() -> None:
    override = {"severity": "critical", "for": "2h", "labels": {"team": "pki"}, "annotations": {"summary": "Old"}}
    changed, original = alerts(rule_groups(alerts={"ScmCsrKeyOld": override})), alerts(rules.groups())

    mine = changed.pop("ScmCsrKeyOld")
    before = original.pop("ScmCsrKeyOld")
    assert mine["for"] == "2h"
    assert mine["labels"] == {**before["labels"], "severity": "critical", "team": "pki"}
    assert mine["annotations"] == {**before["annotations"], "summary": "Old"}
    assert mine["expr"] == before["expr"]
    assert changed == original


def notes(values: dict[str, Any], directory: Path) -> str:
    """The notes that an installation with *values* shows; without a cluster only a template can have them."""
    chart = directory / "csr-exporter"
    shutil.copytree(CHART, chart, dirs_exist_ok=True)
    shown = 'kind: Notes\ntext: {{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}\n'
    (chart / "templates" / "notes.yaml").write_text(shown, encoding="utf-8")
    result = template(values, chart)
    documents = yaml.safe_load_all(result.stdout)
    return str(next(each["text"] for each in documents if each and each["kind"] == "Notes"))


def test_notes_say_what_to_check_without_data(tmp_path: Path) -> None:
    plain, whole = notes(LEAST, tmp_path), notes(EVERYTHING, tmp_path)

    assert "port-forward deployment/scm-csr-exporter 10065" in plain
    assert "check --live --config.file=/etc/csr-exporter/config/config.yml" in plain
    assert "No monitor is enabled" in plain
    assert "port-forward statefulset/scm-csr-exporter 10065\n  https://" in whole
    assert "networkPolicy.egressPorts" in whole
    assert "No monitor is enabled" not in whole
