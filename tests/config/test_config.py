"""Configuration: what is read, and the whole message for what cannot be."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from csr_exporter.config import (
    AkskCredentials,
    Config,
    ConfigError,
    EnvironmentCredentials,
    PasswordCredentials,
    SecretUnavailableError,
    TokenCredentials,
    config_from_environment,
    read_config,
)

DAY = 86_400.0

MINIMAL = """\
accounts:
  - name: production
    site: international
    credentials: {kind: token, token_env: THE_TOKEN}
"""


def written(directory: Path, text: str) -> Path:
    file = directory / "config.yml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes_in(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_config(written(directory, text))
    return str(caught.value).replace(str(directory / "config.yml"), "config.yml").splitlines()


def test_a_minimal_configuration_has_the_documented_defaults(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, MINIMAL))

    assert (config.poll_interval, config.poll_timeout, config.request_timeout) == (300.0, 120.0, 20.0)
    assert config.stale_after == 6 * config.poll_interval
    assert (config.max_requests_per_poll, config.max_requests_per_second) == (500, 10.0)
    assert config.age_buckets == tuple(days * DAY for days in (7, 30, 47, 100, 200, 365, 398, 730))
    assert config.per_csr.labels == ("name", "domain_name", "private_key_algo", "usage")
    (account,) = config.accounts
    assert account.address == "https://scm.ap-southeast-1.myhuaweicloud.com"
    assert (account.offset_mode, account.max_offset, account.limit) == ("auto", 100, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("90d", 90 * DAY), ("1500ms", 1.5), ("1y2w", 379 * DAY)],
)
def test_durations_are_written_as_prometheus_writes_them(tmp_path: Path, text: str, seconds: float) -> None:
    config = read_config(written(tmp_path, f"age_buckets: [{text}]\n{MINIMAL}"))

    assert config.age_buckets == (seconds,)


def test_relative_paths_start_at_the_file_they_are_written_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("the-token\n", encoding="utf-8")
    monkeypatch.chdir("/")

    config = read_config(written(tmp_path, MINIMAL.replace("token_env: THE_TOKEN", "token_file: token")))

    credentials = config.accounts[0].credentials
    assert isinstance(credentials, TokenCredentials)
    assert credentials.token.read() == "the-token"


def test_a_secret_that_is_not_there_yet_is_no_mistake_until_it_is_needed(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, MINIMAL.replace("token_env: THE_TOKEN", "token_file: token")))

    credentials = config.accounts[0].credentials
    assert isinstance(credentials, TokenCredentials)
    with pytest.raises(SecretUnavailableError, match=r"token: No such file or directory$"):
        credentials.token.read()


@pytest.mark.parametrize(("value", "why"), [(None, "is not set"), (" ", "is empty")])
def test_a_variable_without_a_secret_is_called_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, why: str
) -> None:
    monkeypatch.delenv("THE_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("THE_TOKEN", value)
    credentials = read_config(written(tmp_path, MINIMAL)).accounts[0].credentials

    assert isinstance(credentials, TokenCredentials)
    with pytest.raises(SecretUnavailableError, match=f"^THE_TOKEN {why}$"):
        credentials.token.read()


def test_a_password_account_takes_project_and_iam_from_its_site(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "{kind: token, token_env: THE_TOKEN}", "{kind: password, user: u, password_env: P, domain: d}"
    )

    credentials = read_config(written(tmp_path, text)).accounts[0].credentials

    assert isinstance(credentials, PasswordCredentials)
    assert credentials.iam_endpoint == "https://iam.myhuaweicloud.com"
    assert credentials.scope is not None
    assert credentials.scope.project == "ap-southeast-1"


def test_no_secret_shows_in_any_form_of_the_configuration(tmp_path: Path) -> None:
    text = MINIMAL.replace("token_env: THE_TOKEN", "token: hunter2hunter2").replace(
        "    site:", "    proxy: http://user:hunter2@proxy.example:3128\n    site:"
    )

    config = read_config(written(tmp_path, text))

    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config)
    assert "hunter2" not in config.model_dump_json()
    assert list(config.warnings()) == [
        "production: token is in the configuration file; token_file or token_env keeps it out"
    ]


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("http://user:hunter2@proxy.example", "http://<secret>@proxy.example"),
        ("http://hunter2@proxy.example/", "http://<secret>@proxy.example"),
        ("https://user:%23hunter2%2F%40@[2001:db8::1]:3128", "https://<secret>@[2001:db8::1]:3128"),
    ],
)
def test_a_proxy_is_shown_without_user_and_password(tmp_path: Path, proxy: str, shown: str) -> None:
    config = read_config(written(tmp_path, MINIMAL.replace("    site:", f"    proxy: '{proxy}'\n    site:")))

    assert yaml.safe_load(config.shown())["accounts"][0]["proxy"] == shown


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:hunter2/@proxy.example",
        "http://user/hunter2@proxy.example",
        "http://user:hunter2#@proxy.example",
        "http://user:hunter2?@proxy.example",
        "http://user:hunter2\\@proxy.example",
        "http://user:hunter2@hunter2@proxy.example",
        "http://user:hunter2\uff03@proxy.example",
        "http://proxy.example?hunter2",
        "http://proxy.example:hunter2",
        "http://proxy.example:65536",
        "http://[hunter2",
        "hunter2:3128",
        "socks5://proxy.example:1080",
    ],
)
def test_what_cannot_be_a_proxy_is_refused_without_quoting_any_of_it(tmp_path: Path, proxy: str) -> None:
    text = MINIMAL.replace("    site:", f"    proxy: '{proxy}'\n    site:")

    assert mistakes_in(tmp_path, text) == [
        "config.yml: accounts.0.proxy: expected a proxy such as http://user:password@proxy.example:3128, "
        "with special characters of user and password percent-encoded"
    ]


def test_the_configuration_is_shown_as_it_could_be_written(tmp_path: Path) -> None:
    text = MINIMAL.replace("token_env: THE_TOKEN", "token_file: token").replace(
        "    site:", "    max_offset: null\n    site:"
    )
    config = read_config(written(tmp_path, f"stale_after: 1h30m\nrequest_timeout: 1500ms\n{text}"))

    assert (
        config.shown()
        == f"""\
