"""Every number that an alert depends on, in one place.

Change one here, run ``make rules``, and the rules and the tables in ``docs/alerts.md`` follow. The cases that promtool
runs quote what the alerts say at these values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from deploy.prometheus.promql import DAY, HOUR, MINUTE, duration

RUNBOOKS = "https://github.com/csr-exporter/csr-exporter/blob/main/docs/runbooks"

DOCUMENTED_ALGORITHMS = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2")
"""What a query of the CSR list can filter by."""


def _span(seconds: float, about: str) -> Any:  # noqa: ANN401 - as `dataclasses.field`
    return field(default=seconds, metadata={"about": about, "words": duration(seconds), "span": True})


def _number(number: float, about: str) -> Any:  # noqa: ANN401 - as `dataclasses.field`
    return field(default=number, metadata={"about": about, "words": f"{number:g}"})


def _share(share: float, about: str) -> Any:  # noqa: ANN401 - as `dataclasses.field`
    return field(default=share, metadata={"about": about, "words": f"{share:.0%}"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When the alerts fire. Spans are in seconds, shares between 0 and 1.

    *compression* divides every span that is lived through, ages of CSRs excepted: rules for a clock that runs so many
    times faster, which `prove` uses.
    """

    old_after: float = _span(365 * DAY, "age of a CSR, and so of its private key, that is worth a look")
    very_old_after: float = _span(730 * DAY, "age that has outlived two yearly renewals")
    allowed_algorithms: tuple[str, ...] = field(
        default=DOCUMENTED_ALGORITHMS,
        metadata={
            "about": "the allow-list of key algorithms; leave out RSA_2048 for a stricter one, SM2 outside China",
            "words": ", ".join(DOCUMENTED_ALGORITHMS),
        },
    )
    growth_window: float = _span(DAY, "window of the slow band of growth")
    growth: float = _number(100, "CSRs more than that window ago")
    burst_window: float = _span(HOUR, "window of the fast band of growth, and of removal")
    burst: float = _number(50, "CSRs more than that window ago")
    removed_many: float = _number(50, "CSRs fewer than that window ago, whatever the share")
    removed_few: float = _number(10, "CSRs fewer than that window ago, if they are also the next share")
    removed_share: float = _share(0.3, "share of an account's CSRs")
    limit_near: float = _share(0.8, "share of the configured limit")
    forecast_from: float = _share(0.5, "share of the limit below which the forecast says nothing")
    forecast_window: float = _span(7 * DAY, "history that the forecast is made from; five sevenths have to be there")
    forecast_ahead: float = _span(14 * DAY, "how far ahead the forecast looks")
    duplicates: float = _number(10, "primary domains that more than one CSR has")
    duplicates_share: float = _share(0.2, "share of all names that CSRs cover")

    stale_polls: float = _number(3, "poll intervals without a good poll")
    very_stale_polls: float = _number(12, "poll intervals without a good poll; sooner if the inventory series end")
    torn_window: float = _span(2 * HOUR, "window for torn walks")
    torn: float = _number(3, "torn walks in it")
    torn_share: float = _share(0.25, "torn walks per poll")
    skew: float = _number(60, "seconds between our clock and the service's; a signature may be off by 15 minutes")
    rejected_window: float = _span(HOUR, "window for rejected records; the alert waits longer, so once is not enough")

    refused_window: float = _span(30 * MINUTE, "how long a refusal counts; after a refused password polls pause 15m")
    credential_left: float = _span(30 * MINUTE, "life left in a credential at a poll that should have renewed it")
    credential_unchanged: float = _span(2 * HOUR, "life of a credential from which on the alert applies")
    throttled_window: float = _span(30 * MINUTE, "window for the share of requests answered 429")
    throttled_share: float = _share(0.1, "requests answered 429 among all")
    failing_window: float = _span(30 * MINUTE, "window of the upper band of failing polls")
    failing_share: float = _share(0.5, "polls that failed in it")
    unreliable_window: float = _span(6 * HOUR, "window of the lower band of failing polls")
    unreliable_share: float = _share(0.1, "polls that failed in it")
    unreliable: float = _number(3, "polls that failed in it, at least")
    unreliable_recent: float = _span(HOUR, "how recent the last failure has to be, lest a past outage be told of")

    exporter_jobs: str = field(
        default=".*csr-exporter.*",
        metadata={"about": "regular expression for the value of `job` of the exporter's targets", "words": None},
    )
    slow_share: float = _share(
        1 / 3, "part of the interval that a poll may take; the default poll_timeout is two fifths of it"
    )
    disagree_window: float = _span(
        30 * MINUTE, "how long replicas may be apart before they disagree; longer than the poll interval"
    )
    remembered: float = _span(DAY, "how long an account that nobody polls any more is remembered")
    replicas: int | None = field(
        default=None,
        metadata={"about": "instances that poll each account; without it, as many as poll most accounts", "words": "-"},
    )

    compression: float = 1.0

    def window(self, seconds: float) -> str:
        """*seconds* as PromQL writes a range, by the clock in use."""
        return duration(seconds / self.compression)

    def seconds(self, seconds: float) -> str:
        """*seconds* as a number, by the clock in use."""
        return f"{seconds / self.compression:.10g}"

    @classmethod
    def documented(cls) -> Iterator[tuple[str, str, str]]:
        """Name, default and meaning of each."""
        for each in fields(cls):
            if each.metadata:
                yield each.name, each.metadata["words"] or str(each.default), each.metadata["about"]
