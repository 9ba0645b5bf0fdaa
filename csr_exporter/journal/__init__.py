"""What outlasts a process: changes by name, and of each account its counters and last complete inventory."""

from csr_exporter.journal.database import JournalInUseError, NewerJournalError, reading
from csr_exporter.journal.faults import Fault
from csr_exporter.journal.rows import recorded
from csr_exporter.journal.writer import Journal

__all__ = ["Fault", "Journal", "JournalInUseError", "NewerJournalError", "reading", "recorded"]
