"""The bill of materials: what an installation of the wheel consists of, in CycloneDX."""

from __future__ import annotations

import json
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.process import output


@dataclass(frozen=True, slots=True)
class Component:
    """A dependency at the version that was resolved. Licences are identifiers of SPDX where it declares such."""

    name: str
    version: str
    licences: tuple[str, ...]


def install(wheel: Path, environment: Path, like: Sequence[Component]) -> None:
    """Make an empty environment in the folder *environment* and install *wheel* there, with what it depends on.

    Of what *like* lists, exactly that version; of the rest, the newest that there is.
    """
    venv.create(environment, symlinks=True)  # without pip, which would be on the bill
    constraints = environment / "constraints.txt"
    constraints.write_text("".join(f"{each.name}=={each.version}\n" for each in like), encoding="utf-8")
    command = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment / "bin" / "python")
    # Hardly anything runs there, so that to compile it all would take longer than to install it.
    output(*command, "install", "--quiet", "--no-compile", "--constraint", constraints, wheel, cwd=environment)


def bill_of_materials(environment: Path, root: Path, version: str, moment: int) -> str:
    """What *environment* holds, as JSON of CycloneDX 1.6, for the project in *root*.

    Addresses are left out: where a package says that it may be downloaded or discussed proves nothing.
    """
    # Unchecked, because it is changed below; tests/release/test_release.py checks what is published.
    command = (sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate")
    project = root / "pyproject.toml"
    bill = json.loads(
        output(*command, "--pyproject", project, environment, cwd=root, SOURCE_DATE_EPOCH=str(moment)),
        object_hook=_without_addresses,
    )
    # The tool does not know a version that is dynamic.
    bill["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/csr-exporter@{version}"}
    return json.dumps(bill, indent=2) + "\n"


def _without_addresses(item: dict[str, Any]) -> dict[str, Any]:  # the values of JSON are of any type
    return {key: value for key, value in item.items() if key != "externalReferences"}


def components(bill: str) -> list[Component]:
    """The dependencies that *bill* lists."""
    return [
        Component(each["name"], each["version"], _licences(each.get("licenses", [])))
        for each in json.loads(bill)["components"]
    ]


def _licences(declared: list[dict[str, Any]]) -> tuple[str, ...]:
    """An expression or identifiers; the names of classifiers, which are vaguer, only where there is neither."""
    exact = [each.get("expression") or each["license"].get("id") for each in declared]
    named = [each["license"]["name"].rpartition(" :: ")[2] for each in declared if "name" in each.get("license", {})]
    return tuple(filter(None, exact)) or tuple(named)
