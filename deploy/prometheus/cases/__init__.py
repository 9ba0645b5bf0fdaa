"""What promtool has to find of each alert: when it fires, what it says, when it does not and when it ends."""

from collections.abc import Mapping

from deploy.prometheus.cases.access import ACCESS
from deploy.prometheus.cases.case import Case, Trial
from deploy.prometheus.cases.exporter import EXPORTER
from deploy.prometheus.cases.hygiene import HYGIENE
from deploy.prometheus.cases.trust import TRUST

CASES: Mapping[str, tuple[Case | Trial, ...]] = {
    "hygiene": HYGIENE,
    "trust": TRUST,
    "access": ACCESS,
    "exporter": EXPORTER,
}

__all__ = ["CASES", "Case", "Trial"]
