"""One `AuthBase` for each kind of credential: how it is got, kept and renewed is its own affair."""

from csr_exporter.cloud.auth.contract import KEY_PAUSE, PASSWORD_PAUSE, Auth
from csr_exporter.cloud.auth.kinds import auth_for
from csr_exporter.cloud.auth.leases import Held, Pool

__all__ = ["KEY_PAUSE", "PASSWORD_PAUSE", "Auth", "Held", "Pool", "auth_for"]
