"""Writes what follows from the templates: ``python -m deploy.prometheus``."""

from __future__ import annotations

from deploy.prometheus.files import files
from deploy.writing import write

if __name__ == "__main__":
    write(files())
