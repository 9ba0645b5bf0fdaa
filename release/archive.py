"""Archives of the same bytes for the same files."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

OWNER_MAY_EXECUTE = 0o100


def packed(files: Mapping[str, Path], moment: int) -> bytes:
    """A tar.gz of *files* under the names given: in order, of no owner, and of no time but *moment* (Unix seconds)."""
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


def files_below(folder: Path) -> list[Path]:
    """All files in *folder* and its folders."""
    return [file for file in folder.rglob("*") if file.is_file()]
