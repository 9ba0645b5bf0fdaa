"""Unit tests for promtool that are made by ours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.processes import DEADLINE, tool


def tried(test: Mapping[str, Any], folder: Path, *rule_files: Path) -> subprocess.CompletedProcess[str]:
    """What promtool says of *test* with the rules in *rule_files*."""
    content = {"rule_files": [str(each) for each in rule_files], "evaluation_interval": "1m", "tests": [test]}
    file = folder / "tests.yml"
    file.write_text(json.dumps(content), encoding="utf-8")
    command: list[str | Path] = [tool("promtool", "prometheus"), "test", "rules", file]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)
