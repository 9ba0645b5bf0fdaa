"""Libraries that other libraries load where they are installed, and that we have no use for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def spared(*names: str) -> Iterator[None]:
    """Let what the block imports do without the modules *names*, as it does where they are not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: "not found", as the import system says
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
