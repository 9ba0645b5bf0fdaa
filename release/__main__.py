"""``python -m release``: the steps of a release, each of which `make` has a target for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TextIO

import click

from release import audit, bill, dist, manual
from release.process import ReleaseError
from release.sources import ROOT

DIST = ROOT / "dist"


@click.group()
def steps() -> None:
    """Make a release."""


@steps.command(name="dist")
@click.option(
    "--bill", "published", type=click.File(encoding="utf-8"), help="Install the versions that this one lists."
)
def make_dist(published: TextIO | None) -> None:
    """Make all artefacts in dist/, which must be empty.

    With the bill of materials of a published release they are the same bytes as the published ones.
    """
    like = bill.components(published.read()) if published else []
    with tempfile.TemporaryDirectory() as environment:
        dist.make(ROOT, DIST, Path(environment), like)
    click.echo((DIST / "SHA256SUMS").read_text(encoding="utf-8"), nl=False)


@steps.command(name="audit")
def audit_dist() -> None:
    """Ask for advisories on the dependencies that the bill of materials in dist/ lists."""
    if not (DIST / dist.BILL).exists():
        raise ReleaseError(f"dist/{dist.BILL} is missing: make dist")
    components = bill.components((DIST / dist.BILL).read_text(encoding="utf-8"))
    audit.audit(components)
    click.echo(f"{len(components)} dependencies, no advisory known")


@steps.command(name="manual")
def write_manual() -> None:
    """Write man pages, completions and the JSON Schema of the configuration."""
    for path, text in manual.files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        steps()
    except ReleaseError as error:
        raise SystemExit(str(error)) from None
