"""Every query of the pages, asked of a real Prometheus that scrapes two replicas."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import reference
import yaml

from csr_exporter.simulator import SimulatedAccount, Simulator
from tests.dashboards.grafana import Prometheus
from tests.docs.pages import ROOT, Page, pages
from tests.fakes import aksk
from tests.processes import running, tool, until
from tests.scraping import scraping

ACCOUNTS = (
    SimulatedAccount("production", csrs=60, seed=7),
    SimulatedAccount("staging", csrs=12, seed=8, offset_mode="page"),
)
NAMES = (
    {"up"}
    | {reference.sample_name(family) for family in reference.exposed_families()}
    | {sample.name for family in reference.exposed_families() for sample in family.samples}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A Prometheus that scrapes one replica, one that scrapes that and another, and when both had them."""

    one: Prometheus
    two: Prometheus
    at: float


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    tool("prometheus", "prometheus")
    folder = tmp_path_factory.mktemp("replicas")
    with Simulator(ACCOUNTS) as simulator, ExitStack() as stack:
        accounts = [
            {"name": each.name, "endpoint": simulator.url, "limit": 50, "credentials": aksk(each)} for each in ACCOUNTS
        ]
        file = folder / "config.yml"
        file.write_text(yaml.safe_dump({"accounts": accounts}), encoding="utf-8")
        replicas = [stack.enter_context(running("run", f"--config.file={file}")) for _ in range(2)]
        for replica in replicas:
            replica.ready()
        addresses = []
        for number in (1, 2):
            (directory := folder / f"prometheus-{number}").mkdir()
            addresses.append(stack.enter_context(scraping(directory, *replicas[:number])))
        one, two = (Prometheus(address) for address in addresses)
        yield Asked(one, two, until(lambda: time.time() if has(one, 1) and has(two, 2) else 0.0))


def has(prometheus: Prometheus, replicas: int) -> bool:
    """Whether it has scraped so many *replicas* often enough for rates."""
    try:
        found = prometheus.instant("count(count_over_time(csr_exporter_build_info[1m]) >= 3)", time.time())
    except OSError:
        return False
    return [each.values for each in found] == [(float(replicas),)]


def queries(page: Page) -> Iterator[str]:
    """What a reader would paste: blocks, and code that names a metric and leaves nothing out."""
    yield from (block.text.strip() for block in page.blocks if block.language == "promql")
    for code in page.code:
        grafanas = "…" in code or code.startswith("label_values(")  # in docs/dashboards.md, tried by its own tests
        if NAMES & set(re.findall(r"\w+", code)) and not grafanas:
            yield code


def filled(query: str) -> str:
    """*query*, with an account in the place of NAME."""
    return query.replace("NAME", ACCOUNTS[0].name)


@pytest.mark.parametrize("page", [each for each in pages() if [*queries(each)]], ids=str)
def test_every_query_of_a_page_is_answered(asked: Asked, page: Page) -> None:
    for query in queries(page):
        asked.two.instant(filled(query), asked.at)


def examples() -> Iterator[str]:
    """The queries that are offered for use and are of what the service holds, which is the same for all replicas."""
    for page in (Page(ROOT / "README.md"), *(each for each in pages() if each.file.is_relative_to(ROOT / "docs"))):
        rows = (code for row in page.tables for code in row)
        offered = [*(each.text.strip() for each in page.blocks if each.language == "promql"), *rows]
        for query in offered:
            named = NAMES & set(re.findall(r"\w+", query))
            if named and "…" not in query and all(name.startswith("scm_csr") for name in named):
                yield filled(query)


@pytest.mark.parametrize("query", sorted(set(examples())))
def test_a_query_gives_for_two_replicas_what_it_gives_for_one(asked: Asked, query: str) -> None:
    # Scrapes are a second or two apart, and so is what is measured from now.
    apart = 2.0 if "time()" in query else 0.0

    assert answer(asked.two, query, asked.at) == pytest.approx(
        answer(asked.one, query, asked.at), rel=1e-3, abs=apart, nan_ok=True
    )


def test_a_query_that_doubles_would_be_noticed(asked: Asked) -> None:
    held = float(sum(each.csrs for each in ACCOUNTS))

    assert answer(asked.one, "sum(scm_csrs)", asked.at) == {(): held}
    assert answer(asked.two, "sum(scm_csrs)", asked.at) == {(): 2 * held}


def answer(prometheus: Prometheus, query: str, at: float) -> dict[tuple[tuple[str, str], ...], float]:
    """The values by their labels, those of the replica left out."""
    return {
        tuple(sorted((name, text) for name, text in each.labels.items() if name not in {"instance", "pod"})): (
            each.values[0]
        )
        for each in prometheus.instant(query, at)
    }
