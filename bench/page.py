"""Reading a page, against parsing its JSON alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench import measure
from bench.table import Row
from bench.world import NOW, PAGE, replies
from csr_exporter.cloud.replies import read_page


def rows() -> Iterator[Row]:
    """One comparison."""
    body = next(replies(PAGE))
    ours, bare = measure.cpu(lambda: read_page(body, NOW), lambda: json.loads(body))
    yield Row(f"read a page of {PAGE} CSRs, CPU", ours, bare, "json.loads of the same")
