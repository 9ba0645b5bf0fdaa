"""What a user has installed: the exporter and its dependencies, without the tools for working on it.

Some libraries load others where they find them, and look at all that is installed, which takes memory and time.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

import csr_exporter


@cache
def installed() -> Path:
    """A folder of links to all that, which Python can search for modules in place of this environment."""
    directory = tempfile.TemporaryDirectory()
    atexit.register(directory.cleanup)
    folder, package = Path(directory.name), Path(csr_exporter.__file__).parent
    (folder / package.name).symlink_to(package)
    for each in _needed_by(distribution("csr-exporter"), set()):
        for name in {file.parts[0] for file in each.files or ()} - {"..", "__pycache__"}:
            if not (folder / name).exists():  # some share a folder
                (folder / name).symlink_to(Path(str(each.locate_file(name))))
    return folder


def _needed_by(one: Distribution, seen: set[str]) -> Iterator[Distribution]:
    for needed in map(Requirement, one.requires or ()):
        if needed.name in seen or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        seen.add(needed.name)
        found = distribution(needed.name)
        yield found
        yield from _needed_by(found, seen)
