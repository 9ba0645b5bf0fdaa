"""Alert rules, runbooks and the example for Alertmanager: tried with the tools of Prometheus themselves."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import reference
import requests
import yaml

from deploy.prometheus import rules
from deploy.prometheus.cases import JOB, trials, written
from deploy.prometheus.files import TESTS, files, unit_tests
from deploy.prometheus.rules import ALERTS, DEFAULTS, HERE, RULES, Thresholds
from tests.processes import DEADLINE, free_port, started, tool, until
from tests.prove.watching import Receiver, routing

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "runbooks"
ALERTMANAGER = HERE / "alertmanager.yml"
OWNERS = HERE / "alertmanager-owners.yml"

NAMES = sorted(ALERTS)
UNIT_TESTS = sorted(name for name, _ in unit_tests())


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)


# --- the rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_a_file_is_what_the_code_writes(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == files()[file], "run make rules"


@pytest.mark.parametrize(
    ("thresholds", "faster"),
    [({}, 1), ({}, 120), ({"replicas": 2}, 1)],
    ids=["as they are", "at a compressed clock", "with a number of replicas"],
)
def test_promtool_finds_the_rules_valid(thresholds: Thresholds, faster: float, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules.text(thresholds, faster), encoding="utf-8")

    result = ran(tool("promtool", "prometheus"), "check", "rules", "--lint-fatal", file)

    assert result.returncode == 0, result.stdout + result.stderr


def with_what_it_needs(alert: str) -> list[dict[str, Any]]:
    """The groups of rules with *alert* and the records it asks for alone: promtool evaluates all it has."""
    groups = rules.groups()
    (text,) = [str(rule) for group in groups for rule in group["rules"] if rule.get("alert") == alert]
    for group in groups:
        group["rules"] = [
            rule for rule in group["rules"] if rule.get("alert") == alert or rule.get("record", "no record") in text
        ]
    return [group for group in groups if group["rules"]]


@pytest.fixture(scope="module")
def unit_tests_of() -> Mapping[str, Sequence[dict[str, Any]]]:
    """The delivered unit tests, taken apart by alert."""
    found = defaultdict(list)
    for name in UNIT_TESTS:
        # The fast loader: there are thousands of lines.
        content = yaml.load((TESTS / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
        cases = defaultdict(list)
        for case in content["tests"]:
            cases[case["alert_rule_test"][0]["alertname"]].append(case)
        for alert, tests in cases.items():
            found[alert].append({**content, "rule_files": ["rules.yml"], "tests": tests})
    return found


@pytest.mark.parametrize("alert", NAMES)
def test_an_alert_fires_and_ends_as_promtool_is_told(
    alert: str, unit_tests_of: Mapping[str, Sequence[dict[str, Any]]], tmp_path: Path
) -> None:
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": with_what_it_needs(alert)}), encoding="utf-8")
    files = [tmp_path / f"{number}.yml" for number, _ in enumerate(unit_tests_of[alert])]
    for file, content in zip(files, unit_tests_of[alert], strict=True):
        file.write_text(json.dumps(content), encoding="utf-8")

    result = ran(tool("promtool", "prometheus"), "test", "rules", *files)

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("SUCCESS") == len(files) > 0


@pytest.mark.parametrize("alert", NAMES)
def test_every_alert_is_tried_in_every_way(alert: str) -> None:
    first, *others = trials(alert)
    fires, quiet = int(first["fires"]), list(map(int, first["quiet"]))

    assert "fires" in first["name"]
    assert min(quiet) < fires, "it is not shown to wait"
    assert max(quiet) > fires, "it is not shown to end"
    assert any("no series" in each["name"] for each in others)
    assert any("replica" in each["name"] for each in others)


def test_links_of_an_alert_lead_to_its_job_and_account_at_the_addresses_given() -> None:
    given = {"grafana_url": "https://grafana.example.com", "runbooks_url": "https://wiki.example.com"}
    (rule,) = [
        rule for group in rules.groups(given) for rule in group["rules"] if rule.get("alert") == "ScmCsrForbidden"
    ]

    links = rule["annotations"]["dashboard_url"], rule["annotations"]["runbook_url"]

    chosen = "?var-job={{ urlquery $labels.job }}&var-account={{ urlquery $labels.account }}"
    assert links == (
        f"https://grafana.example.com/d/scm-csr-exporter{chosen}",
        "https://wiki.example.com/ScmCsrForbidden.md",
    )


def test_rules_ask_only_for_metrics_that_exist() -> None:
    exposed = {sample.name for family in reference.exposed_families() for sample in family.samples}
    recorded = {record["record"] for record in rules.TEMPLATE["records"]}
    text = rules.text()

    asked = set(re.findall(r"(?:account\w*:)?\b(?:scm_csrs?|csr_exporter)_?[a-z_]*(?::\w+)?", text))
    metrics = {name for name in asked if name not in {"csr_exporter", "scm_csr"}}

    assert metrics
    assert metrics - exposed - recorded == set()


def test_dashboards_that_alerts_point_to_exist_and_can_be_narrowed_to_an_account() -> None:
    dashboards = [json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "grafana").glob("*.json")]
    narrowed = {each["uid"] for each in dashboards if "account" in {var["name"] for var in each["templating"]["list"]}}

    assert {alert["dashboard"] for alert in ALERTS.values()} <= narrowed


def test_a_known_number_of_replicas_shows_shards_that_all_have_the_same_number(tmp_path: Path) -> None:
    replicas = DEFAULTS | {"replicas": 1}
    polled = {f'csr_exporter_poll_interval_seconds{{instance="{each}"}}': "300x30" for each in ("one", "two")}
    case = {"name": "all shards alike", "series": polled, "fires": "15", "value": "2"}
    test = written("CsrExporterAccountPolledTwice", case, replicas)
    (tmp_path / "rules.yml").write_text(rules.text(replicas), encoding="utf-8")
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(content), encoding="utf-8")

    result = ran(tool("promtool", "prometheus"), "test", "rules", tmp_path / "tests.yml")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "expected: 1." in test["alert_rule_test"][0]["exp_alerts"][0]["exp_annotations"]["description"]


def test_pint_finds_nothing_to_say() -> None:
    pint = tool("pint", "github.com/cloudflare/pint/cmd/pint")

    result = ran(
        pint, "--offline", "--config", ROOT / ".pint.hcl", "lint", "--min-severity=info", "--fail-on=info", RULES
    )

    assert result.returncode == 0, result.stderr


# --- runbooks ---------------------------------------------------------------------------------------------------------


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(page.stem for page in PAGES.glob("*.md") if page.name != "README.md") == NAMES


@pytest.mark.parametrize("alert", NAMES)
def test_a_runbook_says_what_it_means_its_impact_its_diagnosis_and_its_mitigation(alert: str) -> None:
    text = (PAGES / f"{alert}.md").read_text(encoding="utf-8")

    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_links_of_a_runbook_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_queries_of_runbooks_are_promql_about_metrics_that_exist(tmp_path: Path) -> None:
    promtool = tool("promtool", "prometheus")
    exposed = {sample.name for family in reference.exposed_families() for sample in family.samples}
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(PAGES.glob("*.md")))
    queries = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    queries += [each for each in re.findall(r"`([^`\n]+)`", text) if "{" in each or "(" in each]
    queries = [each for each in queries if re.search(r"scm_csr|csr_exporter_|up\{", each)]
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}), encoding="utf-8")

    result = ran(promtool, "check", "rules", file)
    asked = set(re.findall(r"\b(?:scm_csrs?|csr_exporter)_[a-z_]+[a-z]\b", "\n".join(queries)))

    assert result.returncode == 0, result.stderr
    assert len(queries) > 30
    assert asked - exposed == set()


# --- Alertmanager -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", [ALERTMANAGER, OWNERS], ids=lambda example: example.name)
def test_amtool_finds_an_example_valid(example: Path) -> None:
    result = ran(tool("amtool", "prometheus-alertmanager"), "check-config", example)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [("critical", "act-now"), ("warning", "act-today"), ("info", "look-when-convenient")],
)
def test_severity_decides_who_is_told(severity: str, receiver: str) -> None:
    amtool = tool("amtool", "prometheus-alertmanager")

    result = ran(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"severity={severity}")

    assert result.stdout.strip() == receiver, result.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"owner": "payments"}, "team-payments"),
        ({"owner": "web"}, "team-web"),
        ({"owner": "unowned"}, "act-today"),
        ({"owner": "a-team-without-a-route"}, "act-today"),
        ({}, "act-today"),
        ({"owner": "payments", "alertname": "ScmCsrKeyOld"}, "act-today"),
        ({"owner": "payments", "alertname": "OfAnotherSystem", "severity": "critical"}, "act-now"),
    ],
)
def test_a_team_is_told_of_violations_by_its_own_csrs(labels: dict[str, str], receiver: str) -> None:
    amtool = tool("amtool", "prometheus-alertmanager")
    given = {"alertname": "ScmCsrPolicyViolated", "severity": "warning", **labels}

    result = ran(
        amtool,
        "config",
        "routes",
        "test",
        f"--config.file={OWNERS}",
        *(f"{name}={text}" for name, text in given.items()),
    )

    assert result.stdout.strip() == receiver, result.stderr


def test_an_alert_reaches_the_team_that_owns_the_csrs_and_an_unowned_one_those_who_look_today(tmp_path: Path) -> None:
    receiver, file = Receiver(), tmp_path / "alertmanager.yml"
    with receiver.listening() as url:
        file.write_text(yaml.safe_dump(routing(url, 60, OWNERS.name)), encoding="utf-8")
        with running(file, tmp_path) as alertmanager:
            alerts = [
                {"labels": labelled("ScmCsrPolicyViolated", rule="max_age", owner=owner)}
                for owner in ("payments", "web", "unowned")
            ]
            requests.post(f"{alertmanager}/api/v2/alerts", json=alerts, timeout=DEADLINE).raise_for_status()
            until(lambda: len(receiver.messages) == len(alerts))

    told = sorted((each.receiver, each.alert) for each in receiver.messages)
    assert told == [(who, "ScmCsrPolicyViolated") for who in ("act-today", "team-payments", "team-web")]


def test_the_example_names_only_alerts_that_exist() -> None:
    patterns = re.findall(r'alertname!?=~?"([^"]+)"', ALERTMANAGER.read_text(encoding="utf-8"))

    matched = {pattern: [name for name in NAMES if re.fullmatch(pattern, name)] for pattern in patterns}
    single = {name for pattern in patterns for name in pattern.split("|") if name.isalnum()}

    assert all(matched.values())
    assert single <= set(NAMES)


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Alertmanager with the example."""
    with running(ALERTMANAGER, tmp_path_factory.mktemp("alertmanager")) as url:
        yield url


