"""The web configuration: what is read, the whole message for what cannot be, and how its files are followed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from csr_exporter.config import ConfigError
from csr_exporter.web.config import ActiveConfig, Users, WebConfigFile, credentials_in, read_web_config
from csr_exporter.web.config.model import TlsServerConfig, WebConfig
from csr_exporter.web.config.tls import alternative_names
from tests.certificates import Authority, in_pem

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
VERIFYING = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt"


def hashed(password: bytes) -> str:
    """A hash of the lowest cost there is, for tests that want to be quick."""
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def directory(tmp_path: Path, authority: Authority) -> Path:
    """A directory with what a configuration may name."""
    authority.issue().write(tmp_path, "server")
    authority.issue().write(tmp_path, "other")
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    (tmp_path / "junk.pem").write_text("not PEM", encoding="utf-8")
    (tmp_path / "locked.key").write_bytes(in_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    return tmp_path


def written(directory: Path, text: str) -> Path:
    file = directory / "web.yml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes_in(directory: Path, text: str) -> list[str]:
    file = written(directory, text)
    with pytest.raises(ConfigError) as caught:
        WebConfigFile(file)
    return [mistake.replace(f"{directory}/", "") for mistake in caught.value.mistakes]


def tls(directory: Path, **settings: Any) -> TlsServerConfig:  # noqa: ANN401 - settings of any type
    given = {"cert_file": "server.crt", "key_file": "server.key", **settings}
    config = read_web_config(written(directory, yaml.safe_dump({"tls_server_config": given})))
    assert config.tls_server_config is not None
    return config.tls_server_config


# --- What is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "tls_server_config: {}\n", "tls_server_config:\nbasic_auth_users:\nrate_limit:\n"]
)
def test_nothing_configured_is_open_and_plain(directory: Path, text: str) -> None:
    active = WebConfigFile(written(directory, text)).active()

    assert (active.tls, bool(active.users), active.headers) == (None, False, {})


def test_the_example_of_the_format_is_read(directory: Path) -> None:
    text = f"""
{TLS}
basic_auth_users:
  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze
  bob: $2y$10$hLqFl9jSjoAAy95Z/zw8Ye8wkdMBM8c5Bn1ptYqP/AXyV0.oy0S8m
"""
    config = read_web_config(written(directory, text))

    assert sorted(config.basic_auth_users) == ["alice", "bob"]
    assert config.tls_server_config is not None


def test_every_setting_that_we_have_is_read(directory: Path) -> None:
    text = """
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: []
  prefer_server_cipher_suites: false
  curve_preferences: []
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: '0'
    Strict-Transport-Security: max-age=63072000
