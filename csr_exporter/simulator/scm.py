"""SSL Certificate Manager: ``GET /v3/scm/csr``.

Source: "Querying the CSR List", page of 2025-05-29, of which everything stated is enforced. What it leaves open, the
meaning of `offset` and of `name`, is an option of the account.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csr_exporter.simulator.account import NameMatch, OffsetMode, SimulatedAccount
from csr_exporter.simulator.messages import ApiReply, Call, RefusedError, json_reply, service_refusal

LIMITS = (10, 20, 50)
ALGORITHMS = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2")
MAX_NAME = 32
_PARAMETERS = frozenset({"limit", "offset", "name", "private_key_algo"})
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ListParameters:
    """What was asked for; an empty text does not select."""

    limit: int
    offset: int
    name: str
    algorithm: str


def list_csrs(call: Call, account: SimulatedAccount, records: Sequence[Any]) -> ApiReply:
    """One page of *records*, and how many match in all. Raises `RefusedError`."""
    query = read_query(call.parameters, account.max_offset)
    rows = [record for record in records if _selected(record, query, account)]
    start = _start(query, account.offset_mode)
    return json_reply(200, {"csr_list": rows[start : start + query.limit], "total": len(rows)})


def read_query(parameters: Iterable[tuple[str, str]], max_offset: int | None) -> ListParameters:
    """Check every parameter against Table 1. Raises `RefusedError`."""
    given: dict[str, str] = {}
    for key, value in parameters:
        if key not in _PARAMETERS or key in given:
            raise _refusal(key)
        given[key] = value
    return ListParameters(_limit(given), _offset(given, max_offset), _name(given), _algorithm(given))


def _limit(given: Mapping[str, str]) -> int:
    limit = _number(given, "limit", default=10)
    if limit not in LIMITS:
        raise _refusal("limit")
    return limit


def _offset(given: Mapping[str, str], max_offset: int | None) -> int:
    offset = _number(given, "offset", default=0)
    if max_offset is not None and offset > max_offset:
        raise _refusal("offset")
    return offset


def _number(given: Mapping[str, str], key: str, *, default: int) -> int:
    text = given.get(key, str(default))
    if not _NUMBER.fullmatch(text):
        raise _refusal(key)
    return int(text)


def _name(given: Mapping[str, str]) -> str:
    name = given.get("name", "")
    if len(name) > MAX_NAME:
        raise _refusal("name")
    return name


def _algorithm(given: Mapping[str, str]) -> str:
    """An empty text is within the documented length of 0 to 64, and selects nothing."""
    algorithm = given.get("private_key_algo", "")
    if algorithm and algorithm not in ALGORITHMS:
        raise _refusal("private_key_algo")
    return algorithm


def _refusal(parameter: str) -> RefusedError:
    return service_refusal(400, "SCM.0005", f"Invalid request parameter: {parameter}")


def _start(query: ListParameters, mode: OffsetMode) -> int:
    """Index of the first row of the page."""
    match mode:
        case "record":
            return query.offset
        case "page":
            return query.offset * query.limit
        case "page1":
            return max(query.offset - 1, 0) * query.limit
        case "ignored":
            return 0


def _selected(record: Any, query: ListParameters, account: SimulatedAccount) -> bool:  # noqa: ANN401 - hostile records too
    """Whether the filters let *record* through. What is no record, or has no name, only passes without filters."""
    if not query.name and not query.algorithm:
        return True
    if not isinstance(record, Mapping):
        return False
    if query.algorithm and record.get("private_key_algo") != query.algorithm:
        return False
    return not query.name or _named(record.get("name"), query.name, account)


_MATCHES: Mapping[NameMatch, Callable[[str, str], bool]] = {
    "substring": lambda name, wanted: wanted in name,
    "prefix": lambda name, wanted: name.startswith(wanted),
    "exact": lambda name, wanted: name == wanted,
}


def _named(name: object, wanted: str, account: SimulatedAccount) -> bool:
    if not isinstance(name, str):
        return False
    if not account.name_case_sensitive:
        name, wanted = name.casefold(), wanted.casefold()
    return _MATCHES[account.name_match](name, wanted)
