"""Writes the manifests for kustomize: ``python -m deploy.kubernetes``."""

from __future__ import annotations

from deploy.kubernetes.files import files
from deploy.writing import write

if __name__ == "__main__":
    write(files())
