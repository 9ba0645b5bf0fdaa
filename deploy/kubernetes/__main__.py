"""Writes the manifests for kustomize: ``python -m deploy.kubernetes``."""

from __future__ import annotations

import sys

from deploy.kubernetes.files import files


def main() -> None:
    """Write the files."""
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"wrote {path.name}\n")


if __name__ == "__main__":
    main()