poll_interval: 5m
poll_timeout: 2m
request_timeout: 1s500ms
stale_after: 1h30m
max_requests_per_poll: 500
max_requests_per_second: 10.0
age_buckets:
- 7d
- 30d
- 47d
- 100d
- 200d
- 365d
- 398d
- 730d
per_csr:
  enabled: true
  max_series: 20000
  labels:
  - name
  - domain_name
  - private_key_algo
  - usage
accounts:
- name: production
  site: international
  insecure_plain_http: false
  insecure_skip_verify: false
  offset_mode: auto
  max_offset: null
  credentials:
    kind: token
    token_file: {tmp_path / "token"}
owners: []
policy:
  owner_required: false
waivers: []
"""
    )
    assert read_config(written(tmp_path, config.shown())) == config


def test_a_secret_that_stands_in_the_configuration_is_shown_as_one(tmp_path: Path) -> None:
    credentials = "{kind: aksk, access_key: hunter2, secret_key: hunter2, security_token_env: TOKEN, domain_id: d}"
    config = read_config(written(tmp_path, MINIMAL.replace("{kind: token, token_env: THE_TOKEN}", credentials)))

    assert yaml.safe_load(config.shown())["accounts"][0]["credentials"] == {
        "kind": "aksk",
        "access_key": "<secret>",
        "secret_key": "<secret>",
        "security_token_env": "TOKEN",
        "domain_id": "d",
    }


def test_what_weakens_security_is_said(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "site: international",
        "endpoint: http://scm.example\n    insecure_plain_http: true\n    insecure_skip_verify: true",
    )

    assert list(read_config(written(tmp_path, text)).warnings()) == [
        "production: insecure_plain_http lets anyone on the network read the credentials",
        "production: insecure_skip_verify lets anyone on the network impersonate the service",
    ]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"])
def test_plain_http_is_for_loopback(tmp_path: Path, endpoint: str) -> None:
    config = read_config(written(tmp_path, MINIMAL.replace("site: international", f"endpoint: '{endpoint}'")))

    assert config.accounts[0].address == endpoint


# --- bad files --------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ["config.yml: expected a mapping of settings"]),
    "not YAML": ("accounts: [", ["config.yml:1:12: expected the node content, but found '<stream end>'"]),
    "a key twice": ("poll_interval: 5m\npoll_interval: 6m\n", ["config.yml:2:1: a key is given twice"]),
    "no accounts": (
        "accounts: []\nper_csr: {}\n",
        ["config.yml: accounts: expected at least one account"],
    ),
    "unknown settings": (
        MINIMAL + "    offsetmode: page\npol_interval: 5m\n",
        [
            "config.yml: accounts.0.offsetmode: unknown setting; did you mean offset_mode?",
            "config.yml: pol_interval: unknown setting; did you mean poll_interval?",
        ],
    ),
    "wrong types": (
        "poll_interval: 300\nmax_requests_per_poll: '500'\nmax_requests_per_second: fast\nper_csr: {enabled: 1}\n"
        "age_buckets: 7d\naccounts: [production]\n",
        [
            "config.yml: poll_interval: expected a duration such as 30s, 5m, 1h30m or 90d",
            "config.yml: max_requests_per_poll: expected a whole number",
            "config.yml: max_requests_per_second: expected a number",
            "config.yml: age_buckets: expected a list",
            "config.yml: per_csr.enabled: expected true or false",
            "config.yml: accounts.0: expected a mapping of settings",
        ],
    ),
    "out of range": (
        "poll_interval: 1s\nage_buckets: [30d, 7d]\nmax_requests_per_poll: 0\nper_csr: {labels: [name, name]}\n"
        + MINIMAL
        + "    limit: 0\n    max_offset: -1\n",
        [
            "config.yml: poll_interval: expected at least 10s",
            "config.yml: max_requests_per_poll: expected greater than or equal to 1",
            "config.yml: age_buckets: expected ascending durations, the first above 0s",
            "config.yml: per_csr.labels: expected each value once",
            "config.yml: accounts.0.limit: expected greater than or equal to 1",
            "config.yml: accounts.0.max_offset: expected greater than or equal to 0",
        ],
    ),
    "durations beyond reason": (
        f"poll_interval: 9000y\npoll_timeout: 25h\nrequest_timeout: {'9' * 5000}s\nstale_after: 101y\n"
        f"age_buckets: [7d, {'9' * 400}y]\n{MINIMAL}",
        [
            "config.yml: poll_interval: expected at most 1d",
            "config.yml: poll_timeout: expected at most 1d",
            "config.yml: request_timeout: expected at most 1d",
            "config.yml: stale_after: expected at most 100y",
            "config.yml: age_buckets.1: expected at most 100y",
        ],
    ),
    "numbers and dates where text is expected": (
        MINIMAL.replace("production", "2024-01-31")
        + MINIMAL.removeprefix("accounts:\n").replace("production", "12345")
        + MINIMAL.removeprefix("accounts:\n").replace("production", "yes"),
        [f"config.yml: accounts.{number}.name: expected text; put numbers and dates in quotes" for number in range(3)],
    ),
    "what looks like a date but is none": (
        MINIMAL.replace("production", "2024-13-45"),
        ["config.yml:2:11: expected a valid number or date, or text in quotes"],
    ),
    "what looks like a number but is none": (
        MINIMAL.replace("production", "0x_"),
        ["config.yml:2:11: expected a valid number or date, or text in quotes"],
    ),
    "deep nesting": ("accounts: " + "[" * 5000, ["config.yml: nested too deeply"]),
    "the home of nobody, and no path at all": (
        MINIMAL.replace("    site:", "    ca_file: ~nosuchuser/ca.pem\n    site:")
        + MINIMAL.removeprefix("accounts:\n")
        .replace("production", "staging")
        .replace("token_env: THE_TOKEN", 'token_file: "a\\0b"'),
        [
            "config.yml: accounts.0.ca_file: expected a path; ~ stands for no home directory here",
            "config.yml: accounts.1.credentials.token.token: expected a path",
        ],
    ),
    "stale before the next poll": (
        "poll_interval: 5m\nstale_after: 1m\n" + MINIMAL,
        ["config.yml: stale_after: expected at least poll_interval"],
    ),
    "secrets given twice or not at all": (
        "accounts:\n"
        "  - name: production\n    site: china\n    credentials: {kind: aksk, access_key: AK, access_key_env: AK}\n"
        "  - name: staging\n    site: china\n    credentials: {kind: token, token: ''}\n",
        [
            "config.yml: accounts.0.credentials.aksk.access_key: "
            "expected one of access_key, access_key_file, access_key_env",
            "config.yml: accounts.0.credentials.aksk.secret_key: "
            "expected one of secret_key, secret_key_file, secret_key_env",
            "config.yml: accounts.1.credentials.token.token: expected text in token",
        ],
    ),
    "bad places": (
        "accounts:\n"
        "  - {name: a, site: mars, credentials: {kind: environment}}\n"
        "  - {name: b, credentials: {kind: environment}}\n"
        "  - {name: c, site: china, endpoint: 'https://scm.example', credentials: {kind: environment}}\n"
        "  - {name: d, endpoint: 'http://scm.example', credentials: {kind: environment}}\n"
        "  - {name: e, endpoint: 'https://user:hunter2@scm.example', credentials: {kind: environment}}\n"
        "  - {name: f, endpoint: 'http://127.0.0.1:1', credentials: "
        "{kind: password, user: u, password_env: P, domain: d}}\n",
        [
            "config.yml: accounts.0.site: expected 'china', 'international', 'malaysia' or 'europe'",
            "config.yml: accounts.1.endpoint: expected either site or endpoint",
            "config.yml: accounts.2.endpoint: expected either site or endpoint",
            "config.yml: accounts.3.endpoint: expected https://, or insecure_plain_http: true: http:// shows the "
            "credentials to anyone",
            "config.yml: accounts.4.endpoint: expected an address such as https://scm.ap-southeast-1.myhuaweicloud.com",
            "config.yml: accounts.5.credentials: expected iam_endpoint: it is known for sites only",
        ],
    ),
    "bad kinds": (
        "accounts:\n"
        "  - {name: a, site: china, credentials: {kind: hunter2}}\n"
        "  - {name: b, site: china, credentials: {kind: metadata, metadata_endpoint: 'http://10.0.0.1'}}\n"
        "  - {name: c, site: china, credentials: token}\n"
        "  - {name: d, site: china}\n"
        "  - {name: e, site: china, credentials: {token_env: T}}\n"
        "  - {name: f, site: china, credentials: {kind: metadata, metadata_endpoint: 'http://['}}\n",
        [
            "config.yml: accounts.0.credentials.kind: "
            "expected 'aksk', 'password', 'token', 'metadata', 'profile', 'oidc', 'pod_identity', 'environment'",
            "config.yml: accounts.1.credentials.metadata.metadata_endpoint: "
            "expected an address on this machine or its link, such as http://169.254.169.254",
            "config.yml: accounts.2.credentials: expected a mapping with a kind",
            "config.yml: accounts.3.credentials: required, but not given",
            "config.yml: accounts.4.credentials: expected a kind",
            "config.yml: accounts.5.credentials.metadata.metadata_endpoint: "
            "expected an address on this machine or its link, such as http://169.254.169.254",
        ],
    ),
    "bad names": (
        MINIMAL.replace("production", "''") + MINIMAL.removeprefix("accounts:\n").replace("production", "' hunter2'"),
        [
            "config.yml: accounts.0.name: expected text",
            "config.yml: accounts.1.name: expected text without white space around it",
        ],
    ),
    "one name for two accounts": (
        MINIMAL + MINIMAL.removeprefix("accounts:\n"),
        ["config.yml: accounts.1.name: expected a name that no other account has"],
    ),
    "bad owners, policy and waivers": (
        MINIMAL + "owners:\n  - {names: ['*']}\n  - {owner: unowned}\n  - {owner: a, names: []}\n"
        "policy: {max_age: 0s, allowed_algorithms: RSA_2048, owners_required: true}\n"
        "waivers:\n"
        "  - {name: A, rule: max_ages, names: [a], reason: r, until: 2026-01-31}\n"
        "  - {name: A, rule: max_age, names: [a], until: '2026-02-30'}\n"
        "  - {name: B, rule: max_age, reason: r, until: 2026-01-31}\n"
        "  - {name: C, rule: max_age, ids: [a], reason: r, until: 3000-01-01}\n",
        [
            "config.yml: owners.0.owner: required, but not given",
            "config.yml: owners.1.owner: expected another name; unowned stands for CSRs that no entry matches",
            "config.yml: owners.2.names: expected at least one entry",
            "config.yml: policy.max_age: expected at least 1s",
            "config.yml: policy.allowed_algorithms: expected a list",
            "config.yml: policy.owners_required: unknown setting; did you mean owner_required?",
            "config.yml: waivers.0.rule: expected 'max_age', 'allowed_algorithms', 'allowed_domains', "
            "'owner_required' or 'superseded_after'",
            "config.yml: waivers.1.reason: required, but not given",
            "config.yml: waivers.1.until: expected a day such as 2027-03-31",
            "config.yml: waivers.2.ids: expected names, domains, accounts or ids; "
            'names: ["*"] waives the rule for all CSRs',
            "config.yml: waivers.3.until: expected a day at most 400 days ahead; renew the waiver then",
            "config.yml: waivers.1.name: expected a name that no other waiver has",
        ],
    ),
    "an owner demanded and none named": (
        MINIMAL + "policy: {owner_required: true}\n",
        ["config.yml: policy: expected owners beside owner_required; without them every CSR breaks it"],
    ),
    "two scopes": (
        "accounts:\n  - name: a\n    site: china\n"
        "    credentials: {kind: password, user: u, password_env: P, domain: d, scope: {project: p, domain: d}}\n",
        ["config.yml: accounts.0.credentials.password.scope.domain: expected either project or domain"],
    ),
}


POLICY = """\
owners:
  - owner: payments
    names: ["pay-*", "billing-*"]
    accounts: [production]
