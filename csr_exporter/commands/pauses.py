"""Pauses that outlast a run of ``once``: the service must not be asked again too soon after it refused credentials.

They are kept in a small file beside the output. It holds no secret: of those that were refused it has a salted hash,
slow to compute, by which the next run tells whether they are still the same.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from csr_exporter.commands.files import replace_file
from csr_exporter.inventory import Reason, SourceError
from csr_exporter.polling.poller import Poller

log = structlog.get_logger()


def resume_pauses(file: Path, pollers: Mapping[str, Poller]) -> None:
    """Have *pollers*, by the settings of their accounts, go on with the pauses in *file*; a damaged one has none."""
    with suppress(OSError, ValueError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        for settings, poller in pollers.items():
            with suppress(LookupError, TypeError, ValueError):
                _resume(kept[poller.status.account.name], settings, poller)


def _resume(kept: Mapping[str, str], settings: str, poller: Poller) -> None:
    failed_at, pause = float(kept["failed_at"]), float(kept["pause"])
    left = failed_at + pause - time.time()
    # More than the whole pause is left where the clock was set back.
    if 0 < left <= pause and _hash(settings, poller, kept["salt"]) == kept["refused"]:
        error = SourceError(Reason(kept["reason"]), str(kept["detail"]), pause=pause)
        poller.resume_pause(error, failed_at)
        log.warning("poll_postponed", account=poller.status.account.name, reason=error.reason, seconds=round(left))


def keep_pauses(file: Path, pollers: Mapping[str, Poller]) -> None:
    """Write the pauses of *pollers* to *file*, or remove it if there are none."""
    kept = {poller.status.account.name: _kept(settings, poller) for settings, poller in pollers.items()}
    pauses = {name: pause for name, pause in kept.items() if pause}
    try:
        if pauses:
            replace_file(file, json.dumps(pauses), mode=0o600)
        else:
            file.unlink(missing_ok=True)
    except OSError as error:
        log.warning("pauses_not_kept", file=str(file), detail=error.strerror)


def _kept(settings: str, poller: Poller) -> dict[str, object]:
    error, until = poller.status.error, poller.status.waiting_until
    if error is None or until is None:
        return {}
    salt = secrets.token_hex(16)
    return {
        "failed_at": until - error.pause,
        "pause": error.pause,
        "reason": error.reason,
        "detail": error.detail,
        "salt": salt,
        "refused": _hash(settings, poller, salt),
    }


def _hash(settings: str, poller: Poller, salt: str) -> str:
    return hashlib.scrypt(settings.encode() + poller.fingerprint(), salt=salt.encode(), n=2**14, r=8, p=1).hex()
