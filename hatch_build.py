"""Records the commit in what is built: `csr_exporter.revision` reads it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))  # what is built is not installed

from csr_exporter import RECORD, UNKNOWN_REVISION, revision


class RevisionHook(BuildHookInterface[Any]):
    """Adds the file `RECORD` to wheel and sdist. An image is built without git and names the commit in a variable."""

    _folder: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        commit = os.environ.get("CSR_EXPORTER_REVISION") or revision()
        if version == "editable" or commit == UNKNOWN_REVISION:
            return
        self._folder = TemporaryDirectory()
        record = Path(self._folder.name) / RECORD.name
        record.write_text(commit, encoding="ascii")
        build_data["force_include"][str(record)] = f"csr_exporter/{RECORD.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatch's signature
        if self._folder:
            self._folder.cleanup()
