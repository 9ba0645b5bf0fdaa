"""The bodies that come with a status, by the service that sends them."""

from __future__ import annotations

import math
from email.utils import formatdate
from http import HTTPStatus

from csr_exporter.simulator.faults import Status
from csr_exporter.simulator.messages import ApiReply, Call, gateway_refusal, keystone_refusal, service_refusal

_GATEWAY = {
    401: ("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
    403: ("APIGW.0302", "The IAM user is not allowed to access the API"),
    404: ("APIGW.0101", "The API does not exist or has not been published in the environment"),
    429: ("APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:5,time:1 minute"),
    502: ("APIGW.0202", "Backend unavailable"),
    504: ("APIGW.0203", "Backend timeout"),
}
"""Source: "API Request Signing Guide", Error Codes."""


def reply_with(status: Status, call: Call) -> ApiReply:
    """The reply to *call* that *status* describes."""
    usual = _usual(status.status, call)
    headers = {**usual.headers, **_retry_after(status, call.now)}
    return ApiReply(status.status, usual.body if status.body is None else status.body, headers)


def _usual(status: int, call: Call) -> ApiReply:
    """What comes with *status*: nothing, where it is no error."""
    if status < HTTPStatus.BAD_REQUEST:
        return ApiReply(status)
    if call.service == "metadata":
        return ApiReply(status, _phrase(status).encode(), {"Content-Type": "text/plain"})
    if status in _GATEWAY and (call.service != "iam" or status == HTTPStatus.TOO_MANY_REQUESTS):
        return gateway_refusal(call, status, *_GATEWAY[status]).reply
    if call.service == "iam":
        return keystone_refusal(status, _phrase(status), f"{_phrase(status)}.").reply
    return service_refusal(status, "SCM.XXX", _phrase(status)).reply


def _retry_after(status: Status, now: float) -> dict[str, str]:
    if status.retry_after is None:
        return {}
    if status.as_date:
        return {"Retry-After": formatdate(now + status.retry_after, usegmt=True)}
    return {"Retry-After": f"{math.ceil(status.retry_after)}"}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
