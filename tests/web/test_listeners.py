"""Serving as an operator has it: a real process, its flags and files, and curl."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import bcrypt
import pytest
import requests
import yaml
from cryptography import x509

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.certificates import Authority, Pair
from tests.fakes import aksk
from tests.processes import DEADLINE, Running, command, ended, running, tool, until

PRODUCTION = SimulatedAccount("production", csrs=30, seed=5)
STAGING = SimulatedAccount("staging", csrs=20, seed=6)

OURS = Authority("ours")
STRANGER = Authority("theirs").issue()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator([PRODUCTION, STAGING]) as simulator:
        yield simulator


@dataclass
class Files:
    """What an operator writes."""

    directory: Path
    simulator: Simulator

    def accounts(self, *accounts: SimulatedAccount) -> str:
        given = [{"name": each.name, "endpoint": self.simulator.url, "credentials": aksk(each)} for each in accounts]
        return self.write("config.yml", {"poll_interval": "10s", "accounts": given})

    def web(self, **settings: object) -> str:
        return self.write("web.yml", settings).replace("--config", "--web.config")

    def write(self, name: str, content: object) -> str:
        (self.directory / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        return f"--config.file={self.directory / name}"

    def pair(self, name: str, pair: Pair | None = None) -> Pair:
        return (pair or OURS.issue()).write(self.directory, name)


@pytest.fixture
def files(tmp_path: Path, simulator: Simulator) -> Files:
    (tmp_path / "ca.crt").write_bytes(OURS.cert)
    return Files(tmp_path, simulator)


ENCRYPTED = {"cert_file": "server.crt", "key_file": "server.key"}
VERIFYING = {**ENCRYPTED, "client_ca_file": "ca.crt", "client_auth_type": "RequireAndVerifyClientCert"}
USERS = {"alice": bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()}


# --- Users and certificates -------------------------------------------------------------------------------------------


def curl(files: Files, url: str, *arguments: str) -> tuple[int, str]:
    """Exit code of curl, and the status it was told."""
    result = subprocess.run(
        [tool("curl", "curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", *arguments, url],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        cwd=files.directory,
    )
    return result.returncode, result.stdout


def test_curl_is_let_in_with_the_right_user_and_the_right_certificate_alone(files: Files) -> None:
    files.pair("server")
    files.pair("client")
    files.pair("stranger", STRANGER)
    trusting, shown = ("--cacert", "ca.crt"), ("--cert", "client.crt", "--key", "client.key")
    strange = ("--cert", "stranger.crt", "--key", "stranger.key")
    alice = ("-u", "alice:right")
    web = files.web(tls_server_config=VERIFYING, basic_auth_users=USERS)

    with running("run", files.accounts(PRODUCTION), web) as exporter:
        url = f"{exporter.url}/metrics"
        assert url.startswith("https://")

        assert curl(files, url, *trusting, *shown, *alice) == (0, "200")
        assert curl(files, url, *trusting, *shown, "-u", "alice:wrong") == (0, "401")
        assert curl(files, url, *trusting, *shown, "-u", "mallory:right") == (0, "401")
        assert curl(files, url, *trusting, *shown) == (0, "401")
        for arguments in ((*trusting, *alice), (*trusting, *strange, *alice), (*shown, *alice)):
            code, status = curl(files, url, *arguments)
            assert (code > 0, status) == (True, "000")


@dataclass
class Load:
    """Scrapes without end, each on a connection of its own but for one that keeps it."""

    exporter: Running
    ca: Path
    done: threading.Event = field(default_factory=threading.Event)
    statuses: list[object] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._scrape, args=[kept]) for kept in (True, False)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def _scrape(self, kept: bool) -> None:  # noqa: FBT001 - a thread's argument
        session = requests.Session()
        session.headers.update({} if kept else {"Connection": "close"})
        while not self.done.is_set():
            try:
                self.statuses.append(self._status(session))
            except requests.RequestException as error:
                self.statuses.append(error)
        session.close()

    def _status(self, session: requests.Session) -> int:
        url = f"{self.exporter.url}/metrics"
        return session.get(url, auth=("alice", "right"), verify=str(self.ca), timeout=DEADLINE).status_code


def test_certificates_rotate_under_load_without_a_dropped_scrape(files: Files) -> None:
    files.pair("server")
    web = files.web(tls_server_config=ENCRYPTED, basic_auth_users=USERS)

    with (
        running("run", files.accounts(PRODUCTION), web) as exporter,
        Load(exporter, files.directory / "ca.crt") as load,
    ):
        until(lambda: len(load.statuses) > 5)
        for _ in range(3):
            new = files.pair("server").serial
            until(lambda new=new: serial(exporter) == new)  # type: ignore[misc] # mypy knows no default in a lambda
            already = len(load.statuses)
            until(lambda already=already: len(load.statuses) > already + 5)  # type: ignore[misc] # likewise

    assert set(load.statuses) == {200}


def serial(exporter: Running) -> int:
    host, _, port = exporter.url.removeprefix("https://").rpartition(":")
    pem = ssl.get_server_certificate((host, int(port)), timeout=DEADLINE)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_users_change_with_the_file_and_a_broken_one_is_told_in_the_log(files: Files) -> None:
    def status(user: str) -> int:
        return requests.get(f"{exporter.url}/metrics", auth=(user, "right"), timeout=DEADLINE).status_code

    with running("run", files.accounts(PRODUCTION), files.web(basic_auth_users=USERS)) as exporter:
        assert (status("alice"), status("bob")) == (200, 401)
        files.web(basic_auth_users={"bob": USERS["alice"]})
        until(lambda: status("bob") == 200)
        assert status("alice") == 401
        files.web(basic_auth_users={"bob": "plain"})
        until(lambda: status("bob") == 200 and any("web_config_rejected" in line for line in exporter.err))

    assert not any("plain" in line for line in exporter.err)


@pytest.mark.parametrize("confirm", ["SIGHUP", "POST"])
def test_strangers_are_let_in_only_when_a_reload_confirms_it(files: Files, confirm: str) -> None:
    def status(auth: tuple[str, str] | None = None) -> int:
        return requests.get(f"{exporter.url}/metrics", timeout=DEADLINE, auth=auth).status_code

    web = files.web(basic_auth_users=USERS)
    with running("run", files.accounts(PRODUCTION), web, "--web.enable-lifecycle") as exporter:
        assert status(("alice", "right")) == 200
        files.web()
        until(lambda: status() == 401 and any("web_config_rejected" in line for line in exporter.err))
        assert status(("alice", "right")) == 200

        if confirm == "SIGHUP":
            exporter.process.send_signal(signal.SIGHUP)
        else:
            requests.post(f"{exporter.url}/-/reload", auth=("alice", "right"), timeout=DEADLINE).raise_for_status()
        until(lambda: status() == 200)


# --- Addresses and paths ----------------------------------------------------------------------------------------------


def probes_of(exporter: Running) -> str:
    line = until(lambda: [each for each in exporter.out if each.startswith("probes on ")])[0]
    return line.strip().removeprefix("probes on ")


def test_probes_have_an_address_of_their_own_that_is_open(files: Files) -> None:
    files.pair("server")
    web = files.web(tls_server_config=ENCRYPTED, basic_auth_users=USERS)

    with running("run", files.accounts(PRODUCTION), web, "--web.probe-address=127.0.0.1:0") as exporter:
        probes = probes_of(exporter)
        until(lambda: requests.get(f"{probes}/-/ready", timeout=DEADLINE).ok)
        statuses = {
            path: requests.get(probes + path, timeout=DEADLINE).status_code
            for path in ("/-/healthy", "/-/ready", "/metrics", "/", "/-/reload")
        }
        guarded = requests.get(f"{exporter.url}/-/healthy", verify=str(files.directory / "ca.crt"), timeout=DEADLINE)

    assert statuses == {"/-/healthy": 200, "/-/ready": 200, "/metrics": 404, "/": 404, "/-/reload": 404}
    assert guarded.status_code == 401


def test_all_addresses_are_announced_and_served(files: Files) -> None:
    with running("run", files.accounts(PRODUCTION), "--web.listen-address=[::1]:0") as exporter:
        lines = until(lambda: exporter.out[1:] and exporter.out)
        urls = [line.strip().removeprefix("listening on ") for line in lines]
        statuses = [requests.get(f"{url}/-/healthy", timeout=DEADLINE).status_code for url in urls]

    assert statuses == [200, 200]
    assert sorted(url.rpartition(":")[0] for url in urls) == ["http://127.0.0.1", "http://[::1]"]


@pytest.mark.parametrize(
    ("flags", "prefix"),
    [
        (["--web.route-prefix=/csr/"], "/csr"),
        (["--web.external-url=https://monitoring.example.com/ops/csr"], "/ops/csr"),
        (["--web.external-url=/csr/"], "/csr"),
        (["--web.external-url=https://monitoring.example.com/csr", "--web.route-prefix=/"], ""),
    ],
)
def test_everything_is_below_the_prefix_and_links_are_relative(files: Files, flags: list[str], prefix: str) -> None:
    with running("run", files.accounts(PRODUCTION), *flags) as exporter:
        page = exporter.get(f"{prefix}/")
        statuses = [exporter.get(prefix + path).status_code for path in ("/metrics", "/-/healthy", "/nope")]
        outside = exporter.get("/metrics").status_code
        redirected = [exporter.get(path).url for path in ("/", prefix or "/")]

    assert (page.status_code, statuses) == (200, [200, 200, 404])
    assert outside == (404 if prefix else 200)
    assert redirected == [f"{exporter.url}{prefix}/"] * 2
    assert 'href="/' not in page.text


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--web.route-prefix=/a b", "expected a path such as /csr, of letters, digits and - . _ ~"),
        ("--web.route-prefix={x}", "expected a path such as /csr, of letters, digits and - . _ ~"),
        ("--web.external-url=example.com", "expected a URL such as https://monitoring.example.com/csr"),
        ("--web.external-url=ftp://example.com/", "expected a URL such as https://monitoring.example.com/csr"),
        ("--web.external-url=http://[x", "expected a URL such as https://monitoring.example.com/csr"),
        ("--web.probe-address=9", "9: expected an address such as :10065, 127.0.0.1:10065 or [::1]:10065"),
    ],
)
def test_a_flag_that_makes_no_sense_is_refused(files: Files, flag: str, message: str) -> None:
    result = ended("run", files.accounts(PRODUCTION), flag)

    assert result.returncode == 2
    assert result.stderr.strip().endswith(message)


def test_flags_may_come_from_the_environment(files: Files) -> None:
    environment = {
        "CSR_EXPORTER_WEB_ROUTE_PREFIX": "/csr",
        "CSR_EXPORTER_WEB_PROBE_ADDRESS": "127.0.0.1:0",
        "CSR_EXPORTER_WEB_ENABLE_LIFECYCLE": "true",
    }
    with running("run", files.accounts(PRODUCTION), **environment) as exporter:
        assert requests.get(f"{probes_of(exporter)}/-/healthy", timeout=DEADLINE).status_code == 200
        assert requests.post(f"{exporter.url}/csr/-/reload", timeout=DEADLINE).status_code == 200


# --- Lifecycle --------------------------------------------------------------------------------------------------------


def test_a_reload_over_http_follows_the_file_or_names_all_its_mistakes(files: Files) -> None:
    def reload() -> requests.Response:
        return requests.post(f"{exporter.url}/-/reload", timeout=DEADLINE)

    with running("run", files.accounts(PRODUCTION), "--web.enable-lifecycle") as exporter:
        exporter.ready()
        file = files.accounts(PRODUCTION, STAGING).removeprefix("--config.file=")
        followed = reload()
        until(lambda: 'scm_csr_up{account="staging"} 1' in exporter.get("/metrics").text)
        files.write("config.yml", {"poll_interval": "1s", "accounts": [], "zzz": 1})
        refused = reload()
        text = exporter.get("/metrics").text

        assert requests.get(f"{exporter.url}/-/reload", timeout=DEADLINE).status_code == 405

    assert (followed.status_code, followed.text) == (200, "The configuration was read and is in force.\n")
    assert refused.status_code == 400
    assert refused.text.splitlines() == [
        f"{file}: poll_interval: expected at least 10s",
        f"{file}: accounts: expected at least one account",
        f"{file}: zzz: unknown setting",
    ]
    assert 'scm_csr_up{account="staging"} 1' in text
    assert "csr_exporter_config_last_reload_successful 0" in text


def test_a_reload_over_http_is_off_unless_asked_for(files: Files) -> None:
    with running("run", files.accounts(PRODUCTION)) as exporter:
        refused = requests.post(f"{exporter.url}/-/reload", timeout=DEADLINE)

    assert (refused.status_code, refused.text) == (403, "Reloading is off; --web.enable-lifecycle turns it on.\n")


@pytest.mark.parametrize("command", ["run", "check"])
def test_the_mistakes_of_both_files_are_named_at_once(files: Files, command: str) -> None:
    config = files.write("config.yml", {"accounts": []})
    web = files.web(basic_auth_user={}, tls_server_config=ENCRYPTED)

    result = ended(command, config, web)

    assert result.returncode == 2
    assert result.stderr.replace(f"{files.directory}/", "").splitlines() == [
        "config.yml: accounts: expected at least one account",
        "web.yml: tls_server_config.cert_file: cannot be read: No such file or directory",
        "web.yml: tls_server_config.key_file: cannot be read: No such file or directory",
        "web.yml: basic_auth_user: unknown setting; did you mean basic_auth_users?",
    ]


def test_check_says_of_both_files_that_they_are_valid(files: Files) -> None:
    files.pair("server")

    result = ended("check", files.accounts(PRODUCTION), files.web(tls_server_config=ENCRYPTED))

    assert result.returncode == 0
    assert result.stdout.replace(f"{files.directory}/", "") == "config.yml: valid, 1 account\nweb.yml: valid\n"


# --- The process ------------------------------------------------------------------------------------------------------


def test_the_limit_of_descriptors_is_raised_as_far_as_allowed(files: Files) -> None:
    with running("run", files.accounts(PRODUCTION)) as exporter:
        assert exporter.get("/-/healthy").ok
        limits = Path(f"/proc/{exporter.process.pid}/limits")
        if not limits.exists():  # there is no other way to ask a process of ours from outside
            pytest.skip("only Linux tells the limits of a process")
        soft, hard = next(line.split()[3:5] for line in limits.read_text().splitlines() if "open files" in line)

    assert soft == hard


def test_a_process_that_serves_encrypted_connections_ends_in_time(files: Files) -> None:
    files.pair("server")
    with running("run", files.accounts(PRODUCTION), files.web(tls_server_config=ENCRYPTED)) as exporter:
        session = requests.Session()
        ca = str(files.directory / "ca.crt")
        assert session.get(f"{exporter.url}/-/healthy", verify=ca, timeout=DEADLINE).ok

        assert exporter.stop() == 0
        session.close()

    assert not any("Traceback" in line or "level=error" in line for line in exporter.err), exporter.err


@pytest.mark.parametrize("reader", ["stalled", "gone"])
def test_a_log_that_nobody_reads_stops_neither_scrapes_nor_the_end(files: Files, reader: str) -> None:
    read_end, write_end = os.pipe()
    flags = ["--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle", "--log.format=logfmt"]
    with subprocess.Popen(
        command("run", files.accounts(PRODUCTION), *flags), stdout=subprocess.PIPE, stderr=write_end, text=True
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip().removeprefix("listening on ")
        if reader == "gone":
            os.close(read_end)
        else:
            os.set_blocking(write_end, False)
            with suppress(BlockingIOError):
                while True:
                    os.write(write_end, bytes(4096))
            os.set_blocking(write_end, True)
        statuses = [requests.post(f"{url}/-/reload", timeout=DEADLINE).status_code for _ in range(3)]
        statuses += [requests.get(f"{url}{path}", timeout=DEADLINE).status_code for path in ("/metrics", "/")]
        process.terminate()

        assert statuses == [200] * 5
        assert process.wait(DEADLINE) == 0
    os.close(write_end)
    if reader == "stalled":
        os.close(read_end)
