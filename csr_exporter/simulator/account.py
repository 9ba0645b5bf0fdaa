"""An account of the simulated cloud: its credentials, the behaviour of its API, and the CSRs it starts with."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

OffsetMode = Literal["record", "page", "page1", "ignored"]
"""What `offset` counts, which the reference leaves open: records, pages from 0, pages from 1 (0 being 1), nothing."""

NameMatch = Literal["substring", "prefix", "exact"]
"""How `name` selects, which the reference leaves open."""

MetadataMode = Literal["token", "plain", "no_agency"]
"""What the metadata service of the ECS does: ask for a token first, go without, or have no agency bound to it."""


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """One account. Credentials left empty are derived from the name, so two accounts of one name are the same.

    `records`, when given, is served as it is, in its order and whatever it contains; `csrs` and `seed` are for
    generated records, which come newest first. `max_offset` None accepts any offset. `churn_per_minute` counts
    creations, deletions and renamings together. `latency` and the two lifetimes, of tokens and of temporary keys,
    are in seconds. The two `urns` are those of the identity provider and of the agency it may assume.
    """

    name: str = "production"
    csrs: int = 60
    seed: int = 1
    offset_mode: OffsetMode = "record"
    name_match: NameMatch = "substring"
    name_case_sensitive: bool = True
    max_offset: int | None = 100
    churn_per_minute: float = 0.0
    latency: float = 0.0
    records: tuple[Any, ...] | None = field(default=None, repr=False)
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    security_token: str | None = field(default=None, repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    domain: str = ""
    domain_id: str = ""
    token: str = field(default="", repr=False)
    token_lifetime: float = 86_400.0
    project: str = "cn-north-4"
    metadata: MetadataMode = "token"
    key_lifetime: float = 86_400.0
    idp_id: str = ""
    id_token: str = field(default="", repr=False)
    urns: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        for key, value in _derived(self.name).items():
            if not getattr(self, key):
                object.__setattr__(self, key, value)
        if not any(self.urns):
            agency = f"iam::{self.domain_id}:agency:csr-exporter"
            object.__setattr__(self, "urns", (f"iam::{self.domain_id}:oidcProvider:{self.idp_id}", agency))


def _derived(name: str) -> dict[str, str]:
    """Credentials that look like the real ones: an AK of 20 characters, an SK of 40, an id of 32 hex digits."""
    return {
        "access_key": _text(f"{name} access key", 20).upper(),
        "secret_key": _text(f"{name} secret key", 40),
        "user": f"{name}-exporter",
        "password": _text(f"{name} password", 16),
        "domain": name,
        "domain_id": hashlib.sha256(f"{name} domain".encode()).hexdigest()[:32],
        "idp_id": f"{name}-idp",
        "id_token": f"eyJ{_text(f'{name} id token', 200)}",
        "token": f"MII{_text(f'{name} token', 300)}",
    }


def _text(purpose: str, length: int) -> str:
    """*length* letters and digits that depend on *purpose* alone."""
    digest = hashlib.shake_256(purpose.encode()).digest(length)
    return base64.b32encode(digest).decode().lower()[:length]