@contextmanager
def running(config: Path, directory: Path) -> Iterator[str]:
    """The address of an Alertmanager with *config*."""
    program = tool("prometheus-alertmanager", "prometheus-alertmanager")
    address = f"127.0.0.1:{free_port()}"
    with started(
        program,
        f"--config.file={config}",
        f"--storage.path={directory}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ):
        url = f"http://{address}"
        until(lambda: answers(f"{url}/-/ready"))
        yield url


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=DEADLINE).ok
    except requests.ConnectionError:
        return False


def labelled(name: str, **labels: str) -> dict[str, str]:
    """The labels that a firing alert of that name has, of account ``production`` unless *labels* say otherwise."""
    alert = ALERTS[name]
    own = {"job": JOB, "account": "production"} if alert["of_account"] else {"job": JOB}
    return {"alertname": name, "severity": alert["severity"], "concern": alert["concern"], **own, **labels}


NO_ACCOUNT = ("ScmCsrWaiverExpiring",)
STAY = ("ScmCsrGrowthBurst", "ScmCsrMassRemoval", "ScmCsrUnexpectedRemoval", *NO_ACCOUNT)
BANDS = {
    "ScmCsrKeyVeryOld": ("ScmCsrKeyOld",),
    "ScmCsrGrowthBurst": ("ScmCsrUnexpectedGrowth",),
    "ScmCsrMassRemoval": ("ScmCsrUnexpectedRemoval",),
    "ScmCsrLimitReached": ("ScmCsrLimitNearing", "ScmCsrLimitExhausting"),
    "ScmCsrDisallowedAlgorithm": ("ScmCsrUndocumentedAlgorithm",),
    "ScmCsrPollsThrottled": ("ScmCsrApiThrottled",),
    "ScmCsrPollsFailing": ("ScmCsrPollsUnreliable",),
    "ScmCsrInventoryIncomplete": (
        "ScmCsrUndocumentedAlgorithm",
        "ScmCsrDuplicateDomains",
        "ScmCsrTornWalks",
        "ScmCsrAgesUnknown",
    ),
    "ScmCsrClockSkew": ("ScmCsrLastSuccessInFuture",),
    "CsrExporterReplicaDown": ("CsrExporterAccountsMissing",),
    "CsrExporterAccountsMissing": ("CsrExporterAccountPolledTwice",),
}


