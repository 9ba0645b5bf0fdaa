"""The pieces that an exposition is strung together from, plain or compressed.

Compressed they are one gzip member, though each large piece was compressed alone and once: what deflate makes of a
text, up to a full flush, ends with a byte and refers to nothing before it, so such parts may stand one after another.
Whole members might too (RFC 1952, 2.2), but curl, Chromium and httpx take the first for all there is, and say nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property

WORTH_KEEPING = 4096
"""Bytes. What is smaller is compressed with its neighbours: a part that stands alone has nothing to refer to."""

LEVEL = 1
"""Of compression. On such text level 6 takes two and a half times the CPU for 8 % fewer bytes, level 9 four times."""

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no name, no time, fastest, no system
_LAST_BLOCK = b"\x03\x00"  # of deflate, an empty one


class Block:
    """A large piece that stands for many scrapes, with its compressed form once that has been asked for."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    @cached_property
    def deflated(self) -> bytes:
        deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return deflate.compress(self.text) + deflate.flush(zlib.Z_FULL_FLUSH)


Piece = bytes | Block


def joined(pieces: Iterable[Piece]) -> bytes:
    """As plain text."""
    return b"".join([piece.text if isinstance(piece, Block) else piece for piece in pieces])


def gzipped(pieces: Iterable[Piece]) -> bytes:
    """As one gzip member."""
    parts = [_HEAD]
    checksum = size = 0
    for block in _blocks(pieces):
        parts.append(block.deflated)
        checksum = zlib.crc32(block.text, checksum)
        size += len(block.text)
    parts += (_LAST_BLOCK, checksum.to_bytes(4, "little"), (size % 2**32).to_bytes(4, "little"))
    return b"".join(parts)


def _blocks(pieces: Iterable[Piece]) -> Iterator[Block]:
    """The blocks among *pieces*; what stands between two of them as a passing one."""
    loose: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, Block):
            if loose:
                yield Block(b"".join(loose))
                loose = []
            yield piece
        else:
            loose.append(piece)
    yield Block(b"".join(loose))
