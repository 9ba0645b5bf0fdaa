"""The list of the dependencies' licences."""

from __future__ import annotations

from collections.abc import Sequence

from release.bill import Component
from release.process import ReleaseError

UNKNOWN = {"", "UNKNOWN", "OSI Approved", "Other/Proprietary License"}
"""What packages declare that says nothing."""


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
