"""The image, as far as it can be tried without an engine: its steps and its process, in a sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.deploy.dockerfile import Image, given, process_1, sent, stages
from tests.fakes import aksk
from tests.processes import DEADLINE, free_port, until

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
BUILD, FINAL = stages(DOCKERFILE.read_text(encoding="utf-8"))

BUILDING = 500.0
"""Seconds that a step may take: it downloads the dependencies, maybe on a busy machine."""


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    result = subprocess.run([hadolint, DOCKERFILE], check=False, capture_output=True, text=True, timeout=DEADLINE)

    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_builder_is_sent_what_the_wheel_is_made_of_and_nothing_else() -> None:
    files = {str(each) for each in sent(ROOT)}

    beside = {each for each in files if not each.startswith(("csr_exporter/", "release/share/"))}
    assert beside == {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "docs/configuration.schema.json"}
    assert {"csr_exporter/cli.py", "csr_exporter/page/templates"} <= files | {str(Path(each).parent) for each in files}
    assert [each for each in files if each.endswith(".pyc")] == []


def test_the_image_runs_as_a_numbered_user_in_exec_form() -> None:
    assert given(FINAL, "USER") == ["65532:65532"]
    assert json.loads(given(FINAL, "ENTRYPOINT")[0]) == ["csr-exporter"]
    assert json.loads(given(FINAL, "CMD")[0]) == ["run"]
    assert given(FINAL, "RUN") == []


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build stage leaves in /opt/csr-exporter, made by running its steps as they are written."""
    paths = {name: tmp_path_factory.mktemp(name) for name in ("src", "wheels", "opt", "tmp")}
    for file in sent(ROOT):
        target = paths["src"] / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, target)
    inside = {"src": "/src", "wheels": "/wheels", "opt": "/opt/csr-exporter"}
    inside["tmp"] = "/tmp"  # noqa: S108 - in the sandbox
    image = Image(writable={inside[name]: path for name, path in paths.items()})
    for step in given(BUILD, "RUN"):
        command = image.command("/src", "/bin/sh", "-c", step)
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=BUILDING)
        assert result.returncode == 0, result.stdout + result.stderr
    return paths["opt"]


def test_the_image_adds_as_much_to_its_base_as_the_page_says(installed: Path) -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    stated = int(re.findall(r"adds (\d+) MiB", page)[0])

    size = sum(file.lstat().st_blocks * 512 for file in installed.rglob("*")) / 2**20

    assert abs(size - stated) < 8  # releases of what we depend on differ a little
    assert [each.name for each in (installed / "lib").rglob("pip")] == []


def test_the_process_serves_is_healthy_and_stops_from_a_root_that_cannot_be_written(
    installed: Path, simulator: Simulator, account: SimulatedAccount, tmp_path: Path
) -> None:
    settings = {"accounts": [{"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}]}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    image = Image(
        mounts={"/opt/csr-exporter": installed, "/config": tmp_path},
        environment={
            "CSR_EXPORTER_CONFIG_FILE": "/config/config.yml",
            "CSR_EXPORTER_WEB_LISTEN_ADDRESS": f"127.0.0.1:{free_port()}",
        },
        path=given(FINAL, "ENV")[0].removeprefix("PATH=").removesuffix(":$PATH"),
    )
    entrypoint, command = (json.loads(given(FINAL, keyword)[0]) for keyword in ("ENTRYPOINT", "CMD"))
    probe = json.loads(given(FINAL, "HEALTHCHECK")[0].partition(" CMD ")[2])

    def healthy() -> bool:
        asked = subprocess.run(image.command("/", *probe), check=False, capture_output=True, timeout=DEADLINE)
        return asked.returncode == 0

    assert not healthy()
    with process_1(image.command("/", *entrypoint, *command)) as (process, number):
        until(healthy)
        os.kill(number, signal.SIGTERM)
        code = process.wait(DEADLINE)
        log = process.communicate()[0]

    assert code == 0, log
    assert "Read-only file system" not in log
