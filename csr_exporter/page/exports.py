"""Rows for programs: the field names of the API, and for CSRs and changes what it does not have."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from csr_exporter.inventory import Change, Csr
from csr_exporter.page.csr_table import Found
from csr_exporter.page.status_json import iso8601

ROWS_AT_ONCE = 200
"""Rows in one part of a stream."""


def csr_fields(account: str, csr: Csr) -> dict[str, object]:
    """A CSR with the field names of the API."""
    return {
        "account": account,
        "id": csr.id,
        "name": csr.name,
        "domain_name": csr.domain,
        "sans": ";".join(csr.sans),
        "private_key_algo": csr.algorithm,
        "usage": csr.usage,
        "company_country": csr.company_country,
        "company_province": csr.company_province,
        "company_city": csr.company_city,
        "company_name": csr.company_name,
        "create_time": _milliseconds(csr.created_at),
        "update_time": _milliseconds(csr.updated_at),
    }


def change_fields(change: Change) -> dict[str, object]:
    """A change. Times of polls are texts; the creation of a CSR is in milliseconds, as the API has it."""
    return {
        "seen_at": iso8601(change.seen_at),
        "since": iso8601(change.since),
        "account": change.account,
        "change": change.kind,
        "id": change.id,
        "name": change.name,
        "previous_name": change.previous_name,
        "domain_name": change.domain,
        "private_key_algo": change.algorithm,
        "create_time": _milliseconds(change.created_at),
    }


def _milliseconds(instant: float | None) -> int | None:
    return None if instant is None else round(instant * 1000)


def csr_json(found: Found) -> Iterator[str]:
    """The rows that were *found* as a JSON array, in parts."""
    texts = (json.dumps(fields, ensure_ascii=False) for fields in _fields(found))
    lead = "["
    while part := list(islice(texts, ROWS_AT_ONCE)):
        yield lead + ",\n".join(part)
        lead = ",\n"
    yield "]\n" if lead != "[" else "[]\n"


def csr_csv(found: Found) -> Iterator[str]:
    """The rows that were *found* as CSV with a header, in parts."""
    header = (*csr_fields("", Csr("")), "owner", "violations")
    return as_csv(header, (fields | {"violations": ";".join(fields["violations"])} for fields in _fields(found)))


def _fields(found: Found) -> Iterator[dict[str, Any]]:
    """The fields of each CSR, its owner and the rules that it breaks."""
    verdicts = found.verdicts
    for row in found.rows:
        yield csr_fields(*row) | {"owner": verdicts.owner(row), "violations": verdicts.broken(row)}


def as_csv(header: Iterable[str], records: Iterable[dict[str, object]]) -> Iterator[str]:
    """*records*, which have the fields in *header*, as CSV in parts."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(header))
    writer.writeheader()
    remaining = iter(records)
    while part := list(islice(remaining, ROWS_AT_ONCE)):
        writer.writerows(part)
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    if rest := out.getvalue():
        yield rest
