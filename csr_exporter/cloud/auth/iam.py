"""Questions to IAM."""

from __future__ import annotations

import requests

from csr_exporter.cloud.transport import Reply, Transport
from csr_exporter.inventory import Reason, Service, SourceError


def ask_iam(transport: Transport, request: requests.Request, pause: float, success: int = 201) -> Reply:
    """The reply of IAM. Raises `SourceError`; where IAM refuses, nobody may ask again for *pause* seconds."""
    try:
        return transport.send(Service.IAM, request, success=success)
    except SourceError as error:
        refused = error.reason in {Reason.UNAUTHORIZED, Reason.FORBIDDEN}
        raise SourceError(error.reason, f"IAM: {error.detail}", pause=pause if refused else error.pause) from error


def subject_token(reply: Reply) -> str:
    """The token that IAM issued. Raises `SourceError` for a reply without one."""
    token = reply.headers.get("X-Subject-Token", "")
    if not token:
        raise SourceError(Reason.MALFORMED_REPLY, "IAM: the reply has no X-Subject-Token")
    return token
