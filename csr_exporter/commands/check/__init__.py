"""What works for each account, what does not and what to do about it: ``csr-exporter check --live``."""

from csr_exporter.commands.check.examination import examine
from csr_exporter.commands.check.paste import Served, policy, scrape_config
from csr_exporter.commands.check.report import Outcome, Report
from csr_exporter.commands.check.words import verdict, written

__all__ = ["Outcome", "Report", "Served", "examine", "policy", "scrape_config", "verdict", "written"]
