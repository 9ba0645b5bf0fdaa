"""Whose a CSR is, whether it is allowed, and until when it is excused: pure functions of inventory and policy.

An inventory is judged once. Whatever depends on the time follows from times sorted then, so a scrape judges nothing.
"""

from csr_exporter.policy.globs import Glob
from csr_exporter.policy.judgement import Finding, Judgement, judge, judged, last_judged
from csr_exporter.policy.rules import NO_POLICY, UNOWNED, Owner, Policy, Rule, Rules, Selector, Waiver

__all__ = [
    "NO_POLICY",
    "UNOWNED",
    "Finding",
    "Glob",
    "Judgement",
    "Owner",
    "Policy",
    "Rule",
    "Rules",
    "Selector",
    "Waiver",
    "judge",
    "judged",
    "last_judged",
]
