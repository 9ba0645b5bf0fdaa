"""``check --live``: what works for each account, what does not, what to do about it, and nothing that does harm."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from cryptography import x509

from csr_exporter.cli import main
from csr_exporter.commands import check
from csr_exporter.commands.check import Outcome, Report, Served, examination
from csr_exporter.commands.check.cost import cost, span
from csr_exporter.commands.check.report import Finding, Step
from csr_exporter.config import Config
from csr_exporter.inventory import OffsetMode
from csr_exporter.listing.offsets import Paging
from csr_exporter.simulator import Break, Fault, RawReply, SimulatedAccount, Simulator, Status
from tests.certificates import DAY, Authority, Pair
from tests.fakes import aksk, password, token
from tests.front import front, shows
from tests.processes import DEADLINE, command, ended, tool

PRODUCTION = SimulatedAccount("production", csrs=130)
STAGING = SimulatedAccount("staging", csrs=12)
OURS = Authority("ours")

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator([PRODUCTION, STAGING]) as simulator:
        yield simulator


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_bytes(OURS.cert)
    return file


def configuration(*accounts: dict[str, Any], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - settings of any type
    usual = {"name": "production", "credentials": aksk(PRODUCTION)}
    return {"accounts": [{**usual, **account} for account in accounts], **settings}


def examined(*accounts: dict[str, Any], **settings: Any) -> list[Report]:  # noqa: ANN401 - settings of any type
    config = Config.model_validate(configuration(*accounts, **settings), context={"directory": Path()})
    return list(check.examine(config))


def found(*accounts: dict[str, Any], **settings: Any) -> dict[Step, Finding]:  # noqa: ANN401 - settings of any type
    (report,) = examined(*accounts, **settings)
    return {finding.step: finding for finding in report.findings}


def failure(findings: dict[Step, Finding]) -> Finding:
    """The one finding that is a failure, after which nothing was tried."""
    (failed,) = [each for each in findings.values() if each.outcome is Outcome.FAILED]
    later = list(findings.values())[list(findings).index(failed.step) + 1 :]
    assert {each.outcome for each in later} <= {Outcome.NOT_TRIED}
    return failed


def masked(text: str) -> str:
    """*text* without what differs from run to run: ports, and how long things took."""
    return re.sub(r"\b\d+ ms", "N ms", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text))


def attempts(simulator: Simulator) -> list[tuple[str, int | None]]:
    """The requests with credentials, and how they were answered."""
    return [(each.service, each.status) for each in simulator.requests if each.service != "unknown"]


def write(directory: Path, *accounts: dict[str, Any], **settings: Any) -> str:  # noqa: ANN401 - settings of any type
    file = directory / "config.yml"
    file.write_text(yaml.safe_dump(configuration(*accounts, **settings)), encoding="utf-8")
    return f"--config.file={file}"


# --- the whole command ------------------------------------------------------------------------------------------------


def test_an_account_that_works_is_told_step_by_step_with_what_to_paste(
    simulator: Simulator, authority: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(PRODUCTION.secret_key, encoding="utf-8")
    credentials = {"kind": "aksk", "access_key": PRODUCTION.access_key, "secret_key_file": str(key)}
    pair = OURS.issue(ends=timedelta(days=40, hours=1))
    with front(simulator.url, shows(pair, tmp_path)) as encrypted:
        endpoint = f"https://127.0.0.1:{encrypted.port}"
        account = {"endpoint": endpoint, "ca_file": str(authority), "credentials": credentials}

        result = ended("check", "--live", write(tmp_path, account))

    ends = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * 86_400 + 3_600))
    assert result.stderr == ""
    assert (
        masked(result.stdout)
        == f"""\
{tmp_path}/config.yml: valid, 1 account

production  https://127.0.0.1:PORT
  ok    name         127.0.0.1 is an address
  ok    connection   to 127.0.0.1:PORT in N ms
  ok    tls          TLSv1.3, certificate of somebody by ours, ends {ends}, in 40 days
  ok    clock        as the service's
  ok    credentials  accepted (aksk)
  ok    permission   the CSR list may be read
  ok    page         50 of 130 CSRs in N ms
  ok    offset       counts records; 150 CSRs can be paged through
  ok    requests     3 per poll, 864 per day with poll_interval 5m

