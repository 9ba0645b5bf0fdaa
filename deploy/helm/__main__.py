"""Writes the generated files of the chart: ``python -m deploy.helm``."""

from __future__ import annotations

from deploy.helm.files import files
from deploy.writing import write

if __name__ == "__main__":
    write(files())
