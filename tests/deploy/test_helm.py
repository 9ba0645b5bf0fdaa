"""The chart: what Helm makes of values, held against Kubernetes' schemas, our rules and our own commands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import bcrypt
import pytest
import yaml

import csr_exporter
from csr_exporter.cli import main
from csr_exporter.config import AnyCredentials, read_config
from csr_exporter.web.config import WebConfigFile
from deploy.helm.files import CHART, files
from deploy.kubernetes.files import KUBERNETES
from deploy.prometheus import rules
from tests.deploy.charts import (
    ACCOUNT,
    EVERYTHING,
    GATEWAY,
    HELM,
    LEAST,
    PLATFORM,
    Manifest,
    known,
    manifests,
    one,
    pod,
    template,
)
from tests.docs.pages import ROOT, Page
from tests.processes import DEADLINE, tool


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
    [LEAST, EVERYTHING, PLATFORM, {**LEAST, "persistence": {"enabled": True, "storageClass": "fast"}}],
    ids=["least", "everything", "platform", "stored"],
)
def test_kubernetes_and_the_operator_know_every_field(values: dict[str, Any]) -> None:
    assert [each for each in manifests(values) if each["apiVersion"] != GATEWAY and not known(each)] == []


def test_a_field_that_the_operator_does_not_know_is_noticed() -> None:
    monitor = one("PodMonitor", {**LEAST, "podMonitor": {"enabled": True, "endpoint": {"every": "30s"}}})

    assert not known(monitor)


def test_the_values_that_stand_for_those_of_other_charts_exist() -> None:
    rows = re.findall(r"^\| `.*` \| (.*) \|$", (CHART / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    ours = {name for row in rows for name in re.findall(r"`([a-zA-Z.]+)`", row)}

    assert len(ours) > 20
    assert [name for name in sorted(ours) if not within(name.split("."), values)] == []


def within(path: list[str], values: Any) -> bool:  # noqa: ANN401 - YAML
    """Whether *path* leads somewhere in *values*, or beyond what they spell out."""
    if not path or values == {}:
        return True
    return isinstance(values, dict) and path[0] in values and within(path[1:], values[path[0]])


@pytest.mark.parametrize("page", ["docs/install.md", "docs/recipes/README.md", "deploy/helm/csr-exporter/README.md"])
def test_the_values_of_the_page_are_valid(page: str) -> None:
    given = [yaml.safe_load(block.text) for block in Page(ROOT / page).blocks if block.language == "yaml"]
    ours = [
        each for each in given if set(each) <= set(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")))
    ]

    assert ours
    for values in ours:
        own: dict[str, Any] = {"config": {}} if {"existingSecret", "existingConfigMap"} & set(values) else {}
        assert [each for each in manifests({**LEAST, **own, **values}) if not known(each)] == []


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
        ({"existingSecret": "mine"}, "config, existingConfigMap, existingSecret: expected one of them"),
        ({"extraArgs": ["--web.route-prefix=/csr"]}, "extraArgs: also set web.routePrefix, the prefix of all paths"),
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
    two = {**LEAST, "replicas": 2}
    (term,) = pod(two)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]

    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    selected = term["podAffinityTerm"]["labelSelector"]["matchLabels"]
    assert selected == one("Deployment", LEAST)["spec"]["selector"]["matchLabels"]
    assert "affinity" not in pod(LEAST)
    assert "affinity" not in pod({**two, "topologySpreadConstraints": [{"maxSkew": 2}]})
    assert pod({**two, "affinity": {"nodeAffinity": {}}})["affinity"] == {"nodeAffinity": {}}


def test_two_replicas_are_not_evicted_at_once_unless_told_otherwise() -> None:
    def budget(replicas: int, **given: bool) -> bool:
        return "PodDisruptionBudget" in kinds({**LEAST, "replicas": replicas, "podDisruptionBudget": given})

    assert [budget(1), budget(2), budget(1, enabled=True), budget(2, enabled=False)] == [False, True, True, False]


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


# --- what platform teams set ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "dnsConfig",
        "dnsPolicy",
        "hostAliases",
        "hostNetwork",
        "hostUsers",
        "initContainers",
        "priorityClassName",
        "runtimeClassName",
        "terminationGracePeriodSeconds",
        "topologySpreadConstraints",
    ],
)
def test_a_setting_of_the_pod_arrives_as_it_is(name: str) -> None:
    assert pod(PLATFORM)[name] == PLATFORM[name]


@pytest.mark.parametrize("name", ["env", "envFrom", "lifecycle", "startupProbe"])
def test_a_setting_of_the_container_arrives_as_it_is(name: str) -> None:
    assert pod(PLATFORM)["containers"][0][name] == PLATFORM[name]


def test_volumes_and_containers_are_added_to_ours() -> None:
    ours, *others = pod(PLATFORM)["containers"]

    assert others == PLATFORM["extraContainers"]
    assert pod(PLATFORM)["volumes"][-2:] == PLATFORM["extraVolumes"]
    assert ours["volumeMounts"][-2:] == PLATFORM["extraVolumeMounts"]


def test_the_platform_may_assign_the_user() -> None:
    assert pod(PLATFORM)["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod(PLATFORM)["containers"][0]["securityContext"]["privileged"] is False


def test_labels_and_annotations_are_on_every_object_and_never_change_what_selects_the_pods() -> None:
    ours = [each for each in manifests(PLATFORM) if "namespace" in each["metadata"]]
    selector = one("Deployment", PLATFORM)["spec"]["selector"]["matchLabels"]

    assert {each["metadata"]["labels"]["team"] for each in ours} == {"pki"}
    assert {each["metadata"]["annotations"]["example.com/owner"] for each in ours} == {"pki"}
    pods = one("Deployment", PLATFORM)["spec"]["template"]["metadata"]["labels"]
    for labels in (pods, *(each["metadata"]["labels"] for each in ours)):
        assert selector.items() <= labels.items()
        assert selector["app.kubernetes.io/name"] == "csr-exporter"
    assert one("Deployment", PLATFORM)["metadata"]["labels"]["tier"] == "infra"
    assert one("Service", PLATFORM)["metadata"]["labels"]["a"] == "b"


def test_monitors_rules_and_dashboards_go_to_their_own_namespaces_and_find_the_pods_in_ours() -> None:
    places = {each["kind"]: each["metadata"].get("namespace") for each in manifests(PLATFORM)}

    assert places["Deployment"] == places["Service"] == places["Ingress"] == "pki"
    assert places["ServiceMonitor"] == places["PodMonitor"] == places["PrometheusRule"] == "monitoring"
    assert places["ConfigMap"] == "grafana"
    assert one("ServiceMonitor", PLATFORM)["spec"]["namespaceSelector"] == {"matchNames": ["pki"]}
    assert "namespaceSelector" not in one("ServiceMonitor", EVERYTHING)["spec"]


def test_a_monitor_has_what_is_asked_for_and_scrapes_below_the_prefix() -> None:
    spec = one("ServiceMonitor", PLATFORM)["spec"]
    given = PLATFORM["serviceMonitor"]

    assert spec["endpoints"] == [
        {
            "port": "metrics",
            "path": "/csr/metrics",
            "interval": "2m",  # of `endpoint`, which has the last word
            "honorLabels": True,
            **{key: given[key] for key in ("scrapeTimeout", "relabelings", "metricRelabelings")},
        }
    ]
    plain = {"jobLabel", "sampleLimit", "targetLabels", "podTargetLabels"}
    assert {key: value for key, value in spec.items() if key in plain} == {key: given[key] for key in plain}
    assert spec["labelLimit"] == 40
    assert "--web.route-prefix=/csr" in pod(PLATFORM)["containers"][0]["args"]


def test_ingress_and_route_lead_to_the_service() -> None:
    (rule,) = one("Ingress", PLATFORM)["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    route = one("HTTPRoute", PLATFORM)["spec"]
    service = one("Service", PLATFORM)

    port = service["spec"]["ports"][0]["port"]
    assert (rule["host"], path["path"]) == ("csr.example.com", "/csr")
    assert path["backend"]["service"] == {"name": service["metadata"]["name"], "port": {"number": port}}
    assert route["rules"] == [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/csr"}}],
            "backendRefs": [{"name": service["metadata"]["name"], "port": port}],
        }
    ]
    assert (route["parentRefs"], route["hostnames"]) == ([{"name": "gateway"}], ["csr.example.com"])


def test_an_existing_configuration_is_mounted_and_none_is_made() -> None:
    volumes = [
        pod({**PLATFORM, "existingSecret": "", key: "mine"})["volumes"][0]
        for key in ("existingSecret", "existingConfigMap")
    ]

    assert volumes == [
        {"name": "config", "secret": {"secretName": "mine", "defaultMode": 0o440}},
        {"name": "config", "configMap": {"name": "mine"}},
    ]
    assert "config.yml" not in json.dumps(
        [each for each in manifests(PLATFORM) if each["kind"] in {"Secret", "ConfigMap"}]
    )


def secretive() -> Iterator[dict[str, Any]]:
    """Configurations with one secret each, of every kind that may hold one."""
    for kind in get_args(AnyCredentials):
        for name in (each for each in kind.secrets if each != "access_key"):  # which is an identifier
            yield {"accounts": [{**ACCOUNT, "credentials": {"kind": "…", name: "s3cret"}}]}
    yield {"accounts": [{**ACCOUNT, "proxy": "http://user:s3cret@proxy:3128"}]}


@pytest.mark.parametrize("config", list(secretive()), ids=lambda each: " ".join(each["accounts"][0]["credentials"]))
def test_a_secret_in_the_configuration_makes_it_a_secret(config: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "chart")
    (tmp_path / "chart" / "values.schema.json").unlink()  # the credentials are not whole
    result = template({"config": config}, tmp_path / "chart")
    found = list(yaml.safe_load_all(result.stdout))

    (holder,) = [each for each in found if each and "s3cret" in json.dumps(each)]
    assert holder["kind"] == "Secret"
    (workload,) = [each for each in found if each and each["kind"] == "Deployment"]
    source = workload["spec"]["template"]["spec"]["volumes"][0]["secret"]
    assert source == {"secretName": holder["metadata"]["name"], "defaultMode": 0o440}
    assert yaml.safe_load(holder["stringData"]["config.yml"]) == config


def test_objects_of_ones_own_are_filled_in() -> None:
    names = {each["metadata"]["name"] for each in manifests(PLATFORM) if each["kind"] == "Secret"}

    assert names == {"scm-mapping", "scm-text"}


def test_images_come_from_the_registry_that_is_set() -> None:
    mirrored = {**PLATFORM, "global": {"imageRegistry": "mirror.example.com"}}

    assert pod(PLATFORM)["containers"][0]["image"].startswith("registry.example.com/csr-exporter:")
    assert pod(mirrored)["containers"][0]["image"].startswith("mirror.example.com/csr-exporter:")
    assert pod(PLATFORM)["imagePullSecrets"] == [{"name": "registry"}]


def test_every_value_has_its_place_in_the_schema() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]

    assert set(values) | {"global"} == set(schema)
    for name in (
        "image",
        "web",
        "service",
        "serviceAccount",
        "serviceMonitor",
        "prometheusRule",
        "ingress",
        "httpRoute",
    ):
        assert set(values[name]) == set(schema[name]["properties"]), name


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

    assert len(maps) == 4
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
    "skew_refused": "10m",
    "future": "90s",
    "window_interval": "15m",
    "replica_labels": ["instance", "pod", "zone"],
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
    "storage_window": "25m",
    "exporter_jobs": r"scm\\.csr.*",
    "slow_share": 0.2,
    "disagree_window": "40m",
    "remembered": "3d",
    "waiver_ahead": "7d",
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


def test_alerts_have_the_labels_of_all_and_each_its_own() -> None:
    found = alerts(one("PrometheusRule", PLATFORM)["spec"]["groups"])
    recorded = [
        rule for group in rule_groups(extraLabels={"team": "pki"}) for rule in group["rules"] if "record" in rule
    ]

    changed = found.pop("ScmCsrKeyOld")
    assert (changed["expr"], changed["keep_firing_for"], changed["labels"]["team"]) == ("vector(1)", "5m", "web")
    assert found.pop("Ours") == {"alert": "Ours", "expr": "vector(0)"}
    assert {(each["labels"]["team"], each["annotations"]["chat"]) for each in found.values()} == {("pki", "#pki")}
    assert [each for each in recorded if "labels" in each] == []


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
