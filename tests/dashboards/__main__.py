"""Write the table of what every query returns into the documentation: ``python -m tests.dashboards``."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import structlog

from tests.dashboards import report
from tests.dashboards.stage import stage

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as running:
        report.write(report.table(running))
