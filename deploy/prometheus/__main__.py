"""Writes what follows from the code: ``python -m deploy.prometheus``."""

from __future__ import annotations

import sys

from deploy.prometheus.files import files


def main() -> None:
    """Write the files."""
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote {path.name}\n")


if __name__ == "__main__":
    main()
