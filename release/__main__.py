"""``python -m release``: the steps of a release, each of which `make` has a target for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TextIO

import click

from release import artefacts, bill, manual
from release.sources import ROOT, ReleaseError

DIST = ROOT / "dist"


@click.group()
def steps() -> None:
    """Make a release."""


@steps.command(name="dist")
@click.option(
    "--bill",
    "published",
    type=click.File(encoding="utf-8"),
    help="Install the versions listed in this bill of materials.",
)
def make_dist(published: TextIO | None) -> None:
    """Make all artefacts in dist/, which must be empty.

    Given the bill of materials of a published release, they are the same bytes as the published ones.
    """
    like = bill.components(published.read()) if published else []
    with tempfile.TemporaryDirectory() as environment:
        artefacts.make(ROOT, DIST, Path(environment), like)
    click.echo((DIST / "SHA256SUMS").read_text(encoding="utf-8"), nl=False)


@steps.command(name="audit")
def audit_dist() -> None:
    """Look for advisories on the dependencies in the bill of materials in dist/."""
    if not (DIST / artefacts.BILL).exists():
        raise ReleaseError(f"dist/{artefacts.BILL} is missing: make dist")
    components = bill.components((DIST / artefacts.BILL).read_text(encoding="utf-8"))
    bill.audit(components)
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
