"""Records the commit in what is built, which `csr_exporter.revision` reads, and a readme whose links work anywhere."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).parent))  # what is built is not installed

from csr_exporter import RECORD, UNKNOWN_REVISION, __version__, revision

SITE = "https://github.com/csr-exporter/csr-exporter"
PICTURES = "https://raw.githubusercontent.com/csr-exporter/csr-exporter"


def with_whole_links(text: str, tag: str) -> str:
    """The Markdown *text* with links and pictures of the project as they are at *tag*, for a page elsewhere."""
    text = re.sub(r'(!\[[^]]*\]\(|src(?:set)?=")(?![a-z]+:)', rf"\1{PICTURES}/{tag}/", text)
    return re.sub(r"(\]\()(?![a-z]+:|#)", rf"\1{SITE}/blob/{tag}/", text)


class ReadmeHook(MetadataHookInterface):
    """The readme for the package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        readme = with_whole_links(text, f"v{__version__}")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


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
