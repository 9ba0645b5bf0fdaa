"""Requests over HTTP: bounded in time and size, paced, retried, observed; faults as `SourceError`."""

from csr_exporter.transport.transport import Observer, Reply, Settings, Transport

__all__ = ["Observer", "Reply", "Settings", "Transport"]
