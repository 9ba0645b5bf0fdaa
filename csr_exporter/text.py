"""Text from outside, made fit for labels, logs and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

LONGEST = 256
"""Characters. What is longer is cut: labels are identifiers, not documents."""

_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of what follows
    "\u2028\u2029"  # further ends of lines
    "\ud800-\udfff]"  # halves of characters, which UTF-8 has no bytes for
)


def clean(text: str) -> str:
    """*text* as valid UTF-8 without control characters, at most `LONGEST` characters long."""
    if len(text) <= LONGEST and text.isprintable():
        return text  # as nearly all are: none of the unfit ones counts as printable
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text[:LONGEST])


def mask(text: str, secrets: Iterable[str]) -> str:
    """*text* without any of *secrets*, also as JSON, a URL or Python spells them. To be done before it is cut."""
    spelt: set[str] = set()
    for secret in secrets:
        spelt |= {secret, json.dumps(secret)[1:-1], quote(secret, "", errors="replace"), repr(secret)[1:-1]}
    for each in sorted(filter(None, spelt), key=len, reverse=True):
        text = text.replace(each, "<secret>")
    return text


def searchable(*texts: str) -> str:
    """*texts* as one, in which a text that was made likewise is found in upper or lower case."""
    return "\n".join(texts).casefold()
