"""Files that are replaced atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(file: Path, text: str, mode: int = 0o644) -> None:
    """Write *text* to *file*, or to where it links: a reader sees the old or the new text.

    Raises `OSError`; then the old text is still there, and nothing else is left behind.
    """
    target = file.resolve()
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())  # a full disk may show only now
            os.fchmod(new.fileno(), mode)
            Path(new.name).replace(target)
        except BaseException:
            Path(new.name).unlink()
            raise
