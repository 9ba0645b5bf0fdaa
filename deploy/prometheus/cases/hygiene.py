"""Cases of the alerts about what the service holds."""

from __future__ import annotations

from deploy.prometheus.cases.case import JOB, ONE, TWO, Case, Kind, Trial, firing, series

OVERVIEW = "/d/scm-csr-overview?var-account=production"
INVENTORY = "/d/scm-csr-inventory?var-account=production"


def _kind(alert: str, severity: str, dashboard: str) -> Kind:
    return Kind(alert, severity, "hygiene", dashboard)


OLD = Case(
    kind=_kind("ScmCsrKeyOld", "info", INVENTORY),
    fires=61,
    over=101,
    series=(
        # A year before the clock of the test begins; at the end that CSR is deleted.
        series("scm_csr_oldest_create_timestamp_seconds", "-31536000+0x99 0x60", private_key_algo="RSA_2048"),
        series("scm_csr_oldest_create_timestamp_seconds", "-100x160", private_key_algo="SM2"),
        series("scm_csr_age_distribution_seconds_gcount", "40x160", private_key_algo="RSA_2048"),
        series("scm_csr_age_distribution_seconds_gcount", "10x160", private_key_algo="SM2"),
        series("scm_csr_age_distribution_seconds_bucket", "28x160", private_key_algo="RSA_2048", le="3.1536e+07"),
        series("scm_csr_age_distribution_seconds_bucket", "10x160", private_key_algo="SM2", le="3.1536e+07"),
        series("scm_csr_create_timestamp_seconds", "-31536000x160", id="1", name="legacy-api"),
        series("scm_csr_create_timestamp_seconds", "-31449600x160", id="2", name="shop"),
        series("scm_csr_create_timestamp_seconds", "-86400x160", id="3", name="mail"),
        series("scm_csr_create_timestamp_seconds", "0x160", id="4", name="new"),
    ),
    below=(
        # Exactly a year old when the other one has fired.
        series("scm_csr_oldest_create_timestamp_seconds", "-31532340x160", private_key_algo="RSA_2048"),
    ),
    firing=firing(
        "The oldest CSR of production is 365d 1h 1m 0s old",
        "The service has kept the private key of that CSR for as long. CSRs of account production older than 365d: 12. "
        "The oldest are legacy-api (365d 1h 1m 0s), shop (364d 1h 1m 0s), mail (1d 1h 1m 0s). Delete those that no "
        "certificate needs, and use a new CSR for each renewal.",
    ),
    without={
        "scm_csr_age_distribution_seconds_bucket": "The service has kept the private key of that CSR for as long. CSRs "
        "of account production older than 365d: not counted, age_buckets lack that age. The oldest are legacy-api "
        "(365d 1h 1m 0s), shop (364d 1h 1m 0s), mail (1d 1h 1m 0s). Delete those that no certificate needs, and use a "
        "new CSR for each renewal.",
        "scm_csr_age_distribution_seconds_gcount": "The service has kept the private key of that CSR for as long. CSRs "
        "of account production older than 365d: not counted, age_buckets lack that age. The oldest are legacy-api "
        "(365d 1h 1m 0s), shop (364d 1h 1m 0s), mail (1d 1h 1m 0s). Delete those that no certificate needs, and use a "
        "new CSR for each renewal.",
        "scm_csr_create_timestamp_seconds": "The service has kept the private key of that CSR for as long. CSRs of "
        "account production older than 365d: 12. Delete those that no certificate needs, and use a new CSR for each "
        "renewal.",
    },
)

VERY_OLD = Case(
    kind=_kind("ScmCsrKeyVeryOld", "warning", INVENTORY),
    fires=61,
    over=101,
    series=(
        series("scm_csr_oldest_create_timestamp_seconds", "-63072000+0x99 0x60", private_key_algo="RSA_2048"),
        series("scm_csr_age_distribution_seconds_gcount", "40x160", private_key_algo="RSA_2048"),
        series("scm_csr_age_distribution_seconds_bucket", "39x160", private_key_algo="RSA_2048", le="6.3072e+07"),
    ),
    below=(series("scm_csr_oldest_create_timestamp_seconds", "-63068340x160", private_key_algo="RSA_2048"),),
    firing=firing(
        "The oldest CSR of production is 730d 1h 1m 0s old",
        "The service has kept the private key of that CSR for as long. CSRs of account production older than 730d: 1. "
        "Delete those that no certificate needs, and use a new CSR for each renewal.",
    ),
    without=dict.fromkeys(
        ("scm_csr_age_distribution_seconds_bucket", "scm_csr_age_distribution_seconds_gcount"),
        "The service has kept the private key of that CSR for as long. CSRs of account production older than 730d: not "
        "counted, age_buckets lack that age. Delete those that no certificate needs, and use a new CSR for each "
        "renewal.",
    ),
)

