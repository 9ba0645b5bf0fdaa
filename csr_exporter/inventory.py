"""The CSRs of an account as frozen values, and what a poll can meet on the way to them.

Pure, and imports no other room. Times are Unix seconds, durations are seconds, and the current time is an argument.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import accumulate

DOCUMENTED_ALGORITHMS = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2")
"""The key algorithms a query can filter by. Source: "Querying the CSR List", Table 1."""

UNKNOWN = "unknown"
"""Label value for a missing text, and for CSRs that no query explains."""

OTHER = "other"
"""Label value for everything past `MAX_FURTHER_VALUES`."""

MAX_FURTHER_VALUES = 20
"""How many undocumented values of a label get series of their own; anyone who may create CSRs chooses them."""


class Reason(StrEnum):
    """Why a poll failed. Values are label values: add, never rename."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    MALFORMED_REPLY = "malformed_reply"
    CREDENTIALS_UNAVAILABLE = "credentials_unavailable"
    DEADLINE = "deadline"
    INTERNAL = "internal"


RETRIED = (Reason.UNREACHABLE, Reason.TIMEOUT, Reason.THROTTLED, Reason.SERVER_ERROR)
"""Faults that are retried within a poll."""


class Rejection(StrEnum):
    """What was wrong with a record. Values are label values: add, never rename."""

    MISSING_ID = "missing_id"
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_ID = "duplicate_id"
    BAD_CREATE_TIME = "bad_create_time"
    BAD_FIELD = "bad_field"


class Service(StrEnum):
    """The services that requests go to. Values are label values."""

    SCM = "scm"
    IAM = "iam"


class OffsetMode(StrEnum):
    """What the API parameter ``offset`` was found to count. Values are label values."""

    RECORD = "record"
    PAGE = "page"
    PAGE1 = "page1"
    IGNORED = "ignored"
    UNTESTED = "untested"


ADVICE: Mapping[Reason, str] = {
    Reason.UNREACHABLE: "check the endpoint, name resolution, proxy and firewall",
    Reason.TIMEOUT: "check the network and the service's health; request_timeout bounds one request",
    Reason.TLS: "check the certificate, ca_file and anything between that intercepts TLS",
    Reason.UNAUTHORIZED: "check the key, password or token, that it belongs to this site, and this machine's clock",
    Reason.FORBIDDEN: "grant the action scm::listCsr to the user or agency, and check the scope of the token",
    Reason.NOT_FOUND: "check the endpoint; not every site has the CSR API",
    Reason.BAD_REQUEST: "check offset_mode and max_offset; the service refused the query",
    Reason.THROTTLED: "lengthen poll_interval or lower max_requests_per_second",
    Reason.SERVER_ERROR: "the service is failing; the next poll asks again",
    Reason.MALFORMED_REPLY: "check that the endpoint is SCM and that no proxy answers in its place",
    Reason.CREDENTIALS_UNAVAILABLE: "check the file, variable or agency that the credentials come from",
    Reason.DEADLINE: "lengthen poll_timeout or raise max_requests_per_second",
    Reason.INTERNAL: "this is a fault of the exporter; report it with the log",
}
"""What to do about each reason."""


class SourceError(Exception):
    """The CSR list could not be read.

    *detail* is for the log and contains no secrets. No further attempt may be made for *pause* seconds, because the
    service asked for that or would lock the credentials.
    """

    def __init__(self, reason: Reason, detail: str, *, pause: float = 0.0) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went.

    *code* is the HTTP status or ``error``; *clock_skew* is the service's clock minus ours, in seconds.
    """

    service: Service
    code: str
    seconds: float
    clock_skew: float | None = None


@dataclass(frozen=True, slots=True)
class Csr:
    """One certificate signing request held by the account.

    Texts are valid UTF-8 without control characters, at most 256 characters long, and empty if missing. A time is None
    if missing or absurd.
    """

    id: str
    name: str = ""
    domain: str = ""
    sans: tuple[str, ...] = ()
    algorithm: str = ""
    usage: str = ""
    company_name: str = ""
    company_country: str = ""
    company_province: str = ""
    company_city: str = ""
    created_at: float | None = None
    updated_at: float | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One request for a page of the CSR list. Source: "Querying the CSR List", Table 1.

    *limit* may be 10, 20 or 50, *name* at most 32 characters, *algorithm* one of the documented ones. What *offset*
    counts is not documented and has to be found out.
    """

    offset: int = 0
    limit: int = 50
    name: str | None = None
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One reply to a `Query`.

    *entries* counts all records, usable or not; *csrs* are the usable ones, each id once, in the service's order.
    *total* is the number of CSRs that match the query, None if the reply does not say.
    """

    csrs: tuple[Csr, ...]
    total: int | None
    entries: int
    rejected: Mapping[Rejection, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The CSRs of an account as one poll read them.

    *reported* is the service's own count, None if it gave no reliable one. *by_algorithm* counts by the service's name
    for the algorithm (empty for none) and adds up to *reported*; it is empty when that is None. *complete* says that
    every reported CSR was read and the list did not change meanwhile. *slices* counts the queries that differ in more
    than the offset. *carried* counts the CSRs that this poll did not read, but proved to be still there.
    """

    csrs: tuple[Csr, ...]
    reported: int | None
    by_algorithm: Mapping[str, int]
    complete: bool
    offset_mode: OffsetMode = OffsetMode.UNTESTED
    requests: int = 1
    slices: int = 1
    carried: int = 0

    @property
    def missing(self) -> int | None:
        """How many reported CSRs were not read; None if the service does not say how many there are."""
        return None if self.reported is None else self.reported - len(self.csrs)


