"""Packages and image, installed and run in a Debian that holds nothing else of ours."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from csr_exporter import __version__
from csr_exporter.simulator import SimulatedAccount, Simulator
from release.artefacts import DOCKERFILE
from release.manual import files
from release.packages import OMITTED
from release.sources import ROOT, extract
from tests.deploy.dockerfile import given, process_1, stages
from tests.fakes import aksk
from tests.processes import DEADLINE, free_port, listening, tool, until
from tests.release.conftest import Release
from tests.release.system import index, inside, said

USER = "65532"

pytestmark = pytest.mark.timeout(1800)  # the first test of each kind installs a whole system


def used_of_the_sdk() -> set[str]:
    """The modules of the SDK that our code imports, wherever it does."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "csr_exporter").rglob("*.py")]
    names = {node.module for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name for name in names if name and name.startswith("huaweicloudsdkcore")}


@pytest.fixture(scope="module")
def installed(release: Release, debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another such Debian with the .deb installed."""
    root = tmp_path_factory.mktemp("installed") / "root"
    said(["cp", "--archive", str(debian), str(root)])
    said(inside(root, "dpkg", "--install", f"/mnt/{release.one('.deb').name}", writable=True, mnt=release.artefacts))
    return root


def test_the_deb_brings_the_program_its_user_and_all_that_belongs_to_it(installed: Path) -> None:
    owned = said(inside(installed, "dpkg", "--listfiles", "csr-exporter")).splitlines()

    assert said(inside(installed, "csr-exporter", "--version")) == f"csr-exporter, version {__version__}\n"
    assert said(inside(installed, "id", "--user", "--name", "csr-exporter")) == "csr-exporter\n"
    pages = {f"/usr/share/{path.relative_to('release/share')}" for path in files() if path.suffix == ".1"}
    assert pages | {"/usr/lib/systemd/system/csr-exporter.service", "/usr/bin/csr-exporter"} <= set(owned)
    assert said(inside(installed, "dpkg-query", "--show", "--showformat=${Conffiles}", "csr-exporter")).split()[0] == (
        "/etc/csr-exporter/config.yml"
    )
    assert said(inside(installed, "csr-exporter", "check", "--config.file=/etc/csr-exporter/config.yml"))


def test_the_program_has_an_environment_of_its_own(installed: Path) -> None:
    script = "import sys, csr_exporter, pydantic; print(sys.prefix, *sys.path[-1:], pydantic.__file__)"

    prefix, path, module = said(inside(installed, "/opt/csr-exporter/bin/python", "-c", script)).split()

    assert prefix == "/opt/csr-exporter"
    assert module.startswith(path)
    assert (installed / "opt/csr-exporter/lib/site-packages/csr_exporter/__pycache__").is_dir()


def test_all_that_we_use_of_the_sdk_works_without_what_is_left_out(installed: Path) -> None:
    modules = sorted(used_of_the_sdk())
    site = installed / "opt/csr-exporter/lib/site-packages"

    assert modules
    said(inside(installed, "/opt/csr-exporter/bin/python", "-c", f"import {', '.join(modules)}"))
    assert [each.name for name in OMITTED for each in site.glob(f"{name}*")] == []


def test_the_installed_exporter_reads_an_account(
    installed: Path, simulator: Simulator, account: SimulatedAccount, tmp_path: Path
) -> None:
    settings = {"accounts": [{"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}]}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    tmp_path.chmod(0o755)

    text = said(inside(installed, "csr-exporter", "once", "--config.file=/mnt/config.yml", user=USER, mnt=tmp_path))

    assert 'scm_csr_up{account="production"} 1' in text


def test_the_pyz_needs_nothing_but_python(release: Release, debian: Path) -> None:
    command = inside(
        debian, f"/mnt/{release.one('.pyz').name}", "demo", "--web.listen-address=127.0.0.1:0", mnt=release.artefacts
    )

    with listening(*command) as demo:
        assert "scm_csr_up" in demo.ready().get("/metrics").text


def test_the_rpm_holds_what_the_deb_does(release: Release, installed: Path) -> None:
    rpm = said([str(tool("rpm", "rpm")), "--query", "--list", "--package", str(release.one(".rpm"))]).splitlines()
    deb = said(inside(installed, "dpkg", "--listfiles", "csr-exporter")).splitlines()
    files = [path for path in deb if not any(other.startswith(f"{path}/") for other in deb)]

    assert [path for path in files if path not in rpm and "/vendor-completions/" not in path] == []


# --- the image --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(release: Release, debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of the image, built from the context of the release on the Debian as its base."""
    folder = tmp_path_factory.mktemp("image")
    buildah = [str(tool("buildah", "buildah")), f"--root={folder / 'store'}", f"--runroot={folder / 'run'}"]
    extract(release.one("-image.tar.gz"), folder / "context")
    try:
        base = said([*buildah, "from", "scratch"]).strip()
        said([*buildah, "add", "--quiet", base, str(debian), "/"])
        said([*buildah, "commit", "--quiet", base, "localhost/base"])
        arguments = ["--build-arg=BASE=localhost/base", "--build-arg=REVISION=0123456789", *for_buildah()]
        options = ["--isolation=chroot", "--pull-never", *arguments, f"--file={DOCKERFILE}", "--tag=ours"]
        said([*buildah, "bud", *options, str(folder / "context")])
        container = said([*buildah, "from", "--pull-never", "ours"]).strip()
        yield Path(said([*buildah, "mount", container]).strip())
    finally:
        said([*buildah, "rm", "--all"])
        # What stays mounted cannot be removed with the other folders of the tests.
        subprocess.run(
            [tool("umount", "mount"), "--lazy", folder / "store" / "overlay"], check=False, capture_output=True
        )


def for_buildah() -> list[str]:
    files, variables = index()
    return [
        *(part for each in files for part in ("--volume", f"{each}:{each}:ro")),
        *(part for name, value in variables.items() for part in ("--env", f"{name}={value}")),
    ]


def test_the_image_holds_what_was_audited(release: Release, image: Path) -> None:
    script = "from importlib.metadata import distributions as d; print(*(f'{e.name}=={e.version}' for e in d()))"

    found = set(said(inside(image, "/opt/csr-exporter/bin/python", "-c", script)).lower().split())

    audited = {f"{each['name']}=={each['version']}".lower() for each in json.loads(release.bill)["components"]}
    left_out = {each for each in audited if each.partition("==")[0] in OMITTED}
    assert found == audited - left_out | {f"csr-exporter=={__version__}"}


def test_the_image_adds_as_much_to_its_base_as_the_page_says(image: Path) -> None:
    stated = int(re.findall(r"adds (\d+) MiB", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"))[0])

    size = sum(file.lstat().st_blocks * 512 for file in (image / "opt").rglob("*")) / 2**20

    assert abs(size - stated) < 8  # releases of what we depend on differ a little


def test_the_image_serves_is_healthy_and_stops_as_its_user_from_a_root_that_cannot_be_written(
    image: Path, simulator: Simulator, account: SimulatedAccount, tmp_path: Path
) -> None:
    _, final = stages((ROOT / DOCKERFILE).read_text(encoding="utf-8"))
    entrypoint, command = (json.loads(given(final, keyword)[0]) for keyword in ("ENTRYPOINT", "CMD"))
    probe = json.loads(given(final, "HEALTHCHECK")[0].partition(" CMD ")[2])
    settings = {"accounts": [{"name": "production", "endpoint": simulator.url, "credentials": aksk(account)}]}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    tmp_path.chmod(0o755)
    address = f"127.0.0.1:{free_port()}"
    flags = {"CSR_EXPORTER_CONFIG_FILE": "/mnt/config.yml", "CSR_EXPORTER_WEB_LISTEN_ADDRESS": address}

    def process(*words: str) -> list[str]:
        return inside(image, *words, user=given(final, "USER")[0].partition(":")[0], mnt=tmp_path, environment=flags)

    def healthy() -> bool:
        return subprocess.run(process(*probe), check=False, capture_output=True, timeout=DEADLINE).returncode == 0

    assert not healthy()
    with process_1(process(*entrypoint, *command)) as (running, number):
        until(healthy)
        until(lambda: requests.get(f"http://{address}/-/ready", timeout=DEADLINE).ok)
        metrics = requests.get(f"http://{address}/metrics", timeout=DEADLINE).text
        os.kill(number, signal.SIGTERM)
        code = running.wait(DEADLINE)
        log = running.communicate()[0]

    assert code == 0, log
    assert "Read-only file system" not in log
    assert 'scm_csr_up{account="production"} 1' in metrics
    assert 'revision="0123456789"' in metrics