def of(*concerns: str, without: Sequence[str] = ()) -> set[str]:
    return {name for name, alert in ALERTS.items() if alert["concern"] in concerns and name not in without}


CAUSES = ("ScmCsrUnauthorized", "ScmCsrForbidden", "ScmCsrCredentialsUnavailable", "ScmCsrPollsThrottled")
WHOLE_JOB = ("CsrExporterDown", "ScmCsrClockSkew", "CsrExporterReplicaDown", "CsrExporterAccountsMissing")
"""Those that silence alerts about any account of their job."""


def silenced_by(source: str) -> set[str]:
    """What the example is meant to silence, for the same job and account."""
    follow = set(BANDS.get(source, ()))
    match source:
        case "CsrExporterDown":
            # An alert about a clock has no account, but is of the same concern.
            return of("hygiene", "trust", "access") | {"CsrExporterAccountPolledTwice", "CsrExporterAccountsMissing"}
        case "ScmCsrDataVeryStale" | "ScmCsrNeverSucceeded":
            critical = ("ScmCsrDataVeryStale", "ScmCsrNeverSucceeded", "ScmCsrClockSkew")
            return of("hygiene", "access", without=NO_ACCOUNT) | of("trust", without=critical)
        case "ScmCsrDataStale":
            slight = {"ScmCsrSeriesCapped", "ScmCsrTornWalks", "ScmCsrRecordsRejected", "ScmCsrAgesUnknown"}
            return of("hygiene", without=NO_ACCOUNT) | of("access", without=CAUSES) | slight
        case _ if source in CAUSES:
            return follow | of("hygiene", without=STAY) | {"ScmCsrDataStale"}
        case "ScmCsrPollsFailing" | "ScmCsrCredentialExpiring":
            return follow | of("hygiene", without=STAY)
        case _:
            return follow