1 account: 1 can be polled, 0 cannot

For prometheus.yml:

scrape_configs:
  - job_name: csr-exporter
    scrape_interval: 1m
    static_configs:
      - targets: ["localhost:10065"]  # by the name that Prometheus knows this machine by
    # All accounts are in one scrape. For a job with some of them only, choose from these:
    # params: {{account: ["production"]}}

For IAM, a policy that grants this one action: others of SCM give away private keys.

{{
  "Version": "5.0",
  "Statement": [
    {{
      "Effect": "Allow",
      "Action": [
        "scm::listCsr"
      ],
      "Resource": [
        "*"
      ]
    }}
  ]
}}
"""
    )
    assert result.returncode == 0
    assert attempts(simulator) == [("scm", 200)] * 3


def test_an_account_that_does_not_work_is_told_so_with_what_to_do_and_without_the_secret(
    simulator: Simulator, tmp_path: Path
) -> None:
    wrong = {"endpoint": simulator.url, "credentials": {**aksk(PRODUCTION), "secret_key": SECRET}}

    result = ended("check", "--live", write(tmp_path, wrong))

    report = masked(result.stdout).partition("\n\nFor prometheus.yml")[0]
    assert (
        report
        == f"""\
{tmp_path}/config.yml: valid, 1 account

production  http://127.0.0.1:PORT
  ok    name         127.0.0.1 is an address
  ok    connection   to 127.0.0.1:PORT in N ms
  ok    tls          none, within this machine
  ok    clock        as the service's
  FAIL  credentials  unauthorized: HTTP 401 APIGW.0301 Incorrect IAM authentication information: \
verify aksk signature fail
                     -> check the key, password or token, that it belongs to this site, and this machine's clock; \
wait 5m before the next attempt, or be locked out
  -     permission   not tried
  -     page         not tried
  -     offset       not tried
  -     requests     not tried

