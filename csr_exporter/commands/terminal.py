"""Text for people on a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TextIO


def broken_at_words(text: str, stream: TextIO | None = None, indent: int = 0) -> str:
    """*text* as lines that fit the terminal of *stream*, by default standard output; elsewhere as it is.

    It begins *indent* columns from the left, and so does each further line.
    """
    if not (stream or sys.stdout).isatty():
        return text
    width = max(shutil.get_terminal_size().columns - indent, 20)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{'':{indent}}".join(lines)
