"""Write the dashboards as JSON: ``python -m grafana``."""

from __future__ import annotations

from pathlib import Path

from grafana import exporter, inventory, overview, policy

FOLDER = Path(__file__).parent


def files() -> dict[Path, str]:
    """Each file with its text."""
    boards = (overview.board(), inventory.board(), policy.board(), exporter.board())
    return {FOLDER / f"{board.uid}.json": board.json() for board in boards}


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")
