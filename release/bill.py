"""The bill of materials: what an installation of the wheel consists of, its licences, and what is known against it."""

from __future__ import annotations

import json
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.sources import ReleaseError, output

UNKNOWN = {"", "UNKNOWN", "OSI Approved", "Other/Proprietary License"}
"""Licences that packages declare and that say nothing."""


@dataclass(frozen=True, slots=True)
class Component:
    """A dependency at the version that was resolved. Licences are SPDX identifiers where it declares any."""

    name: str
    version: str
    licences: tuple[str, ...]

    @property
    def pin(self) -> str:
        return f"{self.name}=={self.version}\n"


def install(wheel: Path, environment: Path, like: Sequence[Component]) -> None:
    """Install *wheel* and its dependencies in a new environment in the folder *environment*.

    What *like* lists gets exactly that version, the rest the newest there is.
    """
    venv.create(environment, symlinks=True)  # without pip, which would be on the bill
    constraints = environment / "constraints.txt"
    constraints.write_text("".join(each.pin for each in like), encoding="utf-8")
    command = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment / "bin" / "python")
    # Hardly anything runs there, so compiling it all would take longer than installing it.
    output(*command, "install", "--quiet", "--no-compile", "--constraint", constraints, wheel, cwd=environment)


def bill_of_materials(environment: Path, root: Path, version: str, moment: int) -> str:
    """What *environment* holds, as CycloneDX 1.6 JSON, for the project in *root*.

    Addresses are left out: where a package says that it may be downloaded or discussed proves nothing.
    """
    # Unchecked, because it is changed below; tests/release/test_release.py checks what is published.
    command = (sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate")
    project = root / "pyproject.toml"
    bill = json.loads(
        output(*command, "--pyproject", project, environment, cwd=root, SOURCE_DATE_EPOCH=str(moment)),
        object_hook=lambda item: {key: value for key, value in item.items() if key != "externalReferences"},
    )
    # The tool does not know a dynamic version.
    bill["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/csr-exporter@{version}"}
    return json.dumps(bill, indent=2) + "\n"


def components(bill: str) -> list[Component]:
    """The dependencies that *bill* lists."""
    return [
        Component(each["name"], each["version"], _licences(each.get("licenses", [])))
        for each in json.loads(bill)["components"]
    ]


def _licences(declared: list[dict[str, Any]]) -> tuple[str, ...]:  # the values of JSON are of any type
    """An expression or identifiers; the names of classifiers, which are vaguer, only where there is neither."""
    exact = [each.get("expression") or each["license"].get("id") for each in declared]
    named = [each["license"]["name"].rpartition(" :: ")[2] for each in declared if "name" in each.get("license", {})]
    return tuple(filter(None, exact)) or tuple(named)


def licence_list(components: Sequence[Component], version: str) -> str:
    """A table in Markdown. Raises `ReleaseError` with all dependencies whose licence is not known."""
    if unknown := [each for each in components if not set(each.licences) - UNKNOWN]:
        raise ReleaseError("\n".join(f"{each.name} {each.version}: its licence is not known" for each in unknown))
    rows = [
        f"| {each.name} | {each.version} | {', '.join(each.licences)} |"
        for each in sorted(components, key=lambda each: each.name.casefold())
    ]
    title = f"# Licences of what csr-exporter {version} depends on"
    return "\n".join([title, "", "| package | version | licence |", "| --- | --- | --- |", *rows, ""])


def audit(components: Sequence[Component]) -> None:
    """Ask OSV for advisories on *components*. Raises `ReleaseError` if there are any, or if OSV does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(each.pin for each in components), encoding="utf-8")
        command = (sys.executable, "-m", "pip_audit", "--vulnerability-service=osv", "--progress-spinner=off")
        # Strict: a dependency that cannot be judged is a failure too.
        options = ("--strict", "--no-deps", "--disable-pip", f"--requirement={pins}")
        output(*command, *options, cwd=pins.parent)
