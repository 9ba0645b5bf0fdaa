"""From nothing to data: how long it takes from the first command to the first inventory, on a Debian without ours.

Each is done once, so the seconds depend on the machine and its network; docs/install.md has those of one run.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.processes import listening, until
from tests.release.conftest import Release
from tests.release.system import INSTALLING, index, inside, said

pytestmark = pytest.mark.timeout(1800)  # as in `test_packages`

WAYS = {
    "one file": "exec /mnt/*.pyz demo",
    "the Debian package": "dpkg --install /mnt/*.deb >&2 && exec csr-exporter demo",
    "pip": "python3 -m venv /opt/venv && /opt/venv/bin/pip install --quiet /mnt/*.whl && "
    "exec /opt/venv/bin/csr-exporter demo",
    "make demo": "cd /opt/sources && exec make demo",
}


@pytest.fixture(scope="module")
def clean(release: Release, debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another such Debian, with the sources as `git clone` would leave them."""
    root = tmp_path_factory.mktemp("clean") / "root"
    said(["cp", "--archive", str(debian), str(root)])
    shutil.copytree(release.sources, root / "opt" / "sources")
    return root


@pytest.mark.parametrize("way", WAYS)
def test_there_is_data(way: str, clean: Path, release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    files, variables = index()
    settings = {**variables, "CSR_EXPORTER_WEB_LISTEN_ADDRESS": "127.0.0.1:0"}
    command = inside(
        clean, "sh", "-c", WAYS[way], writable=True, mnt=release.artefacts, environment=settings, shared=files
    )

    begun = time.monotonic()
    with listening(*command) as demo:
        until(lambda: demo.out or demo.process.poll() is not None, INSTALLING)
        metrics = demo.ready().get("/metrics").text
        seconds = time.monotonic() - begun

    with capsys.disabled():
        print(f"{way}: {seconds:.0f} s")  # noqa: T201 - the figures of the page
    assert "scm_csr_up{" in metrics
