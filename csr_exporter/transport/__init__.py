"""Requests over HTTP: bounded in time and size, paced, retried, observed; faults as `SourceError`."""

from csr_exporter.transport.transport import CONNECT_TIMEOUT, Observer, Reply, Settings, Transport

__all__ = ["CONNECT_TIMEOUT", "Observer", "Reply", "Settings", "Transport"]
