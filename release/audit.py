"""Whether an advisory is known for a dependency of the release."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release.bill import Component
from release.process import ReleaseError, output


def audit(components: Sequence[Component]) -> None:
    """Ask OSV for advisories on *components*. Raises `ReleaseError` when there are some, or when nobody answers."""
    with tempfile.TemporaryDirectory() as folder:
        pins, verdict = Path(folder) / "pins.txt", Path(folder) / "verdict.json"
        pins.write_text("".join(f"{each.name}=={each.version}\n" for each in components), encoding="utf-8")
        failure = _asked(pins, verdict)
        judged = json.loads(verdict.read_text(encoding="utf-8"))["dependencies"] if verdict.exists() else []
    known = [
        f"{each['name']} {each['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for each in judged
        for found in each["vulns"]
    ]
    if known:
        raise ReleaseError("\n".join(["advisories are known:", *known]))
    if failure or len(judged) != len(components):
        raise ReleaseError(
            f"no verdict: {len(judged)} of {len(components)} dependencies were judged\n{failure}".strip()
        )


def _asked(pins: Path, verdict: Path) -> str:
    """Have pip-audit write its *verdict* on *pins*; the last it said when it failed or found something, else nothing.

    It exits with 1 in both cases, and its verdict tells which it was.
    """
    command = (sys.executable, "-m", "pip_audit", "--vulnerability-service=osv", "--strict", "--no-deps")
    options = ("--disable-pip", "--progress-spinner=off", "--format=json", f"--output={verdict}")
    try:
        output(*command, *options, f"--requirement={pins}", cwd=pins.parent)
    except ReleaseError as error:
        return str(error).strip().splitlines()[-1]
    return ""
