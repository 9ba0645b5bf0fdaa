"""Reading the CSR list whole through an API that shows a part of it: calibrate, page, divide, prove complete.

Pure over a function that fetches one page; imports `inventory` alone. How it proves: docs/completeness.md.
"""

from csr_exporter.listing.knowledge import Knowledge, Limits, Reading
from csr_exporter.listing.poll import read

__all__ = ["Knowledge", "Limits", "Reading", "read"]
