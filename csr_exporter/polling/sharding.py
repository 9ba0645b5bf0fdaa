"""Which process polls which account, where several share the accounts of one configuration."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass


class ShardError(Exception):
    """There is no such shard; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard *index*, from 0, of *count*."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str, host_name: str) -> Shard:
        """The shard that *text* names: ``2/3``, or ``auto/3`` for the number at the end of *host_name*.

        Kubernetes numbers the pods of a StatefulSet from 0, at the end of their host names. Raises `ShardError`.
        """
        found = re.fullmatch(r"(auto|[0-9]{1,4})/0*([1-9][0-9]{0,3})", text, re.ASCII)
        if not found:
            raise ShardError("expected K/N such as 0/3, or auto/N; N is at least 1")
        own, count = found[1], int(found[2])
        index = _ordinal(host_name) if own == "auto" else int(own)
        if index >= count:
            raise ShardError(f"shard {index} of {count}: shards are counted from 0, so the last one is {count - 1}")
        return cls(index, count)

    def holds(self, account: str) -> bool:
        """Whether the account of that name is this shard's. Each is exactly one's, whichever process asks.

        Rendezvous hashing: the shard whose hash with the name is highest. One shard more takes over its own accounts
        from the others, and nothing else moves.
        """
        return self.index == max(range(self.count), key=lambda index: _score(account, index))


EVERYTHING = Shard()
"""The one shard that has all accounts."""


def _ordinal(host_name: str) -> int:
    found = re.search(r"-([0-9]{1,4})$", host_name.partition(".")[0], re.ASCII)
    if not found:
        raise ShardError(
            f"auto: the host name {host_name} does not end in - and a number, as those of a StatefulSet do"
        )
    return int(found[1])


def _score(account: str, index: int) -> bytes:
    """Not `hash`, which each process salts."""
    return hashlib.sha256(f"{index} {account}".encode()).digest()
