"""All artefacts of a release."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from csr_exporter import __version__
from release.archive import packed
from release.bill import Component, bill_of_materials, components, install
from release.chart import CHART, chart
from release.image import DOCKERFILE, context
from release.licences import licence_list
from release.process import ReleaseError
from release.sources import built, moment, require_changes, unpacked

BILL = f"csr-exporter-{__version__}.cdx.json"


def make(root: Path, into: Path, environment: Path, like: Sequence[Component] = ()) -> None:
    """Make all artefacts of the sources in *root*, in the folder *into*, which must be empty.

    The wheel is installed in the folder *environment*, to see what it depends on, at the versions that *like* lists:
    the newest change any day. All but the sdist is made from the unpacked sdist, so that nothing lies in an artefact
    that git ignores. Raises `ReleaseError`.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ReleaseError(f"{into}: is not empty")
    require_changes((root / "CHANGELOG.md").read_text(encoding="utf-8"), __version__)
    now = moment(root)
    sdist = built("sdist", root, into, now)
    with tempfile.TemporaryDirectory() as folder:
        clean = unpacked(sdist, Path(folder))
        wheel = built("wheel", clean, into, now)
        write_deployments(clean, into, now)
        install(wheel, environment, like)
        bill = bill_of_materials(environment, clean, __version__, now)
    (into / BILL).write_text(bill, encoding="utf-8")
    (into / "licences.md").write_text(licence_list(components(bill), __version__), encoding="utf-8")
    (into / "SHA256SUMS").write_text(checksums(into), encoding="utf-8")


def write_deployments(root: Path, into: Path, now: int) -> None:
    """Write the image context and the Helm chart, where *root* has them."""
    if (root / DOCKERFILE).exists():
        (into / f"csr-exporter-{__version__}-image.tar.gz").write_bytes(packed(context(root), now))
    if (root / CHART).exists():
        (into / f"csr-exporter-{__version__}.tgz").write_bytes(packed(chart(root, __version__), now))


def checksums(folder: Path) -> str:
    """A line for each file of *folder*, as ``sha256sum`` prints and checks them."""
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir())
    )
