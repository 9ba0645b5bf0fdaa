"""A system in a folder: what runs inside it, and what it needs to reach Python's package index."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.processes import tool

INSTALLING = 500.0
"""Seconds that installing a system may take, maybe on a busy machine."""


def inside(
    root: Path,
    *command: str,
    writable: bool = False,
    user: str = "0",
    mnt: Path | None = None,
    environment: Mapping[str, str] | None = None,
    shared: Sequence[str] = (),
) -> list[str]:
    """*command* as process 1 of the system at *root*, with the network and no files of ours but *mnt* and *shared*."""
    bind = "--bind" if writable else "--ro-bind"
    mounts = [bind, str(root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"]
    mounts += ["--ro-bind", str(mnt), "/mnt"] if mnt else []
    mounts += [part for each in shared for part in ("--ro-bind", each, each)]
    processes = ["--unshare-pid", "--as-pid-1", "--chdir", "/"]
    identity = ["--unshare-user", "--uid", user, "--gid", user] if user != "0" else []
    path = "/opt/csr-exporter/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    variables = {"PATH": path, "HOME": "/run", **(environment or {})}
    settings = ["--clearenv", *(part for name, value in variables.items() for part in ("--setenv", name, value))]
    return [str(tool("bwrap", "bubblewrap")), "--die-with-parent", *processes, *identity, *mounts, *settings, *command]


def said(command: list[str]) -> str:
    """What *command* prints; it must succeed."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALLING)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def index() -> tuple[list[str], dict[str, str]]:
    """How pip reaches its index on this machine: files and variables."""
    files = [each for each in ("/etc/pip.conf", "/etc/ssl/certs") if Path(each).exists()]
    names = ("PIP_CERT", "PIP_INDEX_URL")
    return files, {name: os.environ[name] for name in names if name in os.environ}
