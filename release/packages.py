"""What needs nothing but Python 3.11 or later: one file that runs, a .deb and an .rpm."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from release.bill import Component
from release.sources import ReleaseError, output

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OMITTED = {"dnspython", "pymongo"}
"""What the SDK's client of services needs and its credentials do not: 12 MB. A test imports all that we use without."""

DEBIAN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
HOME = "/opt/csr-exporter"
SCRIPT = f"#!{HOME}/bin/python\nfrom csr_exporter.__main__ import main\n\nmain()\n"
RECORDED = ("direct_url.json", "uv_cache.json", "REQUESTED", "INSTALLER")
"""What an installer writes about itself."""


def make(root: Path, wheel: Path, into: Path, components: Sequence[Component], moment: int) -> None:
    """Make all packages of *wheel* and *components* in *into*, for Linux on the processor of this machine.

    *root* has the sources of what is installed beside the program. Raises `ReleaseError`.
    """
    machine = platform.machine()
    if machine not in DEBIAN_NAMES:
        raise ReleaseError(f"no packages are made for {machine}")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        share = install(wheel, tree / "site-packages", components, machine)
        version = wheel.name.split("-")[1]
        _pyz(tree / "site-packages", into / f"csr-exporter-{version}-{machine}.pyz", moment)
        lay_out(tree, moment)
        config = tree / "nfpm.yaml"
        config.write_text(yaml.safe_dump(description(root, tree, share, version, machine)), encoding="utf-8")
        for kind in ("deb", "rpm"):
            command = (_tool("nfpm"), "package", "--config", config, "--packager", kind, "--target", into)
            output(*command, cwd=root, SOURCE_DATE_EPOCH=str(moment))


def install(wheel: Path, site: Path, components: Sequence[Component], machine: str) -> Path:
    """Fill *site* with *wheel* and *components* for each of `PYTHONS`; where the wheel's ``share`` is.

    Compiled modules of different Pythons have different names, and all else is the same, so they fit into one folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(each.pin for each in components if each.name not in OMITTED), encoding="utf-8")
        for python in PYTHONS:
            target = Path(folder) / python
            options = ("--quiet", "--no-config", "--no-deps", "--no-build", "--target", target, "--requirement", pins)
            kind = ("--python-version", python, "--python-platform", f"{machine}-manylinux_2_28")
            output(_tool("uv"), "pip", "install", *options, *kind, cwd=pins.parent)
            shutil.copytree(target, site, dirs_exist_ok=True)
    for record in [each for each in site.glob("*.dist-info/*") if each.name in RECORDED]:
        record.unlink()
    shutil.rmtree(site / "bin", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    (data,) = site.glob("csr_exporter-*.data")
    return Path(shutil.move(data / "data" / "share", site.parent / "share"))


def _pyz(site: Path, file: Path, moment: int) -> None:
    options = ("--reproducible", "--compressed", "--python", "/usr/bin/env python3", "--console-script", "csr-exporter")
    command = (sys.executable, "-m", "shiv.cli", "--site-packages", site, *options, "--output-file", file)
    output(*command, cwd=file.parent, SOURCE_DATE_EPOCH=str(moment))


def lay_out(tree: Path, moment: int) -> None:
    """Make a virtual environment of *tree*, whose ``site-packages`` serves every Python that the machine may have."""
    (tree / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n", encoding="utf-8")
    (tree / "csr-exporter").write_text(SCRIPT, encoding="utf-8")
    for path in tree.rglob("*"):
        os.utime(path, (moment, moment))


def description(root: Path, tree: Path, share: Path, version: str, machine: str) -> dict[str, Any]:
    """What nfpm is told: the files of the package, what it depends on, and its scripts."""
    linux = root / "deploy" / "linux"
    return {
        "name": "csr-exporter",
        "arch": DEBIAN_NAMES[machine],
        "version": version,
        "section": "net",
        "maintainer": "The CSR Exporter authors <csr-exporter@users.noreply.github.com>",
        "description": "Prometheus exporter for the certificate signing requests in Huawei Cloud SCM",
        "homepage": "https://github.com/csr-exporter/csr-exporter",
        "license": "Apache-2.0",
        "contents": list(_contents(root, tree, share)),
        "scripts": {"postinstall": str(linux / "postinstall.sh"), "preremove": str(linux / "preremove.sh")},
        "overrides": {
            "deb": {"depends": ["python3 (>= 3.11)", "systemd | systemd-standalone-sysusers"]},
            "rpm": {"depends": ["(python3 >= 3.11 or python3.11 or python3.12)", "systemd"]},
        },
        "rpm": {"buildhost": "localhost"},
    }


def _contents(root: Path, tree: Path, share: Path) -> Iterator[dict[str, Any]]:
    units = root / "deploy" / "systemd"
    yield {"src": str(tree / "site-packages"), "dst": f"{HOME}/lib/site-packages", "type": "tree"}
    for python in PYTHONS:
        yield {"src": "../site-packages", "dst": f"{HOME}/lib/python{python}/site-packages", "type": "symlink"}
    yield {"src": f"{HOME}/bin/csr-exporter", "dst": "/usr/bin/csr-exporter", "type": "symlink"}
    yield _file(tree / "pyvenv.cfg", f"{HOME}/pyvenv.cfg")
    yield _file(tree / "csr-exporter", f"{HOME}/bin/csr-exporter", mode=0o755)
    yield {**_file(root / "deploy/linux/config.yml", "/etc/csr-exporter/config.yml"), "type": "config|noreplace"}
    for unit in sorted([*units.glob("*.service"), *units.glob("*.timer")]):
        yield _file(unit, f"/usr/lib/systemd/system/{unit.name}")
    yield _file(units / "csr-exporter.sysusers.conf", "/usr/lib/sysusers.d/csr-exporter.conf")
    yield _file(root / "LICENSE", "/usr/share/doc/csr-exporter/copyright")
    for file in sorted(each for each in share.rglob("*") if each.is_file()):
        place = file.relative_to(share).as_posix()
        yield _file(file, f"/usr/share/{place}")
        if place.startswith("zsh/"):  # Debian's zsh looks elsewhere
            yield {**_file(file, f"/usr/share/zsh/vendor-completions/{file.name}"), "packager": "deb"}


def _file(source: Path, place: str, mode: int = 0o644) -> dict[str, Any]:
    return {"src": str(source), "dst": place, "file_info": {"mode": mode}}


def _tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)