@dataclass(frozen=True, slots=True)
class CreationTimes:
    """When the CSRs of one algorithm were created, so that their ages follow without looking at each."""

    ascending: tuple[float, ...]
    sums: tuple[float, ...]
    """``sums[i]`` is the sum of the first *i* times."""

    @classmethod
    def of(cls, times: Iterable[float]) -> CreationTimes:
        ascending = tuple(sorted(times))
        return cls(ascending, tuple(accumulate(ascending, initial=0.0)))

    def distribution(self, buckets: Sequence[float], now: float) -> tuple[int, ...]:
        """How many CSRs are at most as old as each of *buckets*, in seconds."""
        count = len(self.ascending)
        return tuple(count - bisect_left(self.ascending, now - bucket) for bucket in buckets)

    def sum_of_ages(self, now: float) -> float:
        """The sum of all ages; a CSR from the future has age 0."""
        past = bisect_right(self.ascending, now)
        return max(0.0, past * now - self.sums[past])


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of an inventory as a whole, with a bounded number of label values."""

    by_algorithm: Mapping[str, int]
    by_usage: Mapping[str, int]
    creation_times: Mapping[str, CreationTimes]
    domains: int
    duplicate_domains: int
    wildcard_domains: int

    @property
    def oldest(self) -> float | None:
        """When the oldest listed CSR was created; None if no creation time is known."""
        return min((times.ascending[0] for times in self.creation_times.values()), default=None)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An inventory and its summary. Compared by identity, so that renderings can be cached for it."""

    inventory: Inventory

    @cached_property
    def summary(self) -> Summary:
        return summarize(self.inventory)


def summarize(inventory: Inventory) -> Summary:
    """Count and group what *inventory* holds."""
    csrs = inventory.csrs
    algorithms = Counter(csr.algorithm for csr in csrs) | Counter(inventory.by_algorithm)
    label = bounded_labels(algorithms, always=DOCUMENTED_ALGORITHMS)
    documented = {} if inventory.reported is None else dict.fromkeys(DOCUMENTED_ALGORITHMS, 0)
    times: dict[str, list[float]] = {}
    for csr in csrs:
        if csr.created_at is not None:
            times.setdefault(label[csr.algorithm], []).append(csr.created_at)
    usages = Counter(csr.usage for csr in csrs)
    primary = Counter(csr.domain.casefold() for csr in csrs if csr.domain)
    covered = set(primary).union(san.casefold() for csr in csrs for san in csr.sans)
    return Summary(
        by_algorithm=documented | _by_label(inventory.by_algorithm, label),
        by_usage=_by_label(usages, bounded_labels(usages)),
        creation_times={name: CreationTimes.of(each) for name, each in sorted(times.items())},
        domains=len(covered),
        duplicate_domains=sum(1 for count in primary.values() if count > 1),
        wildcard_domains=sum(1 for domain in covered if domain.startswith("*.")),
    )


def _by_label(counts: Mapping[str, int], label: Mapping[str, str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for text, count in counts.items():
        found[label[text]] += count
    return dict(found)


def bounded_labels(counts: Mapping[str, int], always: Sequence[str] = ()) -> dict[str, str]:
    """The label value for each text in *counts*: itself, `UNKNOWN` for an empty one, `OTHER` past the bound.

    Those in *always* are kept; of the others the `MAX_FURTHER_VALUES` most frequent.
    """
    further = sorted((text for text in counts if text and text not in always), key=lambda text: (-counts[text], text))
    labels = {text: text for text in (*always, *further[:MAX_FURTHER_VALUES])}
    return labels | dict.fromkeys(further[MAX_FURTHER_VALUES:], OTHER) | {"": UNKNOWN}


# --- what changed -----------------------------------------------------------------------------------------------------


class ChangeKind(StrEnum):
    """What happened. Values are a contract: add, never rename."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one CSR. *seen_at* is when the poll ended that saw it, *since* the complete poll before.

    *previous_name* is empty unless it was renamed, and *created_at* is as in `Csr`.
    """

    seen_at: float
    since: float
    account: str
    kind: ChangeKind
    id: str
    name: str
    previous_name: str
    domain: str
    algorithm: str
    created_at: float | None


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes to show, the newest first; without *accounts*, those of all.

    *text* is looked for in ids, names and domains, in upper or lower case. *since* are Unix seconds. *before* is the
    number of a change: the changes that were recorded before that one.
    """

    accounts: tuple[str, ...] = ()
    kind: ChangeKind | None = None
    text: str = ""
    since: float | None = None
    before: int | None = None
    limit: int | None = None


def changes_between(account: str, old: Inventory, since: float, new: Inventory, seen_at: float) -> tuple[Change, ...]:
    """The changes from *old*, read at *since*, to *new*, read at *seen_at*; both have to be complete.

    Only the name of a CSR can change. Source: UpdateCsr.
    """
    before, after = ({csr.id: csr for csr in inventory.csrs} for inventory in (old, new))

    def change(kind: ChangeKind, csr: Csr, previous_name: str = "") -> Change:
        named = (csr.id, csr.name, previous_name, csr.domain, csr.algorithm)
        return Change(seen_at, since, account, kind, *named, csr.created_at)

    def changes() -> Iterator[Change]:
        for csr in old.csrs:
            if csr.id not in after:
                yield change(ChangeKind.REMOVED, csr)
        for csr in new.csrs:
            known = before.get(csr.id)
            if known is None:
                yield change(ChangeKind.ADDED, csr)
            elif known.name != csr.name:
                yield change(ChangeKind.RENAMED, csr, known.name)

    return tuple(changes())
