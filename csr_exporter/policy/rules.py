"""Owners, rules and waivers as frozen values. Times are Unix seconds, durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from csr_exporter.inventory import Csr
from csr_exporter.policy.globs import Glob

UNOWNED = "unowned"
"""Label value for CSRs that no entry of the owners matches."""


class Rule(StrEnum):
    """What a policy can demand. Values are label values and keys of the configuration: add, never rename."""

    MAX_AGE = "max_age"
    ALLOWED_ALGORITHMS = "allowed_algorithms"
    ALLOWED_DOMAINS = "allowed_domains"
    OWNER_REQUIRED = "owner_required"
    SUPERSEDED_AFTER = "superseded_after"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a CSR that globs are matched with, casefolded; *domains* are its primary domain and its SANs."""

    id: str
    name: str
    domains: tuple[str, ...]

    @classmethod
    def of(cls, csr: Csr) -> Texts:
        domains = dict.fromkeys(domain.casefold() for domain in (csr.domain, *csr.sans) if domain)
        return cls(csr.id.casefold(), csr.name.casefold(), tuple(domains))


@dataclass(frozen=True, slots=True)
class Selector:
    """Selects CSRs: of each kind of globs that is given, one has to match. Without any it selects all."""

    names: tuple[Glob, ...] = ()
    domains: tuple[Glob, ...] = ()
    accounts: tuple[Glob, ...] = ()
    ids: tuple[Glob, ...] = ()

    def selects_from(self, account: str) -> bool:
        """Whether it may select CSRs of *account*."""
        return not self.accounts or any(glob.matches(account.casefold()) for glob in self.accounts)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns the CSRs that *selector* selects, unless an earlier entry does."""

    name: str
    selector: Selector


@dataclass(frozen=True, slots=True)
class Rules:
    """What is demanded of each CSR; None and False demand nothing."""

    max_age: float | None = None
    allowed_algorithms: frozenset[str] | None = None
    allowed_domains: tuple[Glob, ...] | None = None
    owner_required: bool = False
    superseded_after: float | None = None

    @property
    def in_force(self) -> tuple[Rule, ...]:
        demanded: dict[Rule, object] = {rule: getattr(self, rule) for rule in Rule}
        return tuple(rule for rule, value in demanded.items() if value is not None and value is not False)


@dataclass(frozen=True, slots=True)
class Waiver:
    """Excuses the CSRs that *selector* selects from *rule*, up to the time *until*."""

    name: str
    rule: Rule
    selector: Selector
    until: float


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it. Of *owners* the first that selects a CSR owns it."""

    owners: tuple[Owner, ...] = ()
    rules: Rules = Rules()
    waivers: tuple[Waiver, ...] = ()


NO_POLICY = Policy()
"""Judges nothing."""
