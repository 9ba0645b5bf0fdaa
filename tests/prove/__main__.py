"""Writes docs/alerts-proof.md; with the names of faults their rows alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.prove.faults import TROUBLES, Trouble
from tests.prove.living import Proof, prove

FACTOR = 60.0
PAGE = Path(__file__).parents[2] / "docs" / "alerts-proof.md"

MOST = 2
"""Messages to a person about one fault."""


def page(rows: Mapping[str, str], factor: float) -> Iterator[str]:
    """The page of *rows* by fault, line by line."""
    yield f"""\
# Alerts, proven

Written by `make prove`: real exporters poll the simulated cloud, a real Prometheus evaluates the rules, and a real
Alertmanager with the delivered example of routing sends messages to a webhook. The clock runs {factor:g} times faster:
poll intervals, windows and the waits of the routing are divided by it. Faults strike at once, each in a job of its own,
and each is mended as soon as its alerts have fired; another account stays healthy. `growth_window` is 2h instead of a
day; the ends of waivers are not brought nearer, so `waiver_ahead` is two days of the real clock.
`python -m tests.prove {factor:g} FAULT` renews the row of one fault, so rows may be of several runs.

*Alerts* are those that fired in Prometheus, in their order; *messages* what Alertmanager sent about them, without the
notices that something has ended; *late* those sent more than ten minutes after the repair, when it could be seen. The
run fails if an expected alert does not fire or does not end, if there are more than {MOST} messages or a late one, or
if a healthy account raises any.

| fault | alerts | messages | late |
| --- | --- | --- | --- |"""
    yield from (rows[trouble.what] for trouble in TROUBLES if trouble.what in rows)


def rows_of(text: str) -> dict[str, str]:
    """The rows of a page, by fault."""
    return {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}


def row(proof: Proof, trouble: Trouble) -> str:
    """One fault."""
    links = ", ".join(f"[{each}](runbooks/{each}.md)" for each in proof.fired.get(trouble.job, ())) or "none"
    sent = proof.sent(trouble.job)
    told = ", ".join(dict.fromkeys(each.alert for each in sent))
    late = len(proof.late(trouble.job)) if trouble.mend else "-"
    return f"| {trouble.what} | {links} | {len(sent)}{f': {told}' if told else ''} | {late} |"


def faults_of(proof: Proof, troubles: Sequence[Trouble]) -> Iterator[str]:
    """What is not as it should be."""
    for trouble in troubles:
        job, wanted = trouble.job, bool(trouble.expected)
        if len(proof.sent(job)) > MOST or proof.late(job) or (not wanted and (proof.fired.get(job) or proof.sent(job))):
            times = ", ".join(proof.times(job))
            yield f"{trouble.what}: fired {proof.fired.get(job)}, messages {times}"
    for job in proof.fired.keys() - {trouble.job for trouble in troubles}:
        yield f"{job}, to which nothing happened: fired {proof.fired[job]}"
    yield from (text for text in proof.said.values() if "error" in text.replace("server_error", ""))


def main(factor: str = str(FACTOR), *names: str) -> int:
    """Live through the faults; the exit code."""
    troubles = [each for each in TROUBLES if not names or each.job in names]
    begun = time.monotonic()
    proof = prove(float(factor), troubles)
    wrong = [*faults_of(proof, troubles)]
    rows = {trouble.what: row(proof, trouble) for trouble in troubles}
    sys.stdout.write("".join(f"{each}\n" for each in rows.values()) + f"after {time.monotonic() - begun:.0f} s\n")
    sys.stderr.write("".join(f"not as it should be: {each}\n" for each in wrong))
    if not wrong:
        before = rows_of(PAGE.read_text(encoding="utf-8")) if names else {}
        PAGE.write_text("\n".join(page(before | rows, float(factor))) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
