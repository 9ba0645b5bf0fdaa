"""Requests and replies as plain values, and the replies that every simulated service can give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Call:
    """A request as received.

    `path` and `query` are still percent-encoded. Names in `headers` are lower case, values are the bytes read as
    ISO 8859-1. `now` is the time of the simulated cloud. `account` is the one the request claims, whether or not it
    proves it; empty for none.
    """

    service: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    now: float
    request_id: str
    account: str = ""

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query, decoded. An empty value counts; bytes that are not UTF-8 become replacement characters."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def content(self) -> object:
        """The body as JSON, or None when it is not."""
        try:
            content: object = json.loads(self.body)
        except ValueError:
            return None
        return content


def dig(content: object, *keys: str) -> Any:  # noqa: ANN401 - whatever the request has there
    """The value at the path *keys*; None if there is none."""
    for key in keys:
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content


@dataclass(frozen=True, slots=True)
class ApiReply:
    """What the service answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The service refuses the request; carries the whole reply."""

    def __init__(self, reply: ApiReply) -> None:
        super().__init__(f"status {reply.status}")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request the simulator received, for tests to count.

    `account` is the one the request claims; empty for none. `status` is None when no reply was sent. `query` has the
    decoded parameters, of a repeated one the last.
    """

    service: str
    account: str
    method: str
    path: str
    status: int | None
    query: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0


def json_reply(status: int, content: object, headers: Mapping[str, str] = NOTHING) -> ApiReply:
    """*content* as JSON in UTF-8; a lone surrogate becomes its JSON escape, so hostile records can be served."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return ApiReply(status, body, {"Content-Type": "application/json", **headers})


def service_refusal(status: int, code: str, message: str) -> RefusedError:
    """As SCM itself refuses, and the extensions of IAM. Source: "Querying the CSR List", Tables 5 to 7."""
    return RefusedError(json_reply(status, {"error_code": code, "error_msg": message}))


def gateway_refusal(call: Call, status: int, code: str, message: str) -> RefusedError:
    """As the API gateway before SCM refuses. Source: "API Request Signing Guide", Error Codes."""
    content = {"error_msg": message, "error_code": code, "request_id": call.request_id}
    return RefusedError(json_reply(status, content))


def not_published(call: Call) -> RefusedError:
    """For a path or method the gateway does not know."""
    message = "The API does not exist or has not been published in the environment"
    return gateway_refusal(call, 404, "APIGW.0101", message)


def keystone_refusal(status: int, title: str, message: str) -> RefusedError:
    """As the Keystone part of IAM refuses."""
    return RefusedError(json_reply(status, {"error": {"code": status, "message": message, "title": title}}))