1 account: 0 can be polled, 1 cannot"""
    )
    assert result.returncode == 1
    assert SECRET not in result.stdout + result.stderr


def test_a_mistake_in_the_configuration_goes_before_and_no_service_is_asked(
    simulator: Simulator, tmp_path: Path
) -> None:
    result = ended("check", "--live", write(tmp_path, {"endpoint": simulator.url}, poll_interval="1s"))

    assert (result.returncode, result.stdout) == (2, "")
    assert simulator.requests == ()


def test_letters_that_the_terminal_does_not_have_are_escaped(simulator: Simulator, tmp_path: Path) -> None:
    argument = write(tmp_path, {"name": "Größe", "endpoint": simulator.url})

    result = ended("check", "--live", argument, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert result.returncode == 0
    assert "Gr\\xf6\\xdfe  http://" in result.stdout


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(
    simulator: Simulator,
    tmp_path: Path,
    environment: dict[str, str],
    coloured: bool,  # noqa: FBT001 - from the table
) -> None:
    argument = write(tmp_path, {"endpoint": simulator.url})

    result = CliRunner().invoke(main, ["check", "--live", argument], color=True, env=environment)

    assert ("\x1b[32mok  \x1b[0m  name" in result.output) is coloured
    assert "  ok    name" in click.unstyle(result.output)


def test_every_step_is_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")

    assert [step for step in Step if f"| {step} |" not in page] == []


# --- each step that fails ---------------------------------------------------------------------------------------------


def test_a_name_that_is_not_known_fails_before_anything_is_tried() -> None:
    failed = failure(found({"endpoint": "https://scm.invalid"}))

    assert failed.step is Step.NAME
    assert failed.detail.startswith("scm.invalid: ")
    assert failed.advice == "check the name in endpoint or proxy, and the name servers of this machine"


def test_a_port_where_nobody_listens_refuses_the_connection() -> None:
    failed = failure(found({"endpoint": "https://127.0.0.1:1"}))

    assert (failed.step, failed.detail) == (Step.CONNECTION, "127.0.0.1:1: Connection refused")


@pytest.mark.parametrize(
    ("pair", "detail", "advice"),
    [
        (OURS.issue(ends=-DAY / 2), "certificate has expired", "the owner of the service has to renew it"),
        (Authority("theirs").issue(), "unable to get local issuer certificate", "set ca_file to the authority"),
        (OURS.issue(x509.DNSName("other.example")), "IP address mismatch", "check the endpoint: another service"),
    ],
    ids=["expired", "untrusted", "another name"],
)
def test_a_certificate_that_is_not_good_is_refused_before_credentials_are_sent(
    simulator: Simulator,
    authority: Path,
    tmp_path: Path,
    pair: Pair,
    detail: str,
    advice: str,
) -> None:
    with front(simulator.url, shows(pair, tmp_path)) as encrypted:
        failed = failure(found({"endpoint": f"https://127.0.0.1:{encrypted.port}", "ca_file": str(authority)}))

    assert failed.step is Step.TLS
    assert failed.detail.startswith(f"certificate refused: {detail}")
    assert failed.advice.startswith(advice)
    assert simulator.requests == ()


def test_a_certificate_that_ends_soon_is_a_warning(simulator: Simulator, authority: Path, tmp_path: Path) -> None:
    with front(simulator.url, shows(OURS.issue(ends=DAY * 1.5), tmp_path)) as encrypted:
        findings = found({"endpoint": f"https://127.0.0.1:{encrypted.port}", "ca_file": str(authority)})

    assert findings[Step.TLS].outcome is Outcome.WARNING
    assert findings[Step.TLS].detail.endswith(", in 1 day")
    assert findings[Step.PAGE].outcome is Outcome.OK


@pytest.mark.parametrize(
    ("pair", "detail"),
    [
        (Authority("theirs").issue(), "not verified, as insecure_skip_verify has it; else certificate refused: "),
        (OURS.issue(), "TLSv1.3, certificate of somebody by ours, ends "),
    ],
    ids=["untrusted", "good"],
)
def test_verification_that_is_switched_off_is_a_warning_that_tells_what_it_would_say(
    simulator: Simulator,
    authority: Path,
    tmp_path: Path,
    pair: Pair,
    detail: str,
) -> None:
    with front(simulator.url, shows(pair, tmp_path)) as encrypted:
        account = {"endpoint": f"https://127.0.0.1:{encrypted.port}", "insecure_skip_verify": True}
        findings = found({**account, "ca_file": str(authority)})

    assert findings[Step.TLS].outcome is Outcome.WARNING
    assert findings[Step.TLS].detail.startswith(detail)
    assert findings[Step.PAGE].outcome is Outcome.OK


def test_authorities_that_cannot_be_read_are_named(simulator: Simulator) -> None:
    endpoint = simulator.url.replace("http://", "https://")

    failed = failure(found({"endpoint": endpoint, "ca_file": "/nonexistent/ca.pem"}))

    assert failed.detail == "ca_file: /nonexistent/ca.pem cannot be read or holds no certificate in PEM"


def test_a_service_that_speaks_no_tls_is_told_so(simulator: Simulator) -> None:
    failed = failure(found({"endpoint": simulator.url.replace("http://", "https://")}))

    assert (failed.step, failed.detail) == (Step.TLS, "no encrypted connection: wrong version number")


def test_plain_http_beyond_loopback_is_a_warning(simulator: Simulator) -> None:
    account = {"endpoint": "http://scm.invalid", "insecure_plain_http": True, "proxy": simulator.url}

    finding = found(account)[Step.TLS]

    assert finding.outcome is Outcome.WARNING
    assert finding.detail == "none, as insecure_plain_http has it: anyone on the way can read the credentials"


@pytest.mark.parametrize(("off", "words"), [(1200, "20m ahead of"), (-1200, "20m behind")])
def test_a_clock_that_is_wrong_by_more_than_signatures_allow_keeps_the_key_from_being_tried(
    off: float, words: str
) -> None:
    with Simulator([PRODUCTION], clock=lambda: time.time() - off) as simulator:
        failed = failure(found({"endpoint": simulator.url}))

        assert failed.step is Step.CLOCK
        assert re.sub(r"(19m5\ds|20m\ds)", "20m", failed.detail) == (
            f"{words} the service's; beyond 15m signatures are refused"
        )
        assert failed.advice == "synchronize this machine's clock (NTP)"
        assert attempts(simulator) == []


def test_a_clock_that_is_wrong_is_a_warning_where_nothing_is_signed() -> None:
    with Simulator([PRODUCTION], clock=lambda: time.time() - 1200) as simulator:
        findings = found({"endpoint": simulator.url, "credentials": token(PRODUCTION)})

    assert findings[Step.CLOCK].outcome is Outcome.WARNING
    assert findings[Step.PAGE].outcome is Outcome.OK


@pytest.mark.parametrize(
    ("fault", "step", "detail"),
    [
        (Status(403), Step.PERMISSION, "forbidden: HTTP 403 APIGW.0302 The IAM user is not allowed to access the API"),
        (Status(404), Step.PAGE, "not_found: HTTP 404 APIGW.0101 The API does not exist or has not been published"),
        (Status(429, retry_after=60), Step.PAGE, "throttled: HTTP 429 APIGW.0308 The throttling threshold"),
        (Status(503), Step.PAGE, "server_error: HTTP 503"),
        (RawReply(200, body=b"<html>"), Step.PAGE, "malformed_reply: expected JSON in the reply"),
        (Break("close"), Step.PAGE, "unreachable: "),
        (Break("hang"), Step.PAGE, "deadline: the poll took longer than poll_timeout"),
    ],
)
def test_what_the_service_refuses_is_told_after_one_request(
    simulator: Simulator,
    fault: Status | RawReply | Break,
    step: Step,
    detail: str,
) -> None:
    simulator.inject("production", Fault(fault))

    hangs = {"poll_timeout": "2s"} if fault == Break("hang") else {}
    findings = found({"endpoint": simulator.url}, **hangs)

    failed = failure(findings)
    assert failed.step is step
    assert failed.detail.startswith(detail)
    assert failed.advice
    assert len(attempts(simulator)) == 1
    if step is Step.PAGE:
        assert findings[Step.CREDENTIALS].detail == "not known: the service did not come to judge it"
    else:
        assert findings[Step.CREDENTIALS].detail == "accepted (aksk)"


# --- credentials are protected ----------------------------------------------------------------------------------------


def wrong_of(kind: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Credentials of *kind* whose secret is wrong."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HUAWEICLOUD_SDK_STS_ENDPOINT", simulator.url)
    id_token = home / "id-token"
    id_token.write_text(SECRET, encoding="utf-8")
    variables = {
        "oidc": {
            "HUAWEICLOUD_OIDC_PROVIDER_URN": PRODUCTION.urns[0],
            "HUAWEICLOUD_OIDC_AGENCY_URN": PRODUCTION.urns[1],
            "HUAWEICLOUD_OIDC_TOKEN_FILE": str(id_token),
        },
        "environment": {"HUAWEICLOUD_SDK_AK": PRODUCTION.access_key, "HUAWEICLOUD_SDK_SK": SECRET},
    }
    for name, value in variables.get(kind, {}).items():
        monkeypatch.setenv(name, value)
    return {
        "aksk": {**aksk(PRODUCTION), "secret_key": SECRET},
        "password": {**password(PRODUCTION, simulator.url), "password": SECRET},
        "token": {"kind": "token", "token": SECRET},
    }.get(kind, {"kind": kind})


@pytest.mark.parametrize("kind", ["aksk", "password", "token", "environment", "oidc"])
def test_a_wrong_secret_is_tried_once_and_never_shown(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    account = {"endpoint": simulator.url, "credentials": wrong_of(kind, simulator, tmp_path, monkeypatch)}

    failed = failure(found(account))

    assert failed.step is Step.CREDENTIALS
    assert len(attempts(simulator)) == 1
    assert SECRET not in failed.detail + failed.advice


def test_a_wrong_secret_that_several_accounts_have_is_tried_once(simulator: Simulator) -> None:
    wrong = {**password(PRODUCTION, simulator.url), "password": SECRET}
    scopes = [{"project": "cn-north-4"}, {"domain": PRODUCTION.domain}] * 3
    accounts = [
        {"name": f"account-{number}", "endpoint": simulator.url, "credentials": {**wrong, "scope": scope}}
        for number, scope in enumerate(scopes)
    ]

    failures = [failure({each.step: each for each in report.findings}).detail for report in examined(*accounts)]

    (refused,) = [detail for detail in failures if detail.startswith("unauthorized: IAM: HTTP 401")]
    name = f"account-{failures.index(refused)}"
    assert set(failures) == {refused, f"not sent: {name} has the same, which failed"}
    assert attempts(simulator) == [("iam", 401)]


def test_credentials_that_several_accounts_have_are_good_for_all(simulator: Simulator) -> None:
    reports = examined(*({"name": f"account-{number}", "endpoint": simulator.url} for number in range(4)))

    assert not any(report.failed for report in reports)


@pytest.mark.parametrize("service", ["scm", "iam"])
def test_a_token_that_is_refused_is_not_renewed(simulator: Simulator, service: Any) -> None:  # noqa: ANN401 - a literal
    simulator.inject(None, Fault(Status(401), service=service))

    failed = failure(found({"endpoint": simulator.url, "credentials": password(PRODUCTION, simulator.url)}))

    assert failed.step is Step.CREDENTIALS
    assert failed.advice.endswith("; wait 15m before the next attempt, or be locked out")
    assert [each for each, _ in attempts(simulator)] == (["iam", "scm"] if service == "scm" else ["iam"])


def test_secrets_that_are_not_there_fail_before_anything_is_sent(simulator: Simulator) -> None:
    credentials = {"kind": "token", "token_file": "/nonexistent/token"}

    failed = failure(found({"endpoint": simulator.url, "credentials": credentials}))

    assert failed.detail == "credentials_unavailable: /nonexistent/token: No such file or directory"
    assert attempts(simulator) == []


def test_credentials_that_end_say_when(simulator: Simulator) -> None:
    findings = found({"endpoint": simulator.url, "credentials": password(PRODUCTION, simulator.url)})

    assert re.fullmatch(
        r"accepted \(password, good until \d{4}-\d\d-\d\d \d\d:\d\d UTC\)", findings[Step.CREDENTIALS].detail
    )


# --- proxies ----------------------------------------------------------------------------------------------------------


def test_a_proxy_is_what_is_resolved_and_connected_to(simulator: Simulator, authority: Path, tmp_path: Path) -> None:
    pair = OURS.issue(x509.DNSName("scm.invalid"))
    with front(simulator.url, shows(pair, tmp_path)) as service, front(f"https://127.0.0.1:{service.port}") as proxy:
        url = f"http://somebody:{SECRET}@127.0.0.1:{proxy.port}"
        findings = found({"endpoint": "https://scm.invalid", "proxy": url, "ca_file": str(authority)})

    assert findings[Step.NAME].detail == "127.0.0.1 is an address; it is the proxy's, which resolves scm.invalid"
    assert findings[Step.CONNECTION].detail.startswith(f"to the proxy at 127.0.0.1:{proxy.port} in ")
    assert findings[Step.TLS].detail.startswith("TLSv1.3, certificate of somebody by ours")
    assert findings[Step.PAGE].outcome is Outcome.OK
    assert SECRET not in repr(findings)
    assert proxy.heard
    assert all(b"Proxy-Authorization: Basic " in each for each in proxy.heard)


def test_a_proxy_under_tls_carries_tls(simulator: Simulator, authority: Path, tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()
    pair = OURS.issue(x509.DNSName("scm.invalid"))
    with (
        front(simulator.url, shows(pair, tmp_path)) as service,
        front(f"https://127.0.0.1:{service.port}", shows(OURS.issue(), tmp_path / "proxy")) as proxy,
    ):
        url = f"https://127.0.0.1:{proxy.port}"
        findings = found({"endpoint": "https://scm.invalid", "proxy": url, "ca_file": str(authority)})

    assert findings[Step.TLS].detail.startswith("TLSv1.3, certificate of somebody by ours")
    assert findings[Step.PAGE].outcome is Outcome.OK


def test_a_proxy_of_the_environment_is_used_and_one_that_refuses_is_told(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with front(simulator.url, answer=407) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"somebody:{SECRET}@127.0.0.1:{proxy.port}")

        failed = failure(found({"endpoint": "https://scm.invalid"}))

    assert failed.step is Step.TLS
    assert failed.detail == f"the proxy at 127.0.0.1:{proxy.port} refuses to connect to scm.invalid:443: HTTP 407"
    assert failed.advice == "check user, password and rules of the proxy"
    assert SECRET not in repr(failed)
    assert len(proxy.heard) == 1


def test_a_proxy_that_refuses_plain_requests_is_told_before_credentials_are_sent(simulator: Simulator) -> None:
    simulator.inject(None, Fault(Status(407)))

    account = {"endpoint": "http://scm.invalid", "insecure_plain_http": True, "proxy": simulator.url}
    failed = failure(found(account))

    assert (failed.step, failed.detail) == (Step.CLOCK, "the proxy refuses: HTTP 407")
    assert len(simulator.requests) == 1


def test_a_variable_that_is_no_proxy_is_told_without_any_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{SECRET}#@proxy.example")

    failed = failure(found({"endpoint": "https://scm.invalid"}))

    assert failed.step is Step.NAME
    assert failed.detail.startswith("HTTPS_PROXY or a variable like it: expected the address of a proxy")
    assert SECRET not in repr(failed)


def test_a_proxy_of_another_kind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")

    failed = failure(found({"endpoint": "https://scm.invalid"}))

    assert failed.detail == "a proxy of kind socks5 is on the way, which is not supported"


# --- side by side -----------------------------------------------------------------------------------------------------


def test_accounts_are_examined_side_by_side_and_told_in_their_order(simulator: Simulator) -> None:
    simulator.inject("production", Fault(Break("hang")))
    staging = {"name": "staging", "credentials": aksk(STAGING)}
    accounts = [{"name": f"hanging-{number}", "endpoint": simulator.url} for number in range(8)]

    started = time.monotonic()
    reports = examined(*accounts, {**staging, "endpoint": simulator.url}, poll_timeout="2s")

    assert time.monotonic() - started < 12
    assert [each.account for each in reports] == [*(f"hanging-{number}" for number in range(8)), "staging"]
    assert [each.failed for each in reports] == [True] * 8 + [False]


def test_a_resolver_that_hangs_is_given_up_and_delays_no_other_account(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_waiting = threading.Event()
    resolve: Callable[..., Any] = socket.getaddrinfo

    def hanging(host: str, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as it is
        if host == "scm.hanging":
            ended_waiting.wait(DEADLINE)
            raise socket.gaierror
        return resolve(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    accounts = [{"name": "hanging", "endpoint": "https://scm.hanging"}, {"endpoint": simulator.url}]

    hung, other = examined(*accounts, poll_timeout="2s")
    ended_waiting.set()

    assert hung.findings[0] == Finding(
        Step.NAME,
        Outcome.FAILED,
        "took longer than poll_timeout",
        "lengthen poll_timeout or raise max_requests_per_second",
    )
    assert not other.failed


def test_whoever_is_tired_of_waiting_can_leave(simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject(None, Fault(Break("hang")))
    argument = write(tmp_path, {"endpoint": simulator.url})
    with subprocess.Popen(
        command("check", "--live", argument), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        simulator.wait_for(1, DEADLINE)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)

    assert process.returncode == 1
    assert errors.endswith("Aborted!\n")


def test_more_accounts_than_threads_are_all_examined(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "MOST_THREADS", 2)

    reports = examined(*({"name": f"account-{number}", "endpoint": simulator.url} for number in range(5)))

    assert [(each.account, each.failed) for each in reports] == [(f"account-{number}", False) for number in range(5)]


def test_a_fault_of_our_own_costs_the_report_of_one_account(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:  # noqa: ANN401 - a stand-in
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(socket, "getaddrinfo", broken)

    failed = failure(found({"endpoint": simulator.url}))

    assert (failed.step, failed.detail) == (Step.NAME, "ZeroDivisionError")


# --- offset and requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "settings", "detail"),
    [
        ({"csrs": 12}, {}, "not needed: one page holds the list"),
        ({"csrs": 140}, {}, "counts records; 150 CSRs can be paged through"),
        ({"csrs": 140, "offset_mode": "page"}, {}, "counts pages from 0; 5050 CSRs can be paged through"),
        ({"csrs": 140, "offset_mode": "page1"}, {}, "counts pages from 1; 5000 CSRs can be paged through"),
        ({"csrs": 140, "offset_mode": "ignored"}, {}, "is ignored or refused; 50 CSRs can be paged through"),
        (
            {"csrs": 140, "max_offset": None},
            {"max_offset": None},
            "counts records; all CSRs can be paged through",
        ),
        (
            {"csrs": 140, "offset_mode": "page"},
            {"offset_mode": "page"},
            "counts pages from 0, as configured; 5050 CSRs can be paged through",
        ),
        ({"csrs": 140}, {"offset_mode": "none"}, "is not sent, as configured; 50 CSRs can be paged through"),
    ],
)
def test_the_meaning_of_an_offset_is_found_out_by_three_requests_at_most(
    behaviour: dict[str, Any], settings: dict[str, Any], detail: str
) -> None:
    account = SimulatedAccount("production", **behaviour)
    with Simulator([account]) as simulator:
        findings = found({"endpoint": simulator.url, "credentials": aksk(account), **settings})

        assert findings[Step.OFFSET].detail == detail
        assert len(attempts(simulator)) <= 3
        assert findings[Step.OFFSET].outcome is (Outcome.WARNING if "; 50 " in detail else Outcome.OK)


@pytest.mark.parametrize(
    ("total", "mode", "most", "interval", "detail"),
    [
        (0, OffsetMode.UNTESTED, 500, 300, "1 per poll, 288 per day with poll_interval 5m"),
        (130, OffsetMode.RECORD, 500, 300, "3 per poll, 864 per day with poll_interval 5m"),
        (230, OffsetMode.RECORD, 500, 3600, "3 to 500 per poll, 72 to 12000 per day with poll_interval 1h"),
        (230, OffsetMode.PAGE, 500, 5400, "5 per poll, 80 per day with poll_interval 1h30m"),
        (None, OffsetMode.RECORD, 500, 300, "3 to 500 per poll, 864 to 144000 per day with poll_interval 5m"),
        (230, OffsetMode.PAGE, 2, 300, "2 per poll, 576 per day with poll_interval 5m"),
    ],
)
def test_requests_are_counted_per_poll_and_per_day(
    total: int | None, mode: OffsetMode, most: int, interval: float, detail: str
) -> None:
    finding = cost(total, Paging(mode, 100), most, interval)

    assert finding.detail == detail
    assert finding.outcome is (Outcome.WARNING if most == 2 else Outcome.OK)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (59.6, "1m"), (90_061, "1d1h1m1s"), (5_400, "1h30m")])
def test_a_span_is_written_as_the_configuration_has_it(seconds: float, text: str) -> None:
    assert span(seconds) == text


# --- what to paste ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (Served("", 10065), {"static_configs": [{"targets": ["localhost:10065"]}]}),
        (Served("192.0.2.1", 1), {"static_configs": [{"targets": ["192.0.2.1:1"]}]}),
        (
            Served("::1", 1, "/csr", secure=True, users=True),
            {
                "metrics_path": "/csr/metrics",
                "scheme": "https",
                "tls_config": {"ca_file": "ca.pem"},
                "basic_auth": {"username": "prometheus", "password_file": "password"},
                "static_configs": [{"targets": ["[::1]:1"]}],
            },
        ),
    ],
)
def test_the_scrape_configuration_fits_where_the_exporter_listens(served: Served, expected: dict[str, Any]) -> None:
    (job,) = yaml.safe_load("\n".join(check.scrape_config(served, ["production"])))["scrape_configs"]

    assert job == {"job_name": "csr-exporter", "scrape_interval": "1m", **expected}


def test_prometheus_takes_the_scrape_configuration(tmp_path: Path) -> None:
    promtool = tool("promtool", "prometheus")
    lines = check.scrape_config(Served("::", 10065, "/csr", secure=True, users=True), ["a", 'b"'])
    file = tmp_path / "prometheus.yml"
    uncommented = [line.replace("# params", "params") for line in lines]
    file.write_text("\n".join(uncommented), encoding="utf-8")
    for name in ("ca.pem", "password"):
        (tmp_path / name).write_bytes(OURS.cert)

    result = subprocess.run(
        [promtool, "check", "config", file], check=False, capture_output=True, text=True, timeout=DEADLINE
    )

    assert result.returncode == 0, result.stderr


def test_what_to_paste_follows_the_flags_of_serving(simulator: Simulator, tmp_path: Path) -> None:
    argument = write(tmp_path, {"endpoint": simulator.url})

    result = ended("check", "--live", argument, "--web.listen-address=127.0.0.1:9000", "--web.route-prefix=/csr")

    assert '      - targets: ["127.0.0.1:9000"]' in result.stdout
    assert "    metrics_path: /csr/metrics" in result.stdout
