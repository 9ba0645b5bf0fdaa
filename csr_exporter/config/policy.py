"""Owners, policy and waivers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema

from csr_exporter.config.credentials import Section
from csr_exporter.config.settings import Duration, between

LONGEST_WAIVER = timedelta(days=400)

Text = Annotated[str, Field(min_length=1)]
Globs = Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
Label = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
"""As the names of accounts are."""

RuleName = Literal["max_age", "allowed_algorithms", "allowed_domains", "owner_required", "superseded_after"]


def _owner(name: str) -> str:
    if name == "unowned":
        raise ValueError("expected another name; unowned stands for CSRs that no entry matches")
    return name


class OwnerConfig(Section):
    """An owner; each of names, domains and accounts that is given must match. Without any, the owner of the rest."""

    owner: Annotated[Label, AfterValidator(_owner)] = Field(description="Value of the label owner")
    names: Globs | None = Field(None, description="Globs of the CSR's name; * is any text, ? one character")
    domains: Globs | None = Field(None, description="Globs of its primary domain or an additional one")
    accounts: Globs | None = Field(None, description="Globs of the account's name")


class PolicyConfig(Section):
    """What is demanded of every CSR; each rule is optional, and without any nothing is judged."""

    max_age: Annotated[Duration, between("1s", "100y")] | None = Field(None, description="Greatest age of a CSR")
    allowed_algorithms: Globs | None = Field(None, description="Key algorithms, as the service names them")
    allowed_domains: Globs | None = Field(
        None, description="Globs, of which one must match the primary domain and each additional one"
    )
    owner_required: bool = Field(default=False, description="Whether an entry of owners must match")
    superseded_after: Duration | None = Field(
        None,
        description="How long a CSR may stay beside a newer one of the account that covers all its names: a hint, "
        "because whether a certificate still uses its key, the list does not tell",
    )


def _day(value: object) -> date:
    """A day as YAML reads it, or as text."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value) if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("expected a day such as 2027-03-31") from None


def _soon(day: date) -> date:
    if day > datetime.now(UTC).date() + LONGEST_WAIVER:
        raise ValueError(f"expected a day at most {LONGEST_WAIVER.days} days ahead; renew the waiver then")
    return day


Day = Annotated[
    date,
    BeforeValidator(_day),
    AfterValidator(_soon),
    PlainSerializer(date.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]


def _narrowed(ids: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
    if ids is None and not any(info.data.get(each, True) for each in ("names", "domains", "accounts")):
        raise ValueError('expected names, domains, accounts or ids; names: ["*"] waives the rule for all CSRs')
    return ids


class WaiverConfig(Section):
    """Excuses CSRs from a rule until a day; each of names, domains, accounts and ids that is given must match."""

    name: Label = Field(description="Value of the label waiver, such as the number of a ticket; unique")
    rule: RuleName = Field(description="The rule that is waived")
    names: Globs | None = Field(None, description="Globs of the CSR's name; * is any text, ? one character")
    domains: Globs | None = Field(None, description="Globs of its primary domain or an additional one")
    accounts: Globs | None = Field(None, description="Globs of the account's name")
    ids: Annotated[Globs | None, AfterValidator(_narrowed)] = Field(
        None, validate_default=True, description="Globs of its id"
    )
    reason: Text = Field(description="Why it is waived")
    until: Day = Field(description="The last day, in UTC, at most 400 days ahead")


def with_owners(policy: PolicyConfig, info: ValidationInfo) -> PolicyConfig:
    """*policy*, unless it demands owners and there are none. Raises `ValueError`."""
    if policy.owner_required and info.data.get("owners") == ():
        raise ValueError("expected owners beside owner_required; without them every CSR breaks it")
    return policy
