"""One whole listing, against the official SDK's client on the same simulator.

``python -m bench.listing NAME`` lists the account that is configured in the first line of standard input.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench import measure
from bench.cloud import cloud, simulated
from bench.processes import peak, python
from bench.table import Figure, Row, at_most

SIZE = 10_000
PAGE = 50
WANTED = {"requests": at_most(SIZE // PAGE + 2, "")}
UNITS = {"peak memory": "B", "requests": ""}


def rows() -> Iterator[Row]:
    """Each client in a fresh process each time."""
    with cloud(accounts=1, csrs=SIZE) as config:
        each = [partial(listing, name, config) for name in LISTINGS]
        ours, theirs, bare = measure.several(*each)
    what = f"requests alone, {SIZE // PAGE} times, unsigned and so refused"
    yield Row(f"listing of {SIZE} CSRs, CPU", Figure(ours["CPU"], "s"), Figure(bare["CPU"], "s"), what)
    for name in ours:
        unit = UNITS.get(name, "s")
        what = f"listing of {SIZE} CSRs, {name}"
        yield Row(what, Figure(ours[name], unit), Figure(theirs[name], unit), "official SDK", WANTED.get(name))


def listing(name: str, config: dict[str, Any]) -> dict[str, float]:
    """What the client *name* takes for a listing of the account in *config*, in a process of its own."""
    with python("bench.listing", name) as process:
        process.tell(json.dumps(config))
        found: dict[str, float] = json.loads(process.hear())
        return found


def main() -> None:
    """Make one listing and print what it took, without importing the client."""
    work = LISTINGS[sys.argv[1]](json.loads(sys.stdin.readline()))
    wall, cpu = time.perf_counter(), time.process_time()
    listed, requests = work()
    took = {"CPU": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    if listed != SIZE:
        raise AssertionError(f"{listed} CSRs")
    sys.stdout.write(f"{json.dumps({**took, 'peak memory': peak(), 'requests': requests})}\n")


Listing = Callable[[], tuple[int, int]]
"""Lists all CSRs; returns how many there were and how many requests it took."""


def _ours(config: dict[str, Any]) -> Listing:
    from csr_exporter.cloud.auth import Leases  # noqa: PLC0415 - each process loads only its own client
    from csr_exporter.config import Config  # noqa: PLC0415 - likewise
    from csr_exporter.logs import configure  # noqa: PLC0415 - likewise
    from csr_exporter.polling.accounts import poller_for  # noqa: PLC0415 - likewise

    configure("error", "logfmt")
    settings = {**config, "max_requests_per_second": 10**6}
    valid = Config.model_validate(settings, context={"directory": Path()})
    poller = poller_for(valid, valid.accounts[0], Leases())

    def work() -> tuple[int, int]:
        poller.poll()
        snapshot = poller.status.snapshot
        if snapshot is None or not snapshot.inventory.complete:
            raise AssertionError("expected a complete inventory")
        return len(snapshot.inventory.csrs), sum(poller.status.traffic.requests.values())

    return work


def _sdk(config: dict[str, Any]) -> Listing:
    from huaweicloudsdkcore.auth.credentials import GlobalCredentials  # noqa: PLC0415 - likewise
    from huaweicloudsdkscm.v3 import ListCsrRequest, ScmClient  # noqa: PLC0415 - likewise

    (account,) = simulated(1, SIZE)
    credentials = GlobalCredentials(account.access_key, account.secret_key, account.domain_id)
    endpoint = config["accounts"][0]["endpoint"]
    client = ScmClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()

    def work() -> tuple[int, int]:
        csrs: list[object] = []
        pages = 0
        while True:
            reply = client.list_csr(ListCsrRequest(limit=PAGE, offset=pages))
            csrs += reply.csr_list
            pages += 1
            if len(csrs) >= reply.total:
                return len(csrs), pages

    return work


def _requests(config: dict[str, Any]) -> Listing:
    """What any client built on requests has to pay."""
    import requests  # noqa: PLC0415 - likewise

    url = f"{config['accounts'][0]['endpoint']}/v3/scm/csr"
    session = requests.Session()

    def work() -> tuple[int, int]:
        for page in range(SIZE // PAGE):
            session.get(url, params={"limit": PAGE, "offset": page}, allow_redirects=False)
        return SIZE, SIZE // PAGE

    return work


LISTINGS: dict[str, Callable[[dict[str, Any]], Listing]] = {"exporter": _ours, "sdk": _sdk, "requests": _requests}


if __name__ == "__main__":
    main()
