"""The faults: how each is prepared, strikes and is mended, and which alerts have to come of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from csr_exporter.simulator import Break, Fault, Latency, RawReply, Status, Throttle, outage
from tests.prove.place import FLEET, Place, write, young_records

YEAR = 365 * 86400
STALE = ("ScmCsrDataStale", "ScmCsrDataVeryStale")
MISSING = frozenset({"CsrExporterAccountsMissing"})

Deed = Callable[[Place], object]


def nothing(_: Place) -> None:
    """What faults do that need no preparation, or cannot be mended."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault. *job* is its account too, unless *prepare* starts exporters of its own.

    *expected* are the alerts that have to come, none at all if there are none.
    """

    job: str
    what: str
    strike: Deed
    expected: frozenset[str] = frozenset()
    mend: Deed | None = None
    prepare: Deed | None = None
    settings: tuple[tuple[str, Any], ...] = ()
    other_clock: bool = False
    held: int = 60


def injected(job: str, what: str, fault: Fault, *expected: str) -> Trouble:
    """A fault of the service that strikes one account until it is cleared."""
    strike: Deed = lambda place: place.simulator.inject(job, fault)  # noqa: E731 - one of many
    return Trouble(job, what, strike, frozenset(expected), lambda place: place.simulator.clear(job))


def added(job: str, what: str, records: Callable[[], Iterator[Any]], *expected: str, **more: Any) -> Trouble:  # noqa: ANN401 - fields of the trouble
    """Records that appear in one account, and are deleted again."""
    before: list[str] = []

    def strike(place: Place) -> None:
        before[:] = [each["id"] for each in place.simulator.records(job)]
        for record in records():
            place.simulator.add(job, record)

    def mend(place: Place) -> None:
        for record in place.simulator.records(job):
            if record["id"] not in before:
                place.simulator.remove(job, record["id"])

    return Trouble(job, what, strike, frozenset(expected), mend, **more)


def changed(seed: int, count: int, **fields: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    for record in young_records(seed, count):
        yield record | fields


def removed(job: str, what: str, count: int, held: int, *expected: str) -> Trouble:
    def strike(place: Place) -> None:
        for record in place.simulator.records(job)[:count]:
            place.simulator.remove(job, record["id"])

    return Trouble(job, what, strike, frozenset(expected), held=held)


def grow(place: Place) -> None:
    for record in young_records(200, 200):
        place.simulator.add("growth", record)


def secret(job: str, what: str, strike: Deed, *expected: str, **more: Any) -> Trouble:  # noqa: ANN401 - fields of the trouble
    def mend(place: Place) -> None:
        write(place.secret_file(job), place.accounts[job].secret_key)

    return Trouble(job, what, strike, frozenset(expected), mend, **more)


def wrong(job: str, place: Place) -> None:
    write(place.secret_file(job), "wrong")


def clock(place: Place, seconds: float) -> None:
    place.ahead = seconds


def half_a_list(place: Place) -> None:
    """Each page holds the same forty of the sixty CSRs."""
    body = json.dumps({"csr_list": place.simulator.records("incomplete")[:40], "total": 60}).encode()
    place.simulator.inject("incomplete", Fault(RawReply(body=body)))


def broken(place: Place) -> None:
    write(place.config_file("reloaded"), "accounts: [")
    place.reload("reloaded")


def whole(place: Place) -> None:
    place.configure("reloaded", [place.account(each) for each in FLEET])
    place.reload("reloaded")


def born(place: Place) -> None:
    wrong("born", place)
    place.configure("born", [place.account("born")])
    place.start("born", "born")


def right(place: Place) -> None:
    write(place.secret_file("born"), place.accounts["born"].secret_key)


def each(*deeds: Deed) -> Deed:
    """One after the other."""
    return lambda place: [deed(place) for deed in deeds]


def ends(name: str) -> Deed:
    return lambda place: place.end(name)


def forgets(name: str) -> Deed:
    return lambda place: place.forget(name)


def remembers(name: str) -> Deed:
    return lambda place: place.remember(name)


def starts(name: str, job: str, shard: str = "0/1") -> Deed:
    return lambda place: place.start(name, job, shard)


def fleet(job: str, *names: str) -> Deed:
    return lambda place: place.fleet(job, *names)


def shards(job: str) -> Deed:
    return lambda place: place.fleet(job, f"{job}-0", f"{job}-1", shards=True)


def taken_out(place: Place) -> None:
    place.configure("smaller", [place.account(each) for each in FLEET[:2]])
    place.reload("smaller")


def hourly(place: Place) -> None:
    place.configure("hourly", [place.account("hourly")], poll_interval="1h")
    place.start("hourly", "hourly")


def one_refused(place: Place) -> None:
    place.fleet("refused", "sound")
    place.configure(
        "refused", [place.account(each) for each in FLEET[1:]] + [place.account("refused") | {"name": FLEET[0]}]
    )
    place.start("refused", "refused")


def judged(place: Place) -> None:
    place.configure("judged", [place.account("judged")], policy={"max_age": "398d"}, owners=[{"owner": "payments"}])
    place.start("judged", "judged")


def waived(job: str, days: int) -> Deed:
    """An exporter of its own, with a rule that every CSR breaks, and a waiver until so many days from now."""

    def configured(place: Place) -> None:
        until = (datetime.now(UTC) + timedelta(days)).date().isoformat()
        waiver = {"name": "PKI-42", "rule": "allowed_algorithms", "names": ["*"], "reason": "migration", "until": until}
        place.configure(job, [place.account(job)], policy={"allowed_algorithms": ["SM2"]}, waivers=[waiver])

    return configured


def waiver(job: str, what: str, days: int, *expected: str) -> Trouble:
    """A waiver that ends in so many days, and is renewed."""
    renewed, reloaded = waived(job, 200), lambda place: place.reload(job)
    # Renewed at once, it would be over before Alertmanager has gathered a message.
    mend = each(lambda place: time.sleep(180 / place.factor), renewed, reloaded)
    return Trouble(
        job, what, each(waived(job, days), reloaded), frozenset(expected), mend, each(renewed, starts(job, job))
    )


def short_outage(place: Place) -> None:
    place.simulator.inject("short", outage(6 * 60 / place.factor))


SERVICE = (
    injected(
        "outage", "outage: every connection is closed without a reply", outage(3600), *STALE, "ScmCsrPollsFailing"
    ),
    injected("failing", "the service answers 500", Fault(Status(500)), *STALE, "ScmCsrPollsFailing"),
    injected("maintenance", "the service answers 503 and sends Retry-After", Fault(Status(503, retry_after=1)), *STALE),
    injected("hang", "the service does not answer", Fault(Break("hang")), *STALE, "ScmCsrPollsFailing"),
    injected("reset", "connections are reset within the reply", Fault(Break("reset", in_body=True)), *STALE),
    injected("malformed", "a proxy answers with a page in HTML", Fault(RawReply(body=b"<html>")), *STALE),
    injected("slow", "each reply takes longer than `poll_timeout`", Fault(Latency(3)), *STALE, "ScmCsrPollsFailing"),
    injected("forbidden", "the permission is withdrawn", Fault(Status(403)), "ScmCsrForbidden", *STALE),
    injected(
        "throttling",
        "almost every request is answered 429",
        Fault(Throttle(per_second=0.2)),
        "ScmCsrPollsThrottled",
        *STALE,
    ),
    Trouble("short", "outage of six minutes", short_outage),
)

CREDENTIALS = (
    secret("secret", "wrong secret in the secret file", partial(wrong, "secret"), "ScmCsrUnauthorized", *STALE),
    secret(
        "gone",
        "the secret file is gone",
        lambda place: place.secret_file("gone").unlink(),
        "ScmCsrCredentialsUnavailable",
        *STALE,
    ),
    secret(
        "empty",
        "the secret file is empty",
        lambda place: write(place.secret_file("empty"), ""),
        "ScmCsrCredentialsUnavailable",
        *STALE,
    ),
    secret(
        "hourly",
        "wrong secret, polls an hour apart",
        partial(wrong, "hourly"),
        "ScmCsrUnauthorized",
        "ScmCsrDataStale",
        prepare=hourly,
    ),
    secret(
        "refused",
        "wrong secret of one of two replicas",
        partial(wrong, "refused"),
        "ScmCsrUnauthorized",
        prepare=one_refused,
    ),
)

INVENTORY = (
    removed("removal", "deletion of 40 of 60 CSRs", 40, 60, "ScmCsrMassRemoval", "ScmCsrUnexpectedRemoval"),
    removed("small", "deletion of all 9 CSRs", 9, 9, "ScmCsrMassRemoval", "ScmCsrUnexpectedRemoval"),
    Trouble("growth", "200 new CSRs at once", grow, frozenset({"ScmCsrGrowthBurst", "ScmCsrUnexpectedGrowth"})),
    added(
        "limit",
        "an account of 60 CSRs reaches its limit of 80",
        lambda: changed(80, 20),
        "ScmCsrLimitReached",
        settings=(("limit", 80),),
    ),
    added(
        "weak",
        "a CSR with a key of RSA_1024",
        lambda: changed(1024, 1, private_key_algo="RSA_1024"),
        "ScmCsrDisallowedAlgorithm",
    ),
    added(
        "old",
        "a CSR that is three years old",
        lambda: changed(3, 1, create_time=round(1000 * (time.time() - 3 * YEAR))),
        "ScmCsrKeyOld",
        "ScmCsrKeyVeryOld",
    ),
    added(
        "ageless",
        "a CSR without `create_time`",
        lambda: changed(4, 1, create_time=None),
        "ScmCsrAgesUnknown",
    ),
    added("bad-field", "a CSR with a number for a name", lambda: changed(5, 1, name=7), "ScmCsrRecordsRejected"),
    Trouble(
        "incomplete",
        "20 of 60 CSRs cannot be read",
        half_a_list,
        frozenset({"ScmCsrInventoryIncomplete", "ScmCsrAgesUnknown"}),
        lambda place: place.simulator.clear("incomplete"),
    ),
)

POLICY = (
    added(
        "judged",
        "a CSR older than the `max_age` of a policy",
        lambda: changed(6, 1, create_time=round(1000 * (time.time() - 2 * YEAR))),
        "ScmCsrPolicyViolated",
        prepare=judged,
    ),
    waiver("ending", "a waiver that ends tomorrow", 1, "ScmCsrWaiverExpiring"),
    waiver("ended", "a waiver that ended yesterday", -1, "ScmCsrWaiverExpired", "ScmCsrPolicyViolated"),
)

CLOCKS = (
    Trouble(
        "clock",
        "a clock that is off by an hour",
        partial(clock, seconds=3600),
        frozenset({"ScmCsrClockSkew", "ScmCsrDataVeryStale"}),
        partial(clock, seconds=0),
        other_clock=True,
    ),
)

EXPORTERS = (
    Trouble(
        "down",
        "the only exporter is down",
        ends("alone"),
        frozenset({"CsrExporterDown"}),
        starts("alone", "down"),
        fleet("down", "alone"),
    ),
    Trouble(
        "replica",
        "one of two replicas is down",
        ends("second"),
        frozenset({"CsrExporterReplicaDown"}),
        starts("second", "replica"),
        fleet("replica", "first", "second"),
    ),
    Trouble(
        "shard",
        "one of two shards is down",
        ends("shard-1"),
        MISSING | {"CsrExporterReplicaDown"},
        starts("shard-1", "shard", "1/2"),
        shards("shard"),
    ),
    Trouble(
        "untargeted",
        "one of two shards is no longer a target",
        forgets("untargeted-1"),
        MISSING,
        remembers("untargeted-1"),
        shards("untargeted"),
    ),
    Trouble(
        "numbers",
        "two shards have the same number",
        each(ends("numbers-1"), starts("numbers-1", "numbers", "0/2")),
        MISSING,
        each(ends("numbers-1"), starts("numbers-1", "numbers", "1/2")),
        shards("numbers"),
    ),
    Trouble(
        "reload",
        "a broken configuration is loaded",
        broken,
        frozenset({"CsrExporterConfigReloadFailed"}),
        whole,
        fleet("reload", "reloaded"),
    ),
    Trouble(
        "smaller", "two accounts are taken out of the configuration", taken_out, prepare=fleet("smaller", "smaller")
    ),
    Trouble(
        "born",
        "a new exporter whose secret is wrong from the start",
        born,
        frozenset({"ScmCsrUnauthorized", "ScmCsrNeverSucceeded"}),
        right,
        nothing,
    ),
)

TROUBLES = (*EXPORTERS, *SERVICE, *CREDENTIALS, *CLOCKS, *INVENTORY, *POLICY)
