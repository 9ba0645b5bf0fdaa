"""What works for each account, what does not and what to do about it: ``csr-exporter check --live``."""

from csr_exporter.diagnosis.examination import examine
from csr_exporter.diagnosis.paste import Served, policy, scrape_config
from csr_exporter.diagnosis.report import Outcome, Report
from csr_exporter.diagnosis.words import verdict, written

__all__ = ["Outcome", "Report", "Served", "examine", "policy", "scrape_config", "verdict", "written"]