policy: {max_age: 398d, allowed_algorithms: [EC_P256], owner_required: true}
waivers:
  - name: PKI-42
    rule: max_age
    ids: [48e3]
    reason: appliance is replaced in spring
    until: 2026-03-31
"""


def test_owners_policy_and_waivers_are_read_and_shown_as_they_can_be_read_again(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, MINIMAL + POLICY))

    assert config.owners[0].names == ("pay-*", "billing-*")
    assert config.policy.max_age == 398 * DAY
    assert config.waivers[0].until == date(2026, 3, 31)
    assert read_config(written(tmp_path, config.shown())) == config


@pytest.mark.parametrize("text, mistakes", BAD.values(), ids=BAD)  # noqa: PT006 - read as one
def test_every_mistake_is_named_at_once_in_a_sentence(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    assert mistakes_in(tmp_path, text) == mistakes


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path / "none.yml")

    assert str(caught.value) == f"{tmp_path / 'none.yml'}: No such file or directory"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("poll_interval: hunter2\nhunter: [hunter2\n", "config.yml:3:1: expected ',' or ']', but got '<stream end>'"),
        ("password: *hunter2", "config.yml:1:11: expected an anchor for this alias; quote text that starts with *"),
        ("password: !hunter2 x", "config.yml:1:11: expected no tag; quote text that starts with !"),
        ("password: !h!hunter2 x", "config.yml:1:11: expected no tag; quote text that starts with !"),
        ("password: !!int hunter2", "config.yml:1:11: expected a valid number or date, or text in quotes"),
        ("password: !!bool hunter2", "config.yml:1:11: expected a valid number or date, or text in quotes"),
        ("password: !!map hunter2", "config.yml:1:11: expected a mapping node, but found scalar"),
        ("password: !!timestamp hunter2", "config.yml:1:11: expected a valid number or date, or text in quotes"),
        ("password: !!binary hunter2", "config.yml:1:11: failed to decode base64 data: Incorrect padding"),
        ("password: !!binary h\xfcnter2", "config.yml:1:11: expected text that YAML can read, or text in quotes"),
        ("password: @hunter2", "config.yml:1:11: expected text that YAML can read, or text in quotes"),
        ("password: &hunter2 a\nuser: &hunter2 b", "config.yml:2:7: expected another anchor"),
        ("%TAG !hunter2! a\n%TAG !hunter2! b\n--- x", "config.yml:2:1: expected another tag handle"),
        ('password: "hunter2\\q"', "config.yml:1:20: expected text that YAML can read, or text in quotes"),
        ("password: hunter2: x", "config.yml:1:18: mapping values are not allowed here"),
        ("password: hunter2\x01", "config.yml: expected YAML without control characters"),
    ],
)
def test_a_file_that_is_not_yaml_is_a_mistake_that_quotes_none_of_it(tmp_path: Path, text: str, mistake: str) -> None:
    assert mistakes_in(tmp_path, text) == [mistake]


# --- the environment --------------------------------------------------------------------------------------------------


def test_a_key_in_the_environment_makes_one_account() -> None:
    config = config_from_environment(
        {"CSR_EXPORTER_SITE": "china", "HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": "SK"}
    )

    (account,) = config.accounts
    assert (account.name, account.site) == ("default", "china")
    assert isinstance(account.credentials, EnvironmentCredentials)


def test_a_token_in_the_environment_makes_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "CSR_EXPORTER_ENDPOINT": "http://127.0.0.1:1",
        "CSR_EXPORTER_TOKEN": "the-token",
        "CSR_EXPORTER_POLL_INTERVAL": "1m",
    }
    monkeypatch.setenv("CSR_EXPORTER_TOKEN", "the-token")

    config = config_from_environment(variables)

    credentials = config.accounts[0].credentials
    assert isinstance(credentials, TokenCredentials)
    assert credentials.token.read() == "the-token"
    assert config.poll_interval == 60.0
    assert list(config.warnings()) == []


def test_a_user_in_the_environment_makes_one_account() -> None:
    config = config_from_environment(
        {
            "CSR_EXPORTER_ENDPOINT": "http://127.0.0.1:1",
            "CSR_EXPORTER_IAM_ENDPOINT": "http://127.0.0.1:2",
            "CSR_EXPORTER_USER": "u",
            "CSR_EXPORTER_PASSWORD_FILE": "/run/secrets/password",
            "CSR_EXPORTER_DOMAIN": "d",
            "CSR_EXPORTER_PROJECT": "cn-north-4",
        }
    )

    credentials = config.accounts[0].credentials
    assert isinstance(credentials, PasswordCredentials)
    assert (credentials.password.suffix, credentials.password.given) == ("_file", "/run/secrets/password")
    assert credentials.scope is not None
    assert credentials.scope.project == "cn-north-4"


@pytest.mark.parametrize(
    ("variables", "mistakes"),
    [
        (
            {},
            [
                "environment: expected HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, CSR_EXPORTER_TOKEN or "
                "CSR_EXPORTER_USER, or a file given by --config.file"
            ],
        ),
        (
            {"HUAWEICLOUD_SDK_AK": "AK"},
            ["environment: CSR_EXPORTER_ENDPOINT: expected either site or endpoint"],
        ),
        (
            {"CSR_EXPORTER_SITE": "mars", "CSR_EXPORTER_USER": "u", "CSR_EXPORTER_POLL_INTERVAL": "soon"},
            [
                "environment: CSR_EXPORTER_POLL_INTERVAL: expected a duration such as 30s, 5m, 1h30m or 90d",
                "environment: CSR_EXPORTER_SITE: expected 'china', 'international', 'malaysia' or 'europe'",
                "environment: CSR_EXPORTER_PASSWORD: expected one of password, password_file, password_env",
                "environment: CSR_EXPORTER_DOMAIN: required, but not given",
            ],
        ),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(variables: dict[str, str], mistakes: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_environment(variables)

    assert str(caught.value).splitlines() == mistakes


# --- the schema -------------------------------------------------------------------------------------------------------


def test_the_schema_knows_durations_kinds_that_accounts_are_needed_and_the_three_spellings_of_a_secret() -> None:
    schema = Config.model_json_schema()

    assert schema["properties"]["poll_interval"]["pattern"].startswith("^")
    assert schema["properties"]["accounts"]["minItems"] == 1
    aksk = schema["$defs"][AkskCredentials.__name__]
    assert {"secret_key", "secret_key_file", "secret_key_env"} <= set(aksk["properties"])
    assert aksk["required"] == ["kind"]
    assert json.dumps(schema)
