"""Statuses in, families out: the exposition as a reader sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from csr_exporter.exposition import TEXT
from csr_exporter.inventory import Exchange, Reason, Service, SourceError
from csr_exporter.metrics import Exposed, exporter_families, families
from csr_exporter.policy import Glob, Owner, Policy, Rule, Rules, Selector, Waiver
from csr_exporter.status import Account, Churn, Reloads, Status, Traffic
from tests.fakes import DAY, NOW, a_csr, a_status

EXPECTED = Path(__file__).parents[1] / "data" / "exposition.txt"


def text(*statuses: Status, exposed: Exposed | None = None, now: float = NOW) -> str:
    return TEXT.write(families(statuses, exposed or Exposed(), now)).decode()


def samples(of: str, name: str) -> list[str]:
    return [line for line in of.splitlines() if line.startswith((f"{name}{{", f"{name} "))]


def a_rich_status() -> Status:
    status = a_status(
        a_csr("1", sans=("www.shop.example", "*.shop.example")),
        a_csr("2", algorithm="", usage="", created_at=None, updated_at=None),
        a_csr("3", algorithm="RSA_1024", name='a "quoted"\\name', created_at=NOW - 2 * DAY),
        account=Account("production", limit=500),
        churn=Churn(added=1, removed=2, renamed=3),
        credential_expires_at=NOW + 3600,
        credential_renewals=4,
        next_poll=NOW + 300,
    )
    traffic = (
        Traffic().after(Exchange(Service.SCM, "200", 0.2, clock_skew=-1.5)).after_retry(Service.SCM, Reason.TIMEOUT)
    )
    return replace(status, traffic=traffic)


def test_the_whole_exposition_of_an_account_reads_like_this() -> None:
    assert text(a_rich_status(), now=NOW + 60) == EXPECTED.read_text(encoding="utf-8")


def test_an_account_that_was_never_polled_has_no_inventory_but_all_its_failures_at_zero() -> None:
    exposition = text(Status(Account("production")))

    assert samples(exposition, "scm_csrs") == []
    assert samples(exposition, "scm_csr_reported") == []
    assert samples(exposition, "scm_csr_up") == ['scm_csr_up{account="production"} 0.0']
    assert samples(exposition, "csr_exporter_last_success_timestamp_seconds") == []
    failures = samples(exposition, "csr_exporter_poll_failures_total")
    assert len(failures) == len(Reason)
    assert all(line.endswith(" 0.0") for line in failures)


def test_a_failing_account_keeps_its_inventory_and_is_down() -> None:
    status = a_status(a_csr()).after_failure(SourceError(Reason.TLS, ""), NOW + 60, 0.1)

    exposition = text(status, now=NOW + 60)

    assert samples(exposition, "scm_csr_up") == ['scm_csr_up{account="production"} 0.0']
    assert samples(exposition, "scm_csr_reported") == ['scm_csr_reported{account="production"} 1.0']
    assert 'csr_exporter_poll_failures_total{account="production",reason="tls"} 1.0' in exposition


def test_a_stale_inventory_goes_as_a_whole_and_what_tells_of_it_stays() -> None:
    status = a_status(a_csr(), account=Account("production", stale_after=1800, limit=5))
    fresh, stale = (text(status, now=NOW + seconds) for seconds in (1800, 1801))

    gone = {line.split("{")[0] for line in fresh.splitlines()} - {line.split("{")[0] for line in stale.splitlines()}

    assert {name for name in gone if not name.startswith("#")} == {
        "scm_csrs",
        "scm_csr_reported",
        "scm_csr_listed",
        "scm_csr_inventory_complete",
        "scm_csrs_by_usage",
        "scm_csr_oldest_create_timestamp_seconds",
        "scm_csr_newest_create_timestamp_seconds",
        "scm_csr_oldest_age_seconds",
        "scm_csr_newest_age_seconds",
        "scm_csr_age_distribution_seconds_bucket",
        "scm_csr_age_distribution_seconds_gcount",
        "scm_csr_age_distribution_seconds_gsum",
        "scm_csr_domains",
        "scm_csr_duplicate_domains",
        "scm_csr_wildcard_domains",
        "scm_csr_info",
        "scm_csr_create_timestamp_seconds",
        "scm_csr_update_timestamp_seconds",
        "scm_csr_age_seconds",
        "scm_csr_sans",
    }


def test_ages_are_those_at_the_scrape_in_whole_seconds_and_never_negative() -> None:
    status = a_status(a_csr("1", created_at=NOW - 100.6), a_csr("2", created_at=NOW + 100))

    first, second = (samples(text(status, now=NOW + later), "scm_csr_age_seconds") for later in (0, 50))

    assert [line.split()[-1] for line in first] == ["101.0", "0.0"]
    assert [line.split()[-1] for line in second] == ["151.0", "0.0"]


def test_per_csr_series_can_be_switched_off() -> None:
    exposition = text(a_status(a_csr()), exposed=Exposed(per_csr=False))

    assert samples(exposition, "scm_csr_info") == []
    assert samples(exposition, "scm_csr_age_seconds") == []
    assert samples(exposition, "scm_csr_oldest_age_seconds") != []
    assert samples(exposition, "csr_exporter_series_dropped") == [
        'csr_exporter_series_dropped{account="production"} 0.0'
    ]


def test_past_the_cap_the_oldest_keep_their_series_and_the_rest_is_counted() -> None:
    csrs = [a_csr(f"{days}", created_at=NOW - days * DAY) for days in (1, 5, 3)] + [a_csr("none", created_at=None)]

    exposition = text(a_status(*csrs), exposed=Exposed(max_series=2, labels=()))

    assert samples(exposition, "scm_csr_info") == [
        'scm_csr_info{account="production",id="5"} 1.0',
        'scm_csr_info{account="production",id="3"} 1.0',
    ]
    assert samples(exposition, "csr_exporter_series_dropped") == [
        'csr_exporter_series_dropped{account="production"} 2.0'
    ]


def test_labels_of_a_csr_are_chosen() -> None:
    csr = a_csr("1", sans=("a.example", "b.example"), company_name="北京公司", company_country="CN")

    exposition = text(a_status(csr), exposed=Exposed(labels=("sans", "company_name", "company_country")))

    assert samples(exposition, "scm_csr_info") == [
        'scm_csr_info{account="production",company_country="CN",company_name="北京公司",id="1",'
        'sans="a.example;b.example"} 1.0'
    ]


def test_the_exporter_tells_its_version_and_configuration() -> None:
    exposition = TEXT.write(exporter_families(Reloads("abc", NOW))).decode()

    assert samples(exposition, "csr_exporter_config_hash_info") == ['csr_exporter_config_hash_info{hash="abc"} 1.0']
    assert samples(exposition, "csr_exporter_config_last_reload_successful") == [
        "csr_exporter_config_last_reload_successful 1.0"
    ]


OWNERS = (Owner("payments", Selector(names=(Glob.of("pay-*"),))),)
RULES = Rules(max_age=365 * DAY, allowed_algorithms=frozenset({"EC_P256"}))
UNTIL = NOW + 7 * DAY
WAIVER = Waiver("PKI-42", Rule.MAX_AGE, Selector(names=(Glob.of("pay-old"),)), until=UNTIL)
POLICED = a_status(
    a_csr("1", name="pay-old", created_at=NOW - 400 * DAY),
    a_csr("2", name="shop", created_at=NOW - 364 * DAY, algorithm="RSA_2048"),
    last_success=NOW + 7 * DAY,
)


def test_violations_are_counted_by_rule_and_owner_and_what_is_waived_apart() -> None:
    exposition = text(POLICED, exposed=Exposed(policy=Policy(OWNERS, RULES, (WAIVER,))))

    assert samples(exposition, "scm_csrs_by_owner") == [
        'scm_csrs_by_owner{account="production",owner="unowned"} 1.0',
        'scm_csrs_by_owner{account="production",owner="payments"} 1.0',
    ]
    assert samples(exposition, "scm_csr_policy_violations") == [
        'scm_csr_policy_violations{account="production",owner="unowned",rule="max_age"} 0.0',
        'scm_csr_policy_violations{account="production",owner="unowned",rule="allowed_algorithms"} 1.0',
        'scm_csr_policy_violations{account="production",owner="payments",rule="max_age"} 0.0',
    ]
    assert samples(exposition, "scm_csr_policy_waived") == [
        'scm_csr_policy_waived{account="production",rule="max_age"} 1.0',
        'scm_csr_policy_waived{account="production",rule="allowed_algorithms"} 0.0',
    ]
    assert samples(exposition, "scm_csr_violation") == [
        'scm_csr_violation{account="production",id="2",name="shop",owner="unowned",rule="allowed_algorithms"} 1.0'
    ]
    assert 'id="1",name="pay-old",owner="payments"' in samples(exposition, "scm_csr_info")[0]


def test_when_a_csr_reaches_the_age_or_a_waiver_its_end_the_next_scrape_tells_without_a_poll() -> None:
    exposed = Exposed(policy=Policy((), RULES, (WAIVER,)))
    series = 'scm_csr_policy_violations{account="production",rule="max_age"}'

    counts = [
        [line for line in text(POLICED, exposed=exposed, now=now).splitlines() if line.startswith(series)]
        for now in (NOW, NOW + DAY, UNTIL - 1, UNTIL)
    ]

    assert counts == [[f"{series} {count}"] for count in (0.0, 1.0, 1.0, 2.0)]
    ended = text(POLICED, exposed=exposed, now=UNTIL)
    assert samples(ended, "scm_csr_policy_waived")[0].endswith(" 0.0")
    assert samples(ended, "scm_csr_waiver_matches") == [
        'scm_csr_waiver_matches{account="production",rule="max_age",waiver="PKI-42"} 1.0'
    ]


def test_violations_of_single_csrs_keep_to_the_bound_of_their_series() -> None:
    policy = Policy(rules=Rules(max_age=DAY))

    of_one = text(POLICED, exposed=Exposed(policy=policy, max_series=1))
    of_none = text(POLICED, exposed=Exposed(policy=policy, per_csr=False))

    assert [line for line in of_one.splitlines() if line.startswith("scm_csr_violation{")] == [
        'scm_csr_violation{account="production",id="1",name="pay-old",rule="max_age"} 1.0'
    ]
    assert samples(of_none, "scm_csr_violation") == []
    assert samples(of_none, "scm_csr_policy_violations")[0].endswith(" 2.0")


def test_the_end_of_each_waiver_is_told_also_when_it_is_past() -> None:
    families = exporter_families(Reloads("", NOW), waivers=[WAIVER])

    assert samples(TEXT.write(families).decode(), "csr_exporter_waiver_expiry_timestamp_seconds") == [
        f'csr_exporter_waiver_expiry_timestamp_seconds{{rule="max_age",waiver="PKI-42"}} {UNTIL / 1e9}e+09'
    ]