DISALLOWED = Case(
    kind=_kind("ScmCsrDisallowedAlgorithm", "warning", INVENTORY),
    fires=20,
    over=41,
    series=(
        series("scm_csrs", "0x4 3x35 0x30", private_key_algo="RSA_1024"),
        series("scm_csrs", "50x60", private_key_algo="RSA_2048"),
    ),
    below=(
        series("scm_csrs", "0x60", private_key_algo="RSA_1024"),
        *(
            series("scm_csrs", "9x60", private_key_algo=allowed)
            for allowed in ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2", "other", "unknown")
        ),
    ),
    firing=firing(
        "production holds CSRs with keys of RSA_1024",
        "Account production holds 3 CSRs with keys of RSA_1024. Allowed are RSA_2048, RSA_3072, RSA_4096, EC_P256, "
        "EC_P384, SM2.",
        private_key_algo="RSA_1024",
    ),
)

UNDOCUMENTED = Case(
    kind=_kind("ScmCsrUndocumentedAlgorithm", "info", INVENTORY),
    fires=20,
    over=41,
    series=(series("scm_csrs", "0x4 7x35 0x30", private_key_algo="unknown"),),
    below=(
        series("scm_csrs", "0x60", private_key_algo="unknown"),
        *(
            series("scm_csrs", "9x60", private_key_algo=documented)
            for documented in ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2")
        ),
    ),
    firing=firing(
        "production holds CSRs of the undocumented algorithm unknown",
        "Account production holds 7 CSRs whose private_key_algo is unknown, which the reference of the API does not "
        "name. ('unknown' are those without one and those that no query explains, 'other' gathers what lies past the "
        "first 20 such values.)",
        private_key_algo="unknown",
    ),
)

GROWTH = Case(
    kind=_kind("ScmCsrUnexpectedGrowth", "info", OVERVIEW),
    interval="10m",
    fires=146,
    over=290,
    series=(series("scm_csr_reported", "100x144 201x300"),),
    below=(series("scm_csr_reported", "100x144 200x300"),),
    firing=firing(
        "production has 101 CSRs more than 1d ago",
        "Account production holds 201 CSRs, 101 more than 1d ago; up to 100 are expected. Automation may be out of "
        "control, or someone may be making keys.",
    ),
)

BURST = Case(
    kind=_kind("ScmCsrGrowthBurst", "warning", OVERVIEW),
    fires=75,
    over=126,
    series=(series("scm_csr_reported", "100x64 151x100"),),
    below=(series("scm_csr_reported", "100x64 150x100"),),
    firing=firing(
        "production has 51 CSRs more than 1h ago",
        "Account production holds 151 CSRs, 51 more than 1h ago; up to 50 are expected. Automation may be out of "
        "control, or someone may be making keys.",
    ),
)

REMOVAL = Case(
    kind=_kind("ScmCsrMassRemoval", "warning", OVERVIEW),
    fires=75,
    over=126,
    series=(series("scm_csr_reported", "100x64 0x100"),),
    # A third of a few, and a few of many.
    below=(series("scm_csr_reported", "30x64 20x100"), series("scm_csr_reported", "500x64 450x100", account="other")),
    firing=firing(
        "production has 100 CSRs fewer than 1h ago",
        "Account production holds 0 CSRs, 100 fewer than 1h ago. The private key of a deleted CSR is gone with it: a "
        "certificate still to be issued is of no use unless the key was exported.",
    ),
)

REMOVAL_OF_A_SHARE = Trial(
    "a third of a small account, and a small part of a large one",
    REMOVAL.kind,
    (
        series("scm_csr_reported", "36x64 25x100", account="production", job=JOB, instance=ONE),
        series("scm_csr_reported", "5000x64 4949x100", account="production", job="other", instance=ONE),
    ),
    {
        75: (
            firing(
                "production has 11 CSRs fewer than 1h ago",
                "Account production holds 25 CSRs, 11 fewer than 1h ago. The private key of a deleted CSR is gone with "
                "it: a certificate still to be issued is of no use unless the key was exported.",
                account="production",
                job=JOB,
            ),
            firing(
                "production has 51 CSRs fewer than 1h ago",
                "Account production holds 4949 CSRs, 51 fewer than 1h ago. The private key of a deleted CSR is gone "
                "with it: a certificate still to be issued is of no use unless the key was exported.",
                account="production",
                job="other",
            ),
        )
    },
)