rate_limit: {}
"""
    active = WebConfigFile(written(directory, text)).active()

    assert active.tls is not None
    context = active.tls.context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert active.headers["Strict-Transport-Security"] == "max-age=63072000"
    assert len(active.headers) == 5


def test_certificates_may_stand_in_the_file_itself(directory: Path, authority: Authority) -> None:
    pair = authority.issue()
    settings = {
        "cert": pair.cert.decode(),
        "key": pair.key.decode(),
        "client_ca": authority.cert.decode(),
        "client_auth_type": "VerifyClientCertIfGiven",
    }
    file = written(directory, yaml.safe_dump({"tls_server_config": settings}))

    tls = WebConfigFile(file).active().tls

    assert tls is not None
    assert tls.context.verify_mode == ssl.CERT_OPTIONAL
    assert "PRIVATE KEY" not in repr(read_web_config(file))


def test_relative_paths_start_at_the_file_they_are_written_in(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert tls(directory).cert_file == directory / "server.crt"


def test_older_versions_and_renegotiation_are_not_offered(directory: Path) -> None:
    tls = WebConfigFile(written(directory, TLS)).active().tls

    assert tls is not None
    context = tls.context
    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_the_page_on_it_names_every_setting_and_its_example_is_valid(directory: Path, authority: Authority) -> None:
    page = (Path(__file__).parents[2] / "docs" / "web.md").read_text(encoding="utf-8")
    schema = WebConfig.model_json_schema()
    settings = {name for each in (schema, *schema["$defs"].values()) for name in each["properties"]}
    (directory / "clients.crt").write_bytes(authority.cert)
    example = page.partition("```yaml\n")[2].partition("```")[0]

    active = WebConfigFile(written(directory, example)).active()

    assert {name for name in settings if f"{name}`" not in page and f"`{name}" not in page} == set()
    assert active.users
    assert active.tls is not None


# --- Mistakes ---------------------------------------------------------------------------------------------------------


def of_tls(settings: str) -> str:
    return f"tls_server_config: {{cert_file: server.crt, key_file: server.key, {settings}}}\n"


UNVERIFIED = (
    "web.yml: tls_server_config.client_auth_type: expected 'NoClientCert', 'VerifyClientCertIfGiven' or "
    "'RequireAndVerifyClientCert'"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]\n", ["web.yml: expected a mapping of settings"]),
        ("tls: {}\n", ["web.yml: tls: unknown setting"]),
        ("basic_auth_user: {}\n", ["web.yml: basic_auth_user: unknown setting; did you mean basic_auth_users?"]),
        ("tls_server_config: []\n", ["web.yml: tls_server_config: expected a mapping of settings"]),
        (
            "tls_server_config: {min_version: TLS13}\n",
            [
                "web.yml: tls_server_config.cert_file: expected either cert or cert_file",
                "web.yml: tls_server_config.key_file: expected either key or key_file",
            ],
        ),
        (
            of_tls("cert: x, key: y"),
            [
                "web.yml: tls_server_config.cert_file: expected either cert or cert_file",
                "web.yml: tls_server_config.key_file: expected either key or key_file",
            ],
        ),
        (
            "tls_server_config: {cert_file: a.crt, key_file: ., client_ca_file: [ca.crt]}\n",
            [
                "web.yml: tls_server_config.cert_file: cannot be read: No such file or directory",
                "web.yml: tls_server_config.key_file: cannot be read: Is a directory",
                "web.yml: tls_server_config.client_ca_file: expected a path",
            ],
        ),
        (
            "tls_server_config: {cert_file: server.crt, key_file: other.key}\n",
            ["web.yml: tls_server_config.key_file: expected the key of the certificate in cert_file"],
        ),
        (
            "tls_server_config: {cert_file: junk.pem, key_file: server.key}\n",
            ["web.yml: tls_server_config.cert_file: expected certificates in PEM"],
        ),
        (
            "tls_server_config: {cert_file: server.crt, key_file: junk.pem}\n",
            ["web.yml: tls_server_config.key_file: expected a private key in PEM, not encrypted"],
        ),
        (
            "tls_server_config: {cert_file: server.crt, key_file: locked.key}\n",
            ["web.yml: tls_server_config.key_file: expected a private key in PEM, not encrypted"],
        ),
        (
            "tls_server_config: {cert: x, key: y, client_ca: z, client_auth_type: RequireAndVerifyClientCert}\n",
            [
                "web.yml: tls_server_config.cert: expected certificates in PEM",
                "web.yml: tls_server_config.client_ca: expected certificates in PEM",
            ],
        ),
        (
            of_tls("client_ca_file: junk.pem, client_auth_type: VerifyClientCertIfGiven"),
            ["web.yml: tls_server_config.client_ca_file: expected certificates in PEM"],
        ),
        (of_tls("client_auth_type: RequestClientCert"), [UNVERIFIED]),
        (of_tls("client_auth_type: RequireAnyClientCert"), [UNVERIFIED]),
        (of_tls("client_auth_type: RequireClientCert"), [UNVERIFIED]),
        (of_tls("client_auth_type: Sometimes"), [UNVERIFIED]),
        (
            of_tls("client_ca: x, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"),
            ["web.yml: tls_server_config.client_ca_file: expected either client_ca or client_ca_file"],
        ),
        (
            of_tls("client_auth_type: RequireAndVerifyClientCert"),
            [
                "web.yml: tls_server_config.client_ca_file: expected either client_ca or client_ca_file, or any public "
                "authority could let clients in"
            ],
        ),
        (
            of_tls("client_ca_file: ca.crt"),
            [
                "web.yml: tls_server_config.client_ca_file: expected a client_auth_type that verifies certificates, "
                "such as RequireAndVerifyClientCert"
            ],
        ),
        (
            of_tls("client_allowed_sans: [a]"),
            [
                "web.yml: tls_server_config.client_allowed_sans: expected client_auth_type to be "
                "RequireAndVerifyClientCert"
            ],
        ),
        (
            of_tls(f"{VERIFYING}, client_allowed_sans: []"),
            ["web.yml: tls_server_config.client_allowed_sans: expected at least one name"],
        ),
        (
            of_tls(f"{VERIFYING}, client_allowed_sans: a"),
            ["web.yml: tls_server_config.client_allowed_sans: expected a list"],
        ),
        (
            of_tls("min_version: TLS10, max_version: TLS11"),
            [
                "web.yml: tls_server_config.min_version: expected 'TLS12' or 'TLS13'",
                "web.yml: tls_server_config.max_version: expected 'TLS12' or 'TLS13'",
            ],
        ),
        (
            of_tls("min_version: TLS13, max_version: TLS12"),
            ["web.yml: tls_server_config.max_version: expected at least min_version"],
        ),
        (of_tls("max_version: [TLS13]"), ["web.yml: tls_server_config.max_version: expected 'TLS12' or 'TLS13'"]),
        (
            of_tls("cipher_suites: [TLS_AES_128_GCM_SHA256], curve_preferences: [X25519]")
            + "rate_limit: {interval: 1s, burst: 1}\nhttp_server_config: {http2: true}\n",
            [
                "web.yml: tls_server_config.cipher_suites: not supported: OpenSSL's secure defaults are used; "
                "remove it, or set min_version: TLS13",
                "web.yml: tls_server_config.curve_preferences: not supported: OpenSSL chooses the curve; remove it",
                "web.yml: http_server_config.http2: not supported: HTTP/1.1 is served, which Prometheus speaks too; "
                "remove it",
                "web.yml: rate_limit: not supported: concurrent requests are bounded instead; remove it, or limit the "
                "rate in a proxy",
            ],
        ),
        (
            of_tls("prefer_server_cipher_suites: 'yes'"),
            ["web.yml: tls_server_config.prefer_server_cipher_suites: expected true or false"],
        ),
        (
            'http_server_config: {headers: {X-Frame-Options: DENY, Server: x, X-XSS-Protection: "a\\nb"}}\n',
            [
                "web.yml: http_server_config.headers.X-Frame-Options: expected 'deny' or 'sameorigin'",
                "web.yml: http_server_config.headers.X-XSS-Protection: expected visible ASCII characters",
                "web.yml: http_server_config.headers.Server: unknown setting",
            ],
        ),
        (
            "http_server_config: {headers: {X-Frame-Option: deny, X-Content-Type-Options: sniff}}\n",
            [
                "web.yml: http_server_config.headers.X-Content-Type-Options: expected 'nosniff'",
                "web.yml: http_server_config.headers.X-Frame-Option: unknown setting; did you mean X-Frame-Options?",
            ],
        ),
        (
            "basic_auth_users: {alice: hunter2, bob: ''}\n",
            [
                "web.yml: basic_auth_users.alice: expected a hash by bcrypt, as htpasswd -nBC 10 '' prints it",
                "web.yml: basic_auth_users.bob: expected a hash by bcrypt, as htpasswd -nBC 10 '' prints it",
            ],
        ),
        ("basic_auth_users: [alice]\n", ["web.yml: basic_auth_users: expected a mapping of settings"]),
        (
            "rate_limit: 5\nbasic_auth_users: {alice: hunter2}\nhttp_server_config: {http3: true}\n",
            [
                "web.yml: http_server_config.http3: unknown setting; did you mean http2?",
                "web.yml: basic_auth_users.alice: expected a hash by bcrypt, as htpasswd -nBC 10 '' prints it",
                "web.yml: rate_limit: not supported: concurrent requests are bounded instead; remove it, or limit the "
                "rate in a proxy",
            ],
        ),
    ],
)
def test_all_mistakes_are_named_at_once(directory: Path, text: str, expected: list[str]) -> None:
    assert mistakes_in(directory, text) == expected


def test_a_rejected_secret_is_not_in_the_message(directory: Path) -> None:
    (mistake,) = mistakes_in(directory, "basic_auth_users: {alice: hunter2}\n")

    assert "hunter2" not in mistake


def test_a_user_given_twice_is_a_mistake(directory: Path) -> None:
    assert mistakes_in(directory, "basic_auth_users:\n  a: x\n  a: y\n") == ["web.yml:3:3: a key is given twice"]


# --- Users ------------------------------------------------------------------------------------------------------------


def test_the_right_password_is_verified_once_and_then_remembered() -> None:
    users = Users({"alice": hashed(b"right")})

    assert not users.remembers("alice", b"right")
    assert users.verify("alice", b"right")
    assert users.remembers("alice", b"right")
    assert not users.remembers("alice", b"wrong")
    assert not users.remembers("bob", b"right")


def test_a_wrong_password_is_verified_each_time() -> None:
    users = Users({"alice": hashed(b"right")})

    assert not users.verify("alice", b"wrong")
    assert not users.remembers("alice", b"wrong")


def test_a_wrong_password_leaves_the_right_one_remembered() -> None:
    users = Users({"alice": hashed(b"right")})
    users.verify("alice", b"right")

    users.verify("alice", b"wrong")

    assert users.remembers("alice", b"right")


def test_an_unknown_user_costs_a_bcrypt_and_is_not_let_in_by_the_password_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = []

    def check(password: bytes, hash_: bytes) -> bool:
        costs.append(hash_[:7])
        return bcrypt.hashpw(password, hash_) == hash_

    users = Users({"alice": hashed(b"right")})
    monkeypatch.setattr("csr_exporter.web.config.users.bcrypt.checkpw", check)

    assert not users.verify("mallory", b"right")
    assert not users.verify("", b"right")
    assert costs == [b"$2b$04$", b"$2b$04$"]


def test_a_user_whose_hash_did_not_change_stays_remembered(directory: Path) -> None:
    alice, bob = hashed(b"right"), hashed(b"right")
    followed = Followed(directory, f"basic_auth_users: {{alice: {alice}, bob: {bob}}}\n")
    before = followed.now().users
    for user in ("alice", "bob"):
        assert before.verify(user, b"right")

    followed.write(f"basic_auth_users: {{alice: {alice}, bob: {hashed(b'new')}, carol: {bob}}}\n")
    after = followed.later().users

    assert after is not before
    assert after.remembers("alice", b"right")
    assert not after.remembers("bob", b"right")
    assert not after.remembers("carol", b"right")


@pytest.mark.parametrize("password", [b"", b"a\0b", b"\xff\xfe", b"x" * 100, "口令".encode()])
def test_any_bytes_may_be_a_password(password: bytes) -> None:
    users = Users({"alice": hashed(password[:72])})

    assert users.verify("alice", password)
    assert not users.verify("alice", b"y" + password)


@pytest.mark.parametrize("version", ["2a", "2b", "2x", "2y"])
def test_a_hash_of_any_version_is_taken(directory: Path, version: str) -> None:
    text = f"basic_auth_users: {{alice: {hashed(b'right').replace('2b', version, 1)}}}\n"

    users = WebConfigFile(written(directory, text)).active().users

    assert users.verify("alice", b"right")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Basic YWxpY2U6c2VjcmV0", ("alice", b"secret")),
        (b"basic  YWxpY2U6c2VjcmV0 ", ("alice", b"secret")),
        (b"Basic YTpiOmM=", ("a", b"b:c")),
        (b"Basic 55So5oi3OuWPo+S7pA==", ("用户", "口令".encode())),
        (b"Basic YWxpY2U=", None),
        (b"Basic /zph", None),
        (b"Basic !!!!", None),
        (b"Basic YWxpY2U6c2VjcmV", None),
        (b"Basic", None),
        (b"Bearer YWxpY2U6c2VjcmV0", None),
        (b"", None),
    ],
)
def test_user_and_password_are_found_in_the_header(header: bytes, expected: tuple[str, bytes] | None) -> None:
    assert credentials_in(header) == expected


# --- Names ------------------------------------------------------------------------------------------------------------


def test_the_names_of_a_certificate_are_written_as_people_write_them() -> None:
    certificate = {
        "subjectAltName": (
            ("DNS", "a.example"),
            ("IP Address", "192.0.2.1"),
            ("IP Address", "2001:DB8:0:0:0:0:0:1\n"),
            ("IP Address", "<invalid>"),
            ("email", "a@example.com"),
            ("URI", "spiffe://example/a"),
            ("DirName", ((("commonName", "b"),),)),
        )
    }

    assert alternative_names(certificate) == {
        "a.example",
        "192.0.2.1",
        "2001:db8::1",
        "<invalid>",
        "a@example.com",
        "spiffe://example/a",
    }
    assert alternative_names(None) == alternative_names({}) == set()


# --- Following the files ----------------------------------------------------------------------------------------------


class Followed:
    """A web configuration file and the time, which passes when told to."""

    def __init__(self, directory: Path, text: str) -> None:
        self._clock = Clock()
        self._directory = directory
        self._file = WebConfigFile(written(directory, text), self._clock)

    def write(self, text: str) -> None:
        written(self._directory, text)

    def confirm(self) -> None:
        self._file.confirm()

    def now(self) -> ActiveConfig:
        return self._file.active()

    def later(self) -> ActiveConfig:
        self._clock.now += 1.0
        return self.now()


@pytest.fixture
def events() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


def test_what_has_not_changed_is_not_read_again(directory: Path, events: list[Any]) -> None:
    followed = Followed(directory, TLS)

    assert followed.later() is followed.later()
    assert events == []


def test_files_are_looked_at_once_a_second_at_most(directory: Path) -> None:
    followed = Followed(directory, "")
    before = followed.now()
    followed.write(f"basic_auth_users: {{alice: {hashed(b'right')}}}\n")

    assert followed.now() is before
    assert followed.later().users


@pytest.mark.parametrize("name", ["server.crt", "server.key", "ca.crt", "web.yml"])
def test_a_change_of_any_file_is_noticed(directory: Path, events: list[Any], name: str) -> None:
    followed = Followed(directory, of_tls(VERIFYING))
    before = followed.now().tls
    copy = directory / "copy"
    copy.write_bytes((directory / name).read_bytes())

    copy.replace(directory / name)

    assert followed.later().tls is not before
    assert events == [{"event": "web_config_loaded", "log_level": "info", "file": str(directory / "web.yml")}]


def test_a_turned_link_is_noticed(directory: Path, authority: Authority) -> None:
    for name in ("old", "new"):
        (directory / name).mkdir()
        authority.issue().write(directory / name, "server")
    (directory / "data").symlink_to("old")
    followed = Followed(directory, TLS.replace("server.", "data/server."))
    before = followed.now().tls

    (directory / "fresh").symlink_to("new")
    (directory / "fresh").replace(directory / "data")

    assert followed.later().tls is not before


def test_a_broken_file_leaves_the_old_in_force_and_is_logged_once(directory: Path, events: list[Any]) -> None:
    followed = Followed(directory, TLS)
    before = followed.now()

    followed.write(TLS + "basic_auth_users: {alice: x, bob: y}\n")

    assert [followed.later(), followed.later(), followed.later()] == [before] * 3
    file = str(directory / "web.yml")
    expected = "expected a hash by bcrypt, as htpasswd -nBC 10 '' prints it"
    detail = f"{file}: basic_auth_users.alice: {expected}; {file}: basic_auth_users.bob: {expected}"
    assert events == [{"event": "web_config_rejected", "log_level": "error", "file": file, "detail": detail}]


def test_another_broken_file_is_logged_again(directory: Path, events: list[Any]) -> None:
    followed = Followed(directory, "")
    for text in ("basic_auth_users: {alice: x}\n", "basic_auth_users: {alice: wrong}\n"):
        followed.write(text)
        followed.later()

    assert [each["event"] for each in events] == ["web_config_rejected"] * 2


def test_a_vanished_file_leaves_the_old_in_force(directory: Path, events: list[Any]) -> None:
    followed = Followed(directory, TLS)
    before = followed.now()
    (directory / "web.yml").unlink()

    assert followed.later() is before
    assert events[0]["detail"] == f"{directory}/web.yml: No such file or directory"


def test_a_certificate_that_comes_before_its_key_is_taken_with_it(
    directory: Path, authority: Authority, events: list[Any]
) -> None:
    followed = Followed(directory, TLS)
    before = followed.now()
    fresh = authority.issue()

    (directory / "server.crt").write_bytes(fresh.cert)
    assert followed.later() is before
    (directory / "server.key").write_bytes(fresh.key)
    assert followed.later() is not before

    assert [each["event"] for each in events] == ["web_config_rejected", "web_config_loaded"]


def test_a_file_that_a_broken_configuration_named_may_come_later(directory: Path, authority: Authority) -> None:
    followed = Followed(directory, TLS)
    before = followed.now()
    followed.write(TLS.replace("server.", "fresh."))
    assert followed.later() is before

    authority.issue().write(directory, "fresh")

    assert followed.later() is not before


@pytest.mark.parametrize(("before", "after"), [("", TLS), (TLS, "")])
def test_encryption_is_not_switched_while_the_server_runs(
    directory: Path, events: list[Any], before: str, after: str
) -> None:
    followed = Followed(directory, before)
    active = followed.now()
    followed.write(after)

    assert followed.later() is active
    expected = "tls_server_config: expected encryption to stay as it is, on or off, while the server runs"
    assert events[0]["detail"] == f"{directory}/web.yml: {expected}"


# --- Access is not opened by accident ---------------------------------------------------------------------------------

USER = f"basic_auth_users: {{alice: {hashed(b'right')}}}\n"


@pytest.mark.parametrize(
    ("before", "after", "setting"),
    [
        (USER, "", "basic_auth_users"),
        (USER, "basic_auth_users:\n", "basic_auth_users"),
        (of_tls(VERIFYING), TLS, "tls_server_config"),
        (
            of_tls(f"{VERIFYING}, client_allowed_sans: [prometheus.example]"),
            of_tls(VERIFYING),
            "tls_server_config",
        ),
    ],
    ids=["file emptied", "section emptied", "client certificates", "names of clients"],
)
def test_a_file_that_lets_strangers_in_is_rejected_until_a_reload_confirms_it(
    directory: Path, events: list[Any], before: str, after: str, setting: str
) -> None:
    followed = Followed(directory, before)
    active = followed.now()
    followed.write(after)

    assert [followed.later(), followed.later()] == [active] * 2
    (event,) = events
    assert event["detail"] == (
        f"{directory}/web.yml: {setting}: expected access to stay restricted; "
        "send SIGHUP or POST /-/reload if strangers may read from now on"
    )

    followed.confirm()

    assert followed.now() is not active
    assert events[-1]["event"] == "web_config_loaded"


def test_a_confirmation_holds_for_what_the_file_says_then_alone(directory: Path) -> None:
    followed = Followed(directory, USER)
    active = followed.now()
    followed.confirm()
    assert followed.now() is active

    followed.write("")

    assert followed.later() is active
