"""All artefacts of a release, the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from csr_exporter import __version__
from release import packages
from release.bill import Component, bill_of_materials, components, install, licence_list
from release.sources import ReleaseError, built, moment, require_changes, unpacked

BILL = f"csr-exporter-{__version__}.cdx.json"
CHART = Path("deploy/helm/csr-exporter")
DOCKERFILE = Path("deploy/docker/Dockerfile")
CONSTRAINTS = Path("deploy/docker/constraints.txt")
OWNER_MAY_EXECUTE = 0o100


def make(root: Path, into: Path, environment: Path, like: Sequence[Component] = ()) -> None:
    """Make all artefacts of the sources in *root* in the folder *into*, which must be empty.

    The wheel is installed in the folder *environment* to see what it depends on, at the versions in *like*: the newest
    ones change any day. All but the sdist is made from the unpacked sdist, so that no artefact contains what git
    ignores. Raises `ReleaseError`.
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
        (into / f"csr-exporter-{__version__}.tgz").write_bytes(packed(chart(clean, __version__), now))
        install(wheel, environment, like)
        bill = bill_of_materials(environment, clean, __version__, now)
        audited = components(bill)
        with (clean / CONSTRAINTS).open("a", encoding="utf-8") as constraints:
            constraints.writelines(each.pin for each in audited)
        (into / f"csr-exporter-{__version__}-image.tar.gz").write_bytes(packed(context(clean), now))
        packages.make(clean, wheel, into, audited, now)
    (into / BILL).write_text(bill, encoding="utf-8")
    (into / "licences.md").write_text(licence_list(audited, __version__), encoding="utf-8")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(into.iterdir())]
    (into / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def packed(files: Mapping[str, Path], moment: int) -> bytes:
    """A tar.gz of *files* under the names given: sorted, without owner, of no time but *moment* (Unix seconds)."""
    tape = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=tape, mtime=moment) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, file in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = file.stat().st_size
            entry.mtime = moment
            entry.mode = 0o755 if file.stat().st_mode & OWNER_MAY_EXECUTE else 0o644
            archive.addfile(entry, io.BytesIO(file.read_bytes()))
    return tape.getvalue()


def chart(root: Path, version: str) -> dict[str, Path]:
    """The files that ``helm package`` would pack, by name. Raises `ReleaseError` unless the chart has *version*."""
    facts = yaml.safe_load((root / CHART / "Chart.yaml").read_text(encoding="utf-8"))
    for key in ("version", "appVersion"):
        if facts.get(key) != version:
            raise ReleaseError(f"{CHART}/Chart.yaml: {key} is {facts.get(key)}, the package's is {version}")
    return {file.relative_to(root / CHART.parent).as_posix(): file for file in _files_below(root / CHART)}


def context(root: Path) -> dict[str, Path]:
    """The Dockerfile and the files it copies, by name, ready for ``docker build - < FILE``.

    Raises `ReleaseError` if one that is copied is missing.
    """
    dockerfile = (root / DOCKERFILE).read_text(encoding="utf-8")
    files = [root / DOCKERFILE, *root.glob(".dockerignore")]
    for copy in re.findall(r"^COPY (?!.*--from=)(.*)", dockerfile, re.MULTILINE):
        for source in (word for word in copy.split()[:-1] if not word.startswith("--")):
            if not (found := sorted(root.glob(source))):
                raise ReleaseError(f"{DOCKERFILE}: copies {source}, which does not exist")
            files += (file for each in found for file in _files_below(each))
    return {file.relative_to(root).as_posix(): file for file in files}


def _files_below(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
