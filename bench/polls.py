"""What a poll costs a daemon, text included, beside the official SDK's loop and a script of SDK and client library.

``python -m bench.polls NAME ADDRESS`` does its work once for each line of standard input, and prints its CPU seconds.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import measure
from bench.canned import canned
from bench.cloud import simulated
from bench.processes import Process, python
from bench.table import Figure, Row, at_least
from bench.world import PAGE

SIZE = 10_000
SDK, SCRIPT = "official SDK's loop", "official SDK and prometheus_client"

RENAMED = {"none changed": 0, "1 % changed": SIZE // 100, "all changed": SIZE}
WANTED = {"none changed": at_least(2), "all changed": at_least(1)}


def rows() -> Iterator[Row]:
    """All clients poll the same list, each in a process that stays."""
    with ExitStack() as stack:
        service, address = stack.enter_context(canned(SIZE))
        clients = {name: stack.enter_context(python("bench.polls", name, address)) for name in WORK}
        for client in clients.values():
            _cpu(client)  # warm
        for what, count in RENAMED.items():
            daemon, sdk = _compared(service, count, clients["daemon"], clients["sdk"])
            yield Row(f"warm poll of {SIZE} CSRs with text, {what}, CPU", daemon, sdk, SDK, WANTED.get(what))
        poll, sdk = _compared(service, SIZE, clients["poll"], clients["sdk"])
        yield Row(f"Poller.poll() of {SIZE} CSRs, all changed, CPU", poll, sdk, SDK, at_least(1.5))
        once, script = _compared(service, 0, clients["once"], clients["script"])
        yield Row(f"once for {SIZE} CSRs, CPU", once, script, SCRIPT, at_least(2.5))


def _compared(service: Process, renamed: int, *clients: Process) -> list[Figure]:
    """The CPU seconds of *clients*, for polls that each find so many CSRs *renamed*."""

    def cost(client: Process) -> Callable[[], dict[str, float]]:
        def poll() -> dict[str, float]:
            if renamed:
                service.tell(str(renamed))
                service.hear()
            return {"CPU": _cpu(client)}

        return poll

    if not renamed:
        for client in clients:
            _cpu(client)  # to see what was renamed before
    return [Figure(found["CPU"]) for found in measure.several(*map(cost, clients))]


def _cpu(client: Process) -> float:
    client.tell("poll")
    return float(client.hear())


Work = Callable[[], int]
"""Polls, and returns how many CSRs were found."""


def _config(address: str) -> Any:  # noqa: ANN401 - each process loads only its own client
    from csr_exporter.commands.demo import configuration  # noqa: PLC0415 - likewise
    from csr_exporter.config import Config  # noqa: PLC0415 - likewise
    from csr_exporter.logs import configure  # noqa: PLC0415 - likewise

    configure("error", "logfmt")
    config = {**configuration(simulated(1, SIZE), address), "max_requests_per_second": 10**6}
    config["accounts"][0]["max_offset"] = None
    return Config.model_validate(config, context={"directory": Path()})


def _poll(address: str, then: Callable[[Any, Any], object] = lambda _status, _config: None) -> Work:
    from csr_exporter.cloud.auth import Leases  # noqa: PLC0415 - likewise
    from csr_exporter.polling.accounts import poller_for  # noqa: PLC0415 - likewise

    config = _config(address)
    poller = poller_for(config, config.accounts[0], Leases())
    gc.freeze()  # as `run` does

    def work() -> int:
        poller.poll()
        then(poller.status, config)
        snapshot = poller.status.snapshot
        return len(snapshot.inventory.csrs) if snapshot and snapshot.inventory.complete else 0

    return work


def _daemon(address: str) -> Work:
    from csr_exporter.exposition import prepare  # noqa: PLC0415 - likewise
    from csr_exporter.polling.accounts import exposed_by  # noqa: PLC0415 - likewise

    return _poll(address, lambda status, config: prepare(status, exposed_by(config), time.time()))


def _once(address: str) -> Work:
    from csr_exporter.commands.once import exposition  # noqa: PLC0415 - likewise

    config = _config(address)
    return lambda: exposition(config)[0].count("\nscm_csr_info{")


def _sdk(address: str) -> Work:
    listing = _sdk_listing(address)
    return lambda: len(listing())


def _sdk_listing(address: str) -> Callable[[], list[Any]]:
    from huaweicloudsdkcore.auth.credentials import GlobalCredentials  # noqa: PLC0415 - likewise
    from huaweicloudsdkscm.v3 import ListCsrRequest, ScmClient  # noqa: PLC0415 - likewise

    (account,) = simulated(1, SIZE)
    credentials = GlobalCredentials(account.access_key, account.secret_key, account.domain_id)
    client = ScmClient.new_builder().with_credentials(credentials).with_endpoint(address).build()

    def listing() -> list[Any]:
        csrs: list[Any] = []
        while True:
            reply = client.list_csr(ListCsrRequest(limit=PAGE, offset=len(csrs) // PAGE))
            csrs += reply.csr_list
            if len(csrs) >= reply.total:
                return csrs

    return listing


def _script(address: str) -> Work:
    """What a user would write: a collector for the SDK's records, with the per-CSR families that ours has."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - likewise
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric  # noqa: PLC0415 - likewise

    listing = _sdk_listing(address)

    class Csrs:
        def collect(self) -> Iterable[Metric]:
            labels = ["account", "id", "name"]
            info = InfoMetricFamily("scm_csr", "A CSR.", labels=["account", "id"])
            created = GaugeMetricFamily("scm_csr_create_timestamp_seconds", "Created.", labels=labels)
            updated = GaugeMetricFamily("scm_csr_update_timestamp_seconds", "Renamed.", labels=labels)
            age = GaugeMetricFamily("scm_csr_age_seconds", "Age.", labels=labels)
            sans = GaugeMetricFamily("scm_csr_sans", "Additional names.", labels=labels)
            for csr in listing():
                further = {"domain_name": csr.domain_name, "private_key_algo": csr.private_key_algo, "usage": csr.usage}
                info.add_metric(["production", csr.id], {"name": csr.name, **further})
                values = ["production", csr.id, csr.name]
                created.add_metric(values, csr.create_time / 1000)
                updated.add_metric(values, csr.update_time / 1000)
                age.add_metric(values, round(time.time() - csr.create_time / 1000))
                sans.add_metric(values, len(csr.sans.split(";")) if csr.sans else 0)
            return info, created, updated, age, sans

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Csrs())
    return lambda: generate_latest(registry).count(b"\nscm_csr_info{")


WORK: dict[str, Callable[[str], Work]] = {
    "daemon": _daemon,
    "poll": _poll,
    "once": _once,
    "sdk": _sdk,
    "script": _script,
}


def main() -> None:
    """Work once for each line of standard input, and print the CPU seconds it took."""
    work = WORK[sys.argv[1]](sys.argv[2])
    for _ in sys.stdin:
        started = time.process_time()
        found = work()
        took = time.process_time() - started
        if found != SIZE:
            raise AssertionError(f"{found} CSRs")
        sys.stdout.write(f"{took}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