REMOVAL_SEEN_BY_ONE = Trial(
    "one of two replicas sees it, the polls of the other one fail",
    REMOVAL.kind,
    (
        series("scm_csr_reported", "100x64 40x100", account="production", job=JOB, instance=ONE, pod="exporter-a"),
        series("scm_csr_reported", "100x94 stale", account="production", job=JOB, instance=TWO, pod="exporter-b"),
    ),
    {
        74: (),
        75: (
            firing(
                "production has 60 CSRs fewer than 1h ago",
                "Account production holds 40 CSRs, 60 fewer than 1h ago. The private key of a deleted CSR is gone with "
                "it: a certificate still to be issued is of no use unless the key was exported.",
                account="production",
                job=JOB,
            ),
        ),
        126: (),
    },
)

RESTART = Trial(
    "a replica that takes over from another one is no growth",
    BURST.kind,
    (
        series("scm_csr_reported", "300x65 stale", account="production", job=JOB, instance=ONE, pod="exporter-a"),
        series("scm_csr_reported", "_x64 300x60", account="production", job=JOB, instance=TWO, pod="exporter-b"),
    ),
    {75: (), 120: ()},
)

LIMIT_NEARING = Case(
    kind=_kind("ScmCsrLimitNearing", "warning", OVERVIEW),
    fires=35,
    over=61,
    series=(series("scm_csr_reported", "400x4 401x55 400x40"), series("scm_csr_limit", "500x100")),
    below=(series("scm_csr_reported", "400x100"), series("scm_csr_limit", "500x100")),
    firing=firing(
        "production has used 80.2% of its limit of CSRs",
        "Account production holds 401 CSRs; its limit is 500.",
    ),
)

LIMIT_REACHED = Case(
    kind=_kind("ScmCsrLimitReached", "warning", OVERVIEW),
    fires=15,
    over=61,
    series=(series("scm_csr_reported", "499x4 500x55 499x40"), series("scm_csr_limit", "500x100")),
    below=(series("scm_csr_reported", "499x100"), series("scm_csr_limit", "500x100")),
    firing=firing(
        "production has reached its limit of CSRs",
        "Account production holds 500 CSRs; its limit is 500. If the limit is the service's quota, no further CSR can "
        "be created.",
    ),
)

LIMIT_EXHAUSTING = Case(
    kind=_kind("ScmCsrLimitExhausting", "info", OVERVIEW),
    interval="1h",
    # Until there is a history of five days, a trend is not believed.
    fires=121,
    over=200,
    series=(series("scm_csr_reported", "200+1x140 60x100"), series("scm_csr_limit", "500x300")),
    # Growing too slowly; and fast, but with half of the limit left.
    below=(
        series("scm_csr_reported", "300+0.1x300"),
        series("scm_csr_limit", "500x300"),
        series("scm_csr_reported", "129+1x121 250x180", account="other"),
        series("scm_csr_limit", "500x300", account="other"),
    ),
    firing=firing(
        "production will reach its limit of CSRs within 14d",
        "Account production holds 321 CSRs and, if it goes on as in the last 7d, 657 in 14d; its limit is 500.",
    ),
)

DUPLICATES = Case(
    kind=_kind("ScmCsrDuplicateDomains", "info", INVENTORY),
    interval="10m",
    fires=37,
    over=51,
    series=(series("scm_csr_duplicate_domains", "0x0 11x49 0x20"), series("scm_csr_domains", "54x100")),
    # Ten of fifty, and a fifth of many.
    below=(
        series("scm_csr_duplicate_domains", "10x100"),
        series("scm_csr_domains", "20x100"),
        series("scm_csr_duplicate_domains", "20x100", account="other"),
        series("scm_csr_domains", "100x100", account="other"),
    ),
    firing=firing(
        "11 domains of production have more than one CSR",
        "Account production has 11 primary domains with several CSRs, each with a private key of its own, among 54 "
        "names that its CSRs cover. Renewals seem to leave the old CSRs behind.",
    ),
)

HYGIENE = (
    OLD,
    VERY_OLD,
    DISALLOWED,
    UNDOCUMENTED,
    GROWTH,
    BURST,
    RESTART,
    REMOVAL,
    REMOVAL_OF_A_SHARE,
    REMOVAL_SEEN_BY_ONE,
    LIMIT_NEARING,
    LIMIT_REACHED,
    LIMIT_EXHAUSTING,
    DUPLICATES,
)
