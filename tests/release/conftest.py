"""One release for all tests of this folder, and a Debian to try its packages in."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from csr_exporter import __version__
from release import artefacts
from release.sources import ROOT, unpacked
from tests.processes import tool
from tests.release.system import INSTALLING


@dataclass(frozen=True, slots=True)
class Release:
    """A release, its wheel installed in an environment that was empty, and its sdist unpacked."""

    artefacts: Path
    environment: Path
    sources: Path

    @property
    def bill(self) -> str:
        return (self.artefacts / artefacts.BILL).read_text(encoding="utf-8")

    def one(self, ending: str) -> Path:
        (artefact,) = self.artefacts.glob(f"*{ending}")
        return artefact


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("release")
    artefacts.make(ROOT, folder / "dist", folder / "environment")
    sdist = folder / "dist" / f"csr_exporter-{__version__}.tar.gz"
    return Release(folder / "dist", folder / "environment", unpacked(sdist, folder / "sources"))


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a Debian 12 with Python, what the image's base has beside it, and what `make demo` asks for."""
    root = tmp_path_factory.mktemp("debian") / "root"
    packages = "python3,python3-venv,python3-pip,python-is-python3,systemd-standalone-sysusers,ca-certificates,make,git"
    arguments = ("--quiet", "--variant=minbase", f"--include={packages}", "bookworm", str(root))
    command = [str(tool("mmdebstrap", "mmdebstrap")), *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALLING)
    assert result.returncode == 0, result.stderr
    return root
