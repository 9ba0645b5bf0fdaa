"""The model of the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationInfo

from csr_exporter.config.credentials import SITES, AnyCredentials, Section, SiteName, with_site
from csr_exporter.config.policy import OwnerConfig, PolicyConfig, WaiverConfig, with_owners
from csr_exporter.config.settings import (
    AnyDuration,
    Duration,
    FilePath,
    ProxyAddress,
    between,
    encrypted_or_allowed,
    web_address,
)


def _endpoint(text: str | None, info: ValidationInfo) -> str | None:
    if "site" in info.data and (text is None) == (info.data["site"] is None):
        raise ValueError("expected either site or endpoint")
    return None if text is None else encrypted_or_allowed(web_address(text), info)


class AccountConfig(Section):
    """One account of Huawei Cloud."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$", description="Value of the label account")
    site: SiteName | None = Field(None, description="Site of the account, or give an endpoint")
    insecure_plain_http: bool = Field(
        default=False,
        description="Allow an http:// endpoint beyond loopback, which shows the credentials to the network",
    )
    endpoint: Annotated[str | None, AfterValidator(_endpoint)] = Field(
        None, validate_default=True, description="URL of SCM, if no site fits"
    )
    limit: int | None = Field(None, ge=1, description="Most CSRs that this account should hold")
    proxy: ProxyAddress | None = Field(
        None, description="Proxy for this account; without it HTTPS_PROXY and NO_PROXY are honoured"
    )
    ca_file: FilePath | None = Field(None, description="Certificate authorities to trust, in PEM")
    insecure_skip_verify: bool = Field(
        default=False,
        description="Do not verify the service's certificate, so that anyone in between can impersonate it",
    )
    offset_mode: Literal["auto", "record", "page", "page1", "none"] = Field(
        "auto", description="What offset counts; auto finds out, none never sends an offset"
    )
    max_offset: int | None = Field(100, ge=0, description="Largest offset to send; null for no limit")
    credentials: Annotated[Annotated[AnyCredentials, Field(discriminator="kind")], AfterValidator(with_site)] = Field(
        description="How to authenticate"
    )

    @property
    def address(self) -> str:
        """URL of SCM for this account."""
        return self.endpoint or SITES[str(self.site)].scm


LabelName = Literal[
    "name",
    "domain_name",
    "private_key_algo",
    "usage",
    "sans",
    "company_name",
    "company_country",
    "company_province",
    "company_city",
]


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("expected each value once")
    return values


class PerCsrConfig(Section):
    """The series of each CSR."""

    enabled: bool = Field(default=True, description="Whether to expose series for each CSR")
    max_series: int = Field(20_000, ge=0, description="Most CSRs per account to expose series for; the oldest are kept")
    labels: Annotated[tuple[LabelName, ...], Field(strict=False), AfterValidator(_distinct)] = Field(
        ("name", "domain_name", "private_key_algo", "usage"),
        description="Labels of scm_csr_info besides account and id",
    )


def _at_least_one(accounts: tuple[AccountConfig, ...]) -> tuple[AccountConfig, ...]:
    if not accounts:
        raise ValueError("expected at least one account")
    return accounts


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)) or not values or values[0] <= 0:
        raise ValueError("expected ascending durations, the first above 0s")
    return values


def _stale_after(value: float | None, info: ValidationInfo) -> float | None:
    interval: float | None = info.data.get("poll_interval")
    if value is None or interval is None:
        return interval and 6 * interval
    if value < interval:
        raise ValueError("expected at least poll_interval")
    return value


class Config(Section):
    """All settings except those for serving, which are command-line flags."""

    poll_interval: Annotated[AnyDuration, between("10s", "1d")] = Field(
        "5m", validate_default=True, description="Time between polls of an account, with jitter"
    )
    poll_timeout: Annotated[AnyDuration, between("1s", "1d")] = Field(
        "2m", validate_default=True, description="Time limit for a whole poll"
    )
    request_timeout: Annotated[AnyDuration, between("1s", "1d")] = Field(
        "20s", validate_default=True, description="Time limit for one request, of which connecting may take 5s"
    )
    stale_after: Annotated[Duration | None, AfterValidator(_stale_after)] = Field(
        None,
        validate_default=True,
        description="Age at which an inventory is no longer exposed; defaults to six times poll_interval",
    )
    max_requests_per_poll: int = Field(500, ge=1, description="Most requests to the CSR list in one poll")
    max_requests_per_second: float = Field(10.0, gt=0, description="Most requests per second for an account")
    age_buckets: Annotated[tuple[Duration, ...], Field(strict=False), AfterValidator(_ascending)] = Field(
        ("7d", "30d", "47d", "100d", "200d", "365d", "398d", "730d"),
        validate_default=True,
        description="Upper bounds of scm_csr_age_distribution_seconds; by default with the longest lifetimes of public "
        "certificates: 398, 200, 100 and 47 days (CA/Browser Forum ballot SC-081v3)",
    )
    per_csr: PerCsrConfig = Field(PerCsrConfig(), description="The series of each CSR")
    accounts: Annotated[tuple[AccountConfig, ...], Field(strict=False), AfterValidator(_at_least_one)] = Field(
        description="The accounts to poll", json_schema_extra={"minItems": 1}
    )
    owners: Annotated[tuple[OwnerConfig, ...], Field(strict=False)] = Field(
        (), description="Whose CSRs are whose: the first entry that matches"
    )
    policy: Annotated[PolicyConfig, AfterValidator(with_owners)] = Field(
        PolicyConfig(), description="The rules that CSRs have to keep"
    )
    waivers: Annotated[tuple[WaiverConfig, ...], Field(strict=False)] = Field(
        (), description="Which CSRs are excused from a rule, and until when"
    )

    def shown(self) -> str:
        """All settings as YAML, defaults included; of a secret, only where it comes from."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def warnings(self) -> Iterator[str]:
        """A sentence for each setting that works but weakens security."""
        for account in self.accounts:
            for name in account.credentials.inline_secrets():
                yield f"{account.name}: {name} is in the configuration file; {name}_file or {name}_env keeps it out"
            if account.insecure_plain_http:
                yield f"{account.name}: insecure_plain_http lets anyone on the network read the credentials"
            if account.insecure_skip_verify:
                yield f"{account.name}: insecure_skip_verify lets anyone on the network impersonate the service"