def pairs() -> Iterator[tuple[str, str]]:
    """Each alert with each other one."""
    for source in NAMES:
        yield from ((source, target) for target in NAMES if target != source)


@pytest.fixture(scope="module")
def silenced(alertmanager: str) -> dict[str, set[tuple[str, str]]]:
    """By source, the targets with their account that Alertmanager silences. Each pair has a job of its own."""
    alerts = []
    for source, target in pairs():
        job = f"{source} {target}"
        alerts += [labelled(source, job=job), labelled(target, job=job)]
        if "account" in alerts[-1]:
            alerts.append(labelled(target, job=job, account="staging"))
    posted = requests.post(
        f"{alertmanager}/api/v2/alerts", json=[{"labels": each} for each in alerts], timeout=DEADLINE
    )
    assert posted.ok, posted.text
    # They are taken in one after the other: once the last one is silenced that has to be, all are.
    *_, (source, target) = ((source, target) for source, target in pairs() if target in silenced_by(source))
    last = (target, labelled(target).get("account", ""))
    return until(lambda: now if last in (now := silenced_now(alertmanager, len(alerts)))[source] else {})


def silenced_now(alertmanager: str, count: int) -> dict[str, set[tuple[str, str]]]:
    """Empty until all alerts are there."""
    alerts = requests.get(f"{alertmanager}/api/v2/alerts", timeout=DEADLINE).json()
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in alerts if len(alerts) == count else ():
        labels = each["labels"]
        source, target = labels["job"].split()
        if each["status"]["inhibitedBy"] and labels["alertname"] == target:
            found[source].add((target, labels.get("account", "")))
    return found


@pytest.mark.parametrize("source", NAMES)
def test_an_alert_silences_what_follows_from_it_and_nothing_else(
    source: str, silenced: dict[str, set[tuple[str, str]]]
) -> None:
    expected = {(name, labelled(name).get("account", "")) for name in silenced_by(source)}
    if source in WHOLE_JOB:
        expected |= {(name, "staging") for name, account in expected if account}

    assert silenced[source] == expected
