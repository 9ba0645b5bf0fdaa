"""Credentials: where they come from, how long they are good, and how they sign a request."""

from csr_exporter.cloud.auth.kinds import auth_for
from csr_exporter.cloud.auth.leases import KEY_PAUSE, PASSWORD_PAUSE, Auth, Leases, SharedLease
from csr_exporter.cloud.auth.signing import Credential

__all__ = ["KEY_PAUSE", "PASSWORD_PAUSE", "Auth", "Credential", "Leases", "SharedLease", "auth_for"]
