"""The Helm chart as ``helm package`` would pack it, but the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import yaml

from release.archive import files_below
from release.process import ReleaseError

CHART = Path("deploy/helm/csr-exporter")


def chart(root: Path, version: str) -> dict[str, Path]:
    """The files of the chart, by their names in the archive. Raises `ReleaseError` unless it is of *version*."""
    facts = yaml.safe_load((root / CHART / "Chart.yaml").read_text(encoding="utf-8"))
    for key in ("version", "appVersion"):
        if facts.get(key) != version:
            raise ReleaseError(f"{CHART}/Chart.yaml: {key} is {facts.get(key)}, the package's is {version}")
    return {file.relative_to(root / CHART.parent).as_posix(): file for file in files_below(root / CHART)}
