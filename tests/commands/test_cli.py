"""The commands as a user has them: real processes, real sockets, a simulated cloud."""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_exporter.simulator import Break, Fault, SimulatedAccount, Simulator
from tests.commands.invoking import invoke
from tests.fakes import aksk, password, token
from tests.processes import DEADLINE, Running, command, ended, running, until

PRODUCTION = SimulatedAccount("production", csrs=130, offset_mode="record", seed=5)
STAGING = SimulatedAccount("staging", csrs=70, offset_mode="page", seed=6)

HEAP = 64 * 2**20
"""Bytes that the C library of GNU reserves for a thread's heap, at a multiple of it, and then takes from the front."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator([PRODUCTION, STAGING]) as simulator:
        yield simulator


def write(directory: Path, simulator: Simulator, **credentials: dict[str, Any]) -> str:
    """A configuration file with an account for each of *credentials*."""
    accounts = [{"name": name, "endpoint": simulator.url, "credentials": each} for name, each in credentials.items()]
    file = directory / "config.yml"
    file.write_text(yaml.safe_dump({"poll_interval": "10s", "accounts": accounts}), encoding="utf-8")
    return f"--config.file={file}"


def value(text: str, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def by_algorithm(text: str, account: str) -> list[float]:
    pattern = rf'^scm_csrs{{account="{account}",private_key_algo="[^"]*"}} (\S+)$'
    return [float(each) for each in re.findall(pattern, text, re.MULTILINE)]


# --- run --------------------------------------------------------------------------------------------------------------


def test_run_serves_what_the_service_holds_with_every_kind_of_credential(simulator: Simulator, tmp_path: Path) -> None:
    given = {"key": aksk(PRODUCTION), "password": password(PRODUCTION, simulator.url), "token": token(STAGING)}
    file = write(tmp_path, simulator, **given)

    with running("run", file) as exporter:
        text = exporter.ready().get("/metrics").text

    for account, count in (("key", 130), ("password", 130), ("token", 70)):
        assert value(text, f'scm_csr_up{{account="{account}"}}') == 1
        assert value(text, f'scm_csr_reported{{account="{account}"}}') == count
        assert value(text, f'scm_csr_inventory_complete{{account="{account}"}}') == 1
        assert sum(by_algorithm(text, account)) == count
    assert value(text, 'csr_exporter_offset_mode_info{account="key",mode="record"}') == 1
    assert value(text, 'csr_exporter_offset_mode_info{account="token",mode="page"}') == 1


def test_the_threads_of_a_daemon_share_one_heap_so_that_polls_leave_no_gaps_in_each(
    simulator: Simulator, tmp_path: Path
) -> None:
    with running("run", write(tmp_path, simulator, key=aksk(PRODUCTION), token=token(STAGING))) as exporter:
        exporter.ready()
        maps = Path(f"/proc/{exporter.process.pid}/maps").read_text(encoding="ascii")

    places = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (rw-p|---p) \S+ 00:00 0\s*$", maps, re.MULTILINE)
    reserved_to = {int(end, 16) for _, end, access in places if access == "---p"}
    starts = {int(start, 16) for start, _, access in places if access == "rw-p"}
    assert [start for start in starts if start % HEAP == 0 and start + HEAP in reserved_to] == []


def test_run_needs_no_file_for_one_account(simulator: Simulator) -> None:
    with running(
        "run",
        CSR_EXPORTER_ENDPOINT=simulator.url,
        HUAWEICLOUD_SDK_AK=PRODUCTION.access_key,
        HUAWEICLOUD_SDK_SK=PRODUCTION.secret_key,
        HOME="/nonexistent",
    ) as exporter:
        text = exporter.ready().get("/metrics").text

    assert value(text, 'scm_csr_reported{account="default"}') == 130


def test_the_first_line_tells_where_it_listens_and_logs_go_to_standard_error(
    simulator: Simulator, tmp_path: Path
) -> None:
    with running("run", write(tmp_path, simulator, production=aksk(PRODUCTION))) as exporter:
        exporter.ready()
        code = exporter.stop()

    assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+\n", "".join(exporter.out))
    assert "event=poll_succeeded account=production reported=130 listed=130 complete=true" in "".join(exporter.err)
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_within_five_seconds_even_while_a_poll_hangs(
    simulator: Simulator, tmp_path: Path, number: int
) -> None:
    simulator.inject(None, Fault(Break("hang")))
    with running("run", write(tmp_path, simulator, production=aksk(PRODUCTION))) as exporter:
        assert exporter.get("/-/healthy").ok
        assert exporter.get("/-/ready").status_code == 503
        started = time.monotonic()

        code = exporter.stop(number)

    assert code == 0
    assert time.monotonic() - started < 5


def test_an_endpoint_that_hangs_delays_neither_a_scrape_nor_another_account(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("staging", Fault(Break("hang")))
    with running("run", write(tmp_path, simulator, production=aksk(PRODUCTION), staging=aksk(STAGING))) as exporter:
        text = until(lambda: metrics_with(exporter, 'scm_csr_up{account="production"} 1.0'))
        ready = exporter.get("/-/ready")

    assert value(text, 'scm_csr_up{account="staging"}') == 0
    assert value(text, 'csr_exporter_polls_total{account="staging"}') == 0
    assert (ready.status_code, ready.text) == (503, "Waiting for the first poll of: staging\n")


def metrics_with(exporter: Running, line: str) -> str:
    text = exporter.get("/metrics").text
    return text if line in text else ""


def test_a_wrong_secret_is_said_counted_and_never_shown(simulator: Simulator, tmp_path: Path) -> None:
    wrong = {
        "key": {**aksk(PRODUCTION), "secret_key": "hunter2-key"},
        "password": {**password(STAGING, simulator.url), "password": "hunter2-password"},
        "token": {"kind": "token", "token": "hunter2-token"},
    }
    with running("run", write(tmp_path, simulator, **wrong)) as exporter:
        text = exporter.ready().get("/metrics").text
        page = exporter.get("/").text
        exporter.stop()

    log = "".join(exporter.err)
    for account in wrong:
        assert value(text, f'scm_csr_up{{account="{account}"}}') == 0
        series = f'csr_exporter_poll_failures_total{{account="{account}",reason="unauthorized"}}'
        assert value(text, series) == 1
    assert log.count('advice="check the key, password or token') == 3
    assert "hunter2" not in log + text + page + "".join(exporter.out)


def test_an_address_in_use_is_said_in_a_sentence(simulator: Simulator, tmp_path: Path) -> None:
    taken = simulator.url.removeprefix("http://")

    result = ended("run", write(tmp_path, simulator, a=aksk(PRODUCTION)), f"--web.listen-address={taken}")

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"Error: {taken}: cannot listen: Address already in use"


def test_an_address_that_is_none_is_said_in_a_sentence() -> None:
    result = invoke("run", "--web.listen-address=here")

    assert result.exit_code == 2
    assert "here: expected an address such as :10065, 127.0.0.1:10065 or [::1]:10065" in result.stderr


def test_every_flag_has_an_environment_variable(simulator: Simulator, tmp_path: Path) -> None:
    file = write(tmp_path, simulator, production=aksk(PRODUCTION)).removeprefix("--config.file=")

    with running("run", CSR_EXPORTER_CONFIG_FILE=file, CSR_EXPORTER_LOG_FORMAT="json") as exporter:
        exporter.ready()
        exporter.stop()

    assert {json.loads(line)["level"] for line in exporter.err} == {"info", "warning"}


# --- once -------------------------------------------------------------------------------------------------------------


def test_once_prints_the_exposition_of_one_poll(simulator: Simulator, tmp_path: Path) -> None:
    result = ended("once", write(tmp_path, simulator, production=aksk(PRODUCTION)))

    assert result.returncode == 0
    assert value(result.stdout, 'scm_csr_reported{account="production"}') == 130
    assert f'csr_exporter_build_info{{python_version="{platform.python_version()}"' in result.stdout


def test_once_exits_with_1_when_an_account_failed_and_prints_the_others(simulator: Simulator, tmp_path: Path) -> None:
    wrong = {**aksk(STAGING), "secret_key": "hunter2"}

    result = invoke("once", write(tmp_path, simulator, production=aksk(PRODUCTION), staging=wrong))

    assert result.exit_code == 1
    assert value(result.stdout, 'scm_csr_up{account="production"}') == 1
    assert value(result.stdout, 'scm_csr_up{account="staging"}') == 0


def test_once_replaces_a_file_at_once(simulator: Simulator, tmp_path: Path) -> None:
    output = tmp_path / "csr.prom"
    output.write_text("old", encoding="utf-8")

    result = invoke("once", write(tmp_path, simulator, production=aksk(PRODUCTION)), f"--output={output}")

    assert (result.exit_code, result.stdout) == (0, "")
    assert value(output.read_text(encoding="utf-8"), 'scm_csr_up{account="production"}') == 1
    assert output.stat().st_mode & 0o777 == 0o644
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.yml", "csr.prom"]


@pytest.mark.parametrize("kind", ["a folder", "a FIFO"])
def test_once_replaces_nothing_but_a_regular_file(simulator: Simulator, tmp_path: Path, kind: str) -> None:
    output = tmp_path / "output"
    os.mkfifo(output) if kind == "a FIFO" else output.mkdir()

    result = invoke("once", write(tmp_path, simulator, production=aksk(PRODUCTION)), f"--output={output}")

    assert result.exit_code == 2
    assert f"{output} is not a regular file" in result.stderr
    assert simulator.requests == ()
    assert output.is_fifo() is (kind == "a FIFO")


def test_once_writes_to_the_file_that_a_link_leads_to(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    output = tmp_path / "csr.prom"
    output.symlink_to(tmp_path / "elsewhere" / "csr.prom")

    result = invoke("once", write(tmp_path, simulator, production=aksk(PRODUCTION)), f"--output={output}")

    assert result.exit_code == 0
    assert output.is_symlink()
    assert value(output.read_text(encoding="utf-8"), 'scm_csr_up{account="production"}') == 1


def test_once_leaves_the_old_file_and_nothing_else_on_a_full_disk(simulator: Simulator, tmp_path: Path) -> None:
    output = tmp_path / "csr.prom"
    output.write_text("old", encoding="utf-8")
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
    arguments = ("once", write(tmp_path, simulator, production=aksk(PRODUCTION)), f"--output={output}")

    result = subprocess.run(
        [sys.executable, "-B", "-c", full + "from csr_exporter.cli import main; main()", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"Error: {output}: cannot write: File too large"
    assert output.read_text(encoding="utf-8") == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.yml", "csr.prom"]


def test_once_says_where_it_cannot_write(simulator: Simulator, tmp_path: Path) -> None:
    output = tmp_path / "none" / "csr.prom"

    result = invoke("once", write(tmp_path, simulator, production=aksk(PRODUCTION)), f"--output={output}")

    assert result.exit_code == 1
    assert f"Error: {output}: cannot write: No such file or directory" in result.stderr


def refused(simulator: Simulator) -> int:
    return [request.status for request in simulator.requests].count(401)


def test_once_keeps_to_the_pause_after_a_refusal_in_its_next_runs(simulator: Simulator, tmp_path: Path) -> None:
    output = tmp_path / "csr.prom"
    file = write(tmp_path, simulator, staging={**aksk(STAGING), "secret_key": "hunter2"})

    results = [ended("once", file, f"--output={output}") for _ in range(3)]

    text = output.read_text(encoding="utf-8")
    assert [result.returncode for result in results] == [1, 1, 1]
    assert refused(simulator) == 1
    assert "event=poll_postponed account=staging reason=unauthorized" in results[1].stderr
    assert value(text, 'csr_exporter_poll_failures_total{account="staging",reason="unauthorized"}') == 1
    state = tmp_path / "csr.prom.pauses"
    assert state.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in state.read_text(encoding="utf-8")


@pytest.mark.parametrize("ends", ["other secret", "other endpoint", "it is over", "clock set back", "damaged"])
def test_the_pause_between_runs_ends_with(simulator: Simulator, tmp_path: Path, ends: str) -> None:
    output, state = tmp_path / "csr.prom", tmp_path / "csr.prom.pauses"
    wrong = {**aksk(STAGING), "secret_key": "hunter2"}
    invoke("once", write(tmp_path, simulator, staging=wrong), f"--output={output}")
    kept = json.loads(state.read_text(encoding="utf-8"))

    match ends:
        case "other secret":
            wrong["secret_key"] = "hunter3"
            write(tmp_path, simulator, staging=wrong)
        case "other endpoint":
            file = tmp_path / "config.yml"
            file.write_text(file.read_text(encoding="utf-8").replace("127.0.0.1", "localhost"), encoding="utf-8")
        case "it is over":
            kept["staging"]["failed_at"] -= 301
        case "clock set back":
            kept["staging"]["failed_at"] += 3600
        case _:
            kept["staging"] = {"reason": "hunter2"}
    state.write_text(json.dumps(kept), encoding="utf-8")
    invoke("once", f"--config.file={tmp_path / 'config.yml'}", f"--output={output}")

    assert refused(simulator) == 2


def test_a_run_that_succeeds_leaves_no_pause_behind(simulator: Simulator, tmp_path: Path) -> None:
    output, state = tmp_path / "csr.prom", tmp_path / "csr.prom.pauses"
    invoke(
        "once",
        write(tmp_path, simulator, staging={**aksk(STAGING), "secret_key": "hunter2"}),
        f"--output={output}",
    )

    result = invoke("once", write(tmp_path, simulator, staging=aksk(STAGING)), f"--output={output}")

    assert result.exit_code == 0
    assert not state.exists()


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_says_that_all_is_well_and_what_weakens(simulator: Simulator, tmp_path: Path) -> None:
    file = write(tmp_path, simulator, production=aksk(PRODUCTION))

    result = invoke("check", file)

    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'config.yml'}: valid, 1 account\n"
    assert result.stderr == (
        "warning: production: secret_key is in the configuration file; secret_key_file or secret_key_env keeps it out\n"
    )


def test_check_says_all_that_is_wrong_and_exits_with_2(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text("poll_interval: 1s\naccounts: []\n", encoding="utf-8")

    result = invoke("check", f"--config.file={file}")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"{file}: poll_interval: expected at least 10s\n{file}: accounts: expected at least one account\n"
    )


# --- list -------------------------------------------------------------------------------------------------------------


def test_list_prints_json_with_the_field_names_of_the_api(simulator: Simulator, tmp_path: Path) -> None:
    result = invoke("list", "--format=json", write(tmp_path, simulator, staging=aksk(STAGING)))

    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {row["id"] for row in rows} == {record["id"] for record in simulator.records("staging")}
    assert set(rows[0]) == {"account", *simulator.records("staging")[0]}
    held = {record["id"]: record["create_time"] for record in simulator.records("staging")}
    assert all(row["create_time"] == held[row["id"]] for row in rows)
    assert rows == sorted(rows, key=lambda row: row["create_time"])


def test_list_prints_csv_with_the_same_names(simulator: Simulator, tmp_path: Path) -> None:
    file = write(tmp_path, simulator, production=aksk(PRODUCTION), staging=aksk(STAGING))

    rows = list(csv.DictReader(invoke("list", "--format=csv", "--sort=name", file).stdout.splitlines()))

    assert len(rows) == 200
    assert {row["account"] for row in rows} == {"production", "staging"}
    assert [row["name"].casefold() for row in rows] == sorted(row["name"].casefold() for row in rows)


def test_list_prints_a_table_of_the_accounts_asked_for(simulator: Simulator, tmp_path: Path) -> None:
    file = write(tmp_path, simulator, production=aksk(PRODUCTION), staging=aksk(STAGING))

    result = invoke("list", "--account=staging", file)

    assert "staging" in result.stdout
    assert "production" not in result.stdout
    assert result.stdout.count("\n") >= 70


@pytest.mark.parametrize(
    ("flag", "matches"),
    [
        ("--q=SHOP", lambda row: "shop" in f"{row['name']} {row['domain_name']} {row['sans']}".casefold()),
        ("--private-key-algo=RSA_2048", lambda row: row["private_key_algo"] == "RSA_2048"),
        ("--older-than=100d", lambda row: row["create_time"] <= (time.time() - 100 * 86_400) * 1000),
    ],
)
def test_list_takes_the_filters_of_the_page(
    simulator: Simulator, tmp_path: Path, flag: str, matches: Callable[[dict[str, Any]], bool]
) -> None:
    file = write(tmp_path, simulator, staging=aksk(STAGING))
    everything = json.loads(invoke("list", "--format=json", file).stdout)

    found = json.loads(invoke("list", "--format=json", flag, file).stdout)

    assert found == [row for row in everything if matches(row)]
    assert 0 < len(found) < len(everything)


def test_list_refuses_an_account_that_is_not_configured(simulator: Simulator, tmp_path: Path) -> None:
    result = invoke("list", "--account=none", write(tmp_path, simulator, staging=aksk(STAGING)))

    assert result.exit_code == 2
    assert "'none' is not one of the accounts: staging" in result.stderr


@pytest.mark.parametrize("name", ["list", "once"])
def test_ctrl_c_ends_a_poll_at_once(simulator: Simulator, tmp_path: Path, name: str) -> None:
    simulator.inject(None, Fault(Break("hang")))
    argument = write(tmp_path, simulator, production=aksk(PRODUCTION))
    with subprocess.Popen(
        command(name, argument), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        simulator.wait_for(1, DEADLINE)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE / 2)  # the request has 20 s, and would be sent again

    assert process.returncode == 1
    assert errors.endswith("Aborted!\n")


def test_list_says_what_failed_and_exits_with_1(simulator: Simulator, tmp_path: Path) -> None:
    wrong = {**aksk(STAGING), "secret_key": "hunter2"}

    result = invoke("list", "--format=json", write(tmp_path, simulator, staging=wrong))

    assert (result.exit_code, json.loads(result.stdout)) == (1, [])
    assert "staging: unauthorized: HTTP 401" in result.stderr
    assert "hunter2" not in result.stderr


# --- demo, simulate, schema -------------------------------------------------------------------------------------------


def test_demo_shows_accounts_of_several_offset_modes_that_add_up() -> None:
    with running("demo") as exporter:
        text = exporter.ready().get("/metrics").text

    accounts = re.findall(r'^scm_csr_reported\{account="([^"]+)"\}', text, re.MULTILINE)
    assert len(accounts) >= 3
    for account in accounts:
        assert sum(by_algorithm(text, account)) == value(text, f'scm_csr_reported{{account="{account}"}}')
    modes = re.findall(r'^csr_exporter_offset_mode_info\{account="[^"]+",mode="([^"]+)"\} 1', text, re.MULTILINE)
    assert len(set(modes)) >= 3


def test_simulate_prints_a_configuration_that_the_exporter_takes(tmp_path: Path) -> None:
    with running("simulate", "--accounts=2", "--csrs=40", "--offset-mode=page1") as simulator:
        assert simulator.url.startswith("http://127.0.0.1:")
        until(lambda: len(simulator.out) == 15)
        file = tmp_path / "config.yml"
        file.write_text("".join(simulator.out[1:]), encoding="utf-8")

        result = invoke("list", f"--config.file={file}", "--format=json")
        code = simulator.stop()

    assert len(json.loads(result.stdout)) == 80
    assert code == 0


def test_schema_is_json() -> None:
    schema = json.loads(invoke("schema").stdout)

    assert schema["additionalProperties"] is False
    assert "poll_interval" in schema["properties"]


# --- reload -----------------------------------------------------------------------------------------------------------


def test_a_reload_adds_removes_and_changes_accounts_and_the_others_keep_what_is_known(
    simulator: Simulator, tmp_path: Path
) -> None:
    kept = [
        *("csr_exporter_last_success_timestamp_seconds", "csr_exporter_polls_total", "scm_csr_reported"),
        *("scm_csr_added_total", "csr_exporter_last_poll_duration_seconds"),
    ]
    before = {"kept": aksk(PRODUCTION), "changed": aksk(PRODUCTION), "removed": aksk(STAGING)}
    after = {"kept": aksk(PRODUCTION), "changed": token(STAGING), "added": aksk(STAGING)}
    with running("run", write(tmp_path, simulator, **before)) as exporter:
        first = exporter.ready().get("/metrics").text
        write(tmp_path, simulator, **after)
        exporter.process.send_signal(signal.SIGHUP)
        until(lambda: metrics_with(exporter, 'scm_csr_up{account="added"} 1.0'))
        text = until(lambda: metrics_with(exporter, 'scm_csr_reported{account="changed"} 70.0'))

    for name in kept:
        assert value(text, f'{name}{{account="kept"}}') == value(first, f'{name}{{account="kept"}}') is not None
    requests = 'csr_exporter_api_requests_total{account="kept",code="200",service="scm"}'
    assert value(text, requests) == value(first, requests) is not None
    assert value(text, 'scm_csr_up{account="removed"}') is None
    assert value(text, "csr_exporter_config_last_reload_successful") == 1
    assert "event=configuration_reloaded accounts=3" in "".join(exporter.err)


def test_signals_that_come_before_it_listens_are_followed_then(simulator: Simulator, tmp_path: Path) -> None:
    with running("run", write(tmp_path, simulator, production=aksk(PRODUCTION))) as exporter:
        until(lambda: "event=configuration_weakens_security" in "".join(exporter.err))
        exporter.process.send_signal(signal.SIGHUP)
        until(lambda: "event=configuration_reloaded" in "".join(exporter.err))
        code = exporter.stop()

    assert code == 0


def test_an_exporter_that_is_ended_before_it_listens_ends_well(simulator: Simulator, tmp_path: Path) -> None:
    with running("run", write(tmp_path, simulator, production=aksk(PRODUCTION))) as exporter:
        until(lambda: "event=configuration_weakens_security" in "".join(exporter.err))
        code = exporter.stop()

    assert code == 0


def test_a_reload_of_a_broken_file_changes_nothing_and_says_so(simulator: Simulator, tmp_path: Path) -> None:
    argument = write(tmp_path, simulator, production=aksk(PRODUCTION))
    with running("run", argument) as exporter:
        exporter.ready()
        Path(argument.removeprefix("--config.file=")).write_text("accounts: []\n", encoding="utf-8")
        exporter.process.send_signal(signal.SIGHUP)
        text = until(lambda: metrics_with(exporter, "csr_exporter_config_last_reload_successful 0.0"))

    assert value(text, 'scm_csr_up{account="production"}') == 1
    assert "accounts: expected at least one account" in "".join(exporter.err)


def test_a_reload_of_other_global_settings_keeps_inventories_counters_and_pauses(
    simulator: Simulator, tmp_path: Path
) -> None:
    wrong = {**aksk(STAGING), "secret_key": "hunter2"}
    argument = write(tmp_path, simulator, production=aksk(PRODUCTION), staging=wrong)
    file = Path(argument.removeprefix("--config.file="))
    with running("run", argument) as exporter:
        exporter.ready()
        file.write_text(file.read_text(encoding="utf-8").replace("10s", "1h"), encoding="utf-8")
        exporter.process.send_signal(signal.SIGHUP)
        interval = 'csr_exporter_poll_interval_seconds{account="staging"} 3600.0'
        until(lambda: metrics_with(exporter, interval))
        text = until(lambda: metrics_with(exporter, 'csr_exporter_polls_total{account="production"} 2.0'))

    # The pause after a refusal runs on: the service was not asked again with the wrong key.
    assert value(text, 'csr_exporter_polls_total{account="staging"}') == 1
    assert [request.status for request in simulator.requests if request.status == 401] == [401]
