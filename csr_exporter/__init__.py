"""Prometheus exporter for the certificate signing requests in Huawei Cloud SSL Certificate Manager."""

import subprocess
from functools import cache
from pathlib import Path

__version__ = "0.1.0"

RECORD = Path(__file__).with_name("REVISION")
"""Holds the commit in wheels, images and the sdist; hatch_build.py writes it."""

UNKNOWN_REVISION = "unknown"


@cache
def revision() -> str:
    """The commit that this is built from, or that is checked out."""
    if RECORD.exists():
        return RECORD.read_text(encoding="ascii")
    root = RECORD.parent.parent
    if not (root / ".git").exists():
        return UNKNOWN_REVISION
    command = ("git", "-C", root, "rev-parse", "HEAD")
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - no input
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_REVISION
