"""The compose files: what the engine would make of them, and their wiring with real programs on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from csr_exporter.config import read_config
from tests.processes import DEADLINE, free_port, running, started, tool, until

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
FILES = ("compose.yaml", "account.yaml")


@cache
def resolved(name: str) -> dict[str, Any]:
    """The services of the compose file *name*, as compose reads it."""
    command: list[str | Path] = [tool("docker-compose", "docker-compose"), "--file", COMPOSE / name, "config"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)
    assert result.returncode == 0, result.stderr
    services: dict[str, Any] = yaml.safe_load(result.stdout)["services"]
    return services


def mounts(service: dict[str, Any]) -> dict[str, Path]:
    """The files of *service* by their path in the container; volumes of the engine are left out."""
    pairs = [_source_and_target(each) for each in service.get("volumes", ())]
    return {target: Path(source) for source, target in pairs if source.startswith("/")}


def _source_and_target(volume: str | dict[str, str]) -> tuple[str, str]:
    """Both of *volume*, which compose writes as a text before its version 2, and as a mapping since."""
    if isinstance(volume, dict):
        return volume["source"], volume["target"]
    source, target, *_ = volume.split(":")
    return source, target


@pytest.mark.parametrize("name", FILES)
def test_compose_takes_the_file_and_whatever_is_mounted_exists(name: str) -> None:
    services = resolved(name)

    assert {"exporter", "prometheus", "alertmanager", "grafana"} <= set(services)
    files = [path for service in services.values() for path in mounts(service).values()]
    assert [path for path in files if not path.exists()] == []
    assert (Path(services["exporter"]["build"]["context"]) / services["exporter"]["build"]["dockerfile"]).exists()


@pytest.mark.parametrize("name", FILES)
def test_our_containers_can_do_nothing_that_they_need_not(name: str) -> None:
    ours = [each for each in resolved(name).values() if each["image"] == "csr-exporter"]

    assert ours
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", FILES)
def test_ports_are_open_to_this_machine_alone(name: str) -> None:
    ports = [port for service in resolved(name).values() for port in service.get("ports", ())]

    assert ports
    addresses = [each["host_ip"] if isinstance(each, dict) else each.partition(":")[0] for each in ports]
    assert set(addresses) == {"127.0.0.1"}


def test_the_keys_of_a_real_account_come_as_files() -> None:
    exporter = resolved("account.yaml")["exporter"]
    config = read_config(mounts(exporter)["/etc/csr-exporter/config.yml"])

    assert [each["source"] for each in exporter["secrets"]] == ["access-key", "secret-key"]
    assert "access_key_file: /run/secrets/access-key" in config.shown()
    assert "secret_key_file: /run/secrets/secret-key" in config.shown()
    assert list(config.warnings()) == []


def test_grafana_finds_its_data_source_and_the_dashboards() -> None:
    grafana = resolved("compose.yaml")["grafana"]
    files = mounts(grafana)
    sources = yaml.safe_load((files["/etc/grafana/provisioning/datasources"] / "prometheus.yml").read_text("utf-8"))
    providers = yaml.safe_load((files["/etc/grafana/provisioning/dashboards"] / "csr-exporter.yml").read_text("utf-8"))
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    dashboards = files[providers["providers"][0]["options"]["path"]]

    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    assert sources["datasources"][0]["isDefault"] is True
    assert home.name in {each.name for each in dashboards.glob("*.json")}
    variables = json.loads((dashboards / home.name).read_text("utf-8"))["templating"]["list"]
    assert [each["query"] for each in variables if each["type"] == "datasource"] == [sources["datasources"][0]["type"]]


def test_the_history_of_a_real_account_is_not_mixed_with_a_simulated_one() -> None:
    volumes = [yaml.safe_load((COMPOSE / name).read_text(encoding="utf-8"))["volumes"] for name in FILES]

    simulated, real = ({each["name"] for each in found.values()} for found in volumes)

    assert len(simulated) == len(real) == 2
    assert not simulated & real


@pytest.mark.parametrize("name", FILES)
def test_the_journal_is_on_a_volume_that_the_user_of_the_image_may_write(name: str) -> None:
    exporter = resolved(name)["exporter"]

    (path,) = [each.partition("=")[2] for each in exporter["command"] if each.startswith("--storage.path=")]
    volumes = [_source_and_target(each) for each in exporter["volumes"]]
    assert [source.split("_")[-1] for source, target in volumes if target == str(Path(path).parent)] == ["journal"]
    dockerfile = (COMPOSE.parent / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert "COPY --from=build --chown=65532:65532 /tmp/state /var/lib\n" in dockerfile


def test_nobody_can_change_dashboards_with_the_password_that_grafana_comes_with() -> None:
    environment = resolved("account.yaml")["grafana"]["environment"]

    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


# --- the same wiring on loopback --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Simulator, exporter, Alertmanager and Prometheus as compose.yaml has them; where each listens."""
    directory = tmp_path_factory.mktemp("compose")
    services = resolved("compose.yaml")
    listening = {name: f"127.0.0.1:{free_port()}" for name in ("alertmanager", "prometheus")}
    alertmanager = mounts(services["alertmanager"])["/etc/alertmanager/alertmanager.yml"]
    with (
        running(*_arguments(services["simulator"])) as simulator,
        running("run", f"--config.file={_moved(services['exporter'], directory, simulator.url)}") as exporter,
        started(
            tool("prometheus-alertmanager", "prometheus-alertmanager"),
            f"--config.file={alertmanager}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address={listening['alertmanager']}",
            "--cluster.listen-address=",
        ),
    ):
        listening["exporter"] = exporter.ready().url.removeprefix("http://")
        config = _prometheus(services["prometheus"], directory, listening)
        with started(
            tool("prometheus", "prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={listening['prometheus']}",
        ):
            yield listening


def _arguments(service: dict[str, Any]) -> list[str]:
    return [each for each in service["command"] if not each.startswith("--web.listen-address")]


def _moved(exporter: dict[str, Any], directory: Path, simulator: str) -> Path:
    """The configuration of *exporter*, with the address that the simulator has here."""
    text = mounts(exporter)["/etc/csr-exporter/config.yml"].read_text("utf-8")
    file = directory / "config.yml"
    file.write_text(text.replace("http://simulator:10066", simulator), encoding="utf-8")
    return file


def _prometheus(service: dict[str, Any], directory: Path, listening: dict[str, str]) -> Path:
    """The configuration of Prometheus and its rules, with the addresses of here, and in more of a hurry."""
    files = mounts(service)
    text = files["/etc/prometheus/prometheus.yml"].read_text("utf-8").replace("15s", "1s")
    text = text.replace("exporter:10065", listening["exporter"])
    text = text.replace("alertmanager:9093", listening["alertmanager"])
    shutil.copy(files["/etc/prometheus/csr-exporter.rules.yml"], directory)
    file = directory / "prometheus.yml"
    file.write_text(text, encoding="utf-8")
    return file


def asked(address: str, path: str) -> Any:  # noqa: ANN401 - JSON
    """What the API of Prometheus says; nothing as long as it does not answer."""
    try:
        response = requests.get(f"http://{address}/api/v1/{path}", timeout=DEADLINE)
    except requests.ConnectionError:
        return None
    return response.json()["data"] if response.ok else None


def test_prometheus_scrapes_the_simulated_accounts(addresses: dict[str, str]) -> None:
    def reported() -> dict[str, str]:
        data = asked(addresses["prometheus"], "query?query=sum(scm_csr_reported)by(job,account)") or {"result": []}
        return {each["metric"]["account"]: each["value"][1] for each in data["result"]}

    assert len(until(reported)) == 3
    assert min(float(count) for count in reported().values()) > 100


def test_our_rules_are_loaded_and_alertmanager_is_known(addresses: dict[str, str]) -> None:
    groups = until(lambda: asked(addresses["prometheus"], "rules"))["groups"]
    alertmanagers = until(lambda: asked(addresses["prometheus"], "alertmanagers")["activeAlertmanagers"])

    assert [group["name"] for group in groups][-1] == "csr-exporter.records"
    assert [rule["lastError"] for group in groups for rule in group["rules"] if "lastError" in rule] == []
    assert [each["url"] for each in alertmanagers] == [f"http://{addresses['alertmanager']}/api/v2/alerts"]


@pytest.mark.parametrize(
    ("program", "package", "arguments", "file"),
    [
        ("promtool", "prometheus", ("check", "config", "--syntax-only"), "prometheus.yml"),
        ("amtool", "prometheus-alertmanager", ("check-config",), "../prometheus/alertmanager.yml"),
    ],
)
def test_the_tools_of_prometheus_find_nothing_wrong(
    program: str, package: str, arguments: tuple[str, ...], file: str
) -> None:
    command: list[str | Path] = [tool(program, package), *arguments, COMPOSE / file]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)

    assert result.returncode == 0, result.stdout + result.stderr
