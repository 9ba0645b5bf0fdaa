"""The commands on a terminal of some width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from tests.processes import clean_environment, command


def on_terminal(columns: int, *arguments: str) -> str:
    """All that ``csr-exporter`` with *arguments* writes to a terminal of so many *columns*, control codes included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = clean_environment({"TERM": "xterm"})
    environment.pop("COLUMNS", None)
    with subprocess.Popen(command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        text = _all_from(ours)
    os.close(ours)
    return text


def _all_from(terminal: int) -> str:
    parts = []
    try:
        while part := os.read(terminal, 65536):
            parts.append(part)
    except OSError:  # how a terminal says that nobody writes to it any more
        pass
    return b"".join(parts).decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    """*text* without control codes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
