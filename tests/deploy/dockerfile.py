"""What a Dockerfile says, and a process 1 as an engine has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

Instruction = tuple[str, str]
"""A keyword and all that follows it, such as ``("USER", "65532:65532")``."""


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage of the Dockerfile *text*."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    instructions = [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]
    starts = [number for number, (keyword, _) in enumerate(instructions) if keyword == "FROM"]
    return [instructions[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def given(stage: Sequence[Instruction], keyword: str) -> list[str]:
    """What follows each *keyword* in *stage*."""
    return [rest for word, rest in stage if word == keyword]


def sent(root: Path) -> Iterator[Path]:
    """The files that the ``.dockerignore`` of *root* lets through to the builder: the last line that fits decides."""
    rules = [line for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines() if line]
    rules = [rule for rule in rules if not rule.startswith("#")]
    kept = {rule.removeprefix("!").split("/")[0] for rule in rules if rule.startswith("!")}
    for top in sorted(each for each in root.iterdir() if each.name in kept):
        for file in [top] if top.is_file() else sorted(each for each in top.rglob("*") if each.is_file()):
            if not _ignored(name := file.relative_to(root), rules):
                yield name


def _ignored(name: Path, rules: Sequence[str]) -> bool:
    paths = [str(each) for each in (name, *name.parents)]
    deciding = [rule for rule in rules if any(_fits(rule.removeprefix("!"), path) for path in paths)]
    return bool(deciding) and not deciding[-1].startswith("!")


def _fits(rule: str, path: str) -> bool:
    if rule.startswith("**/"):
        return fnmatch(Path(path).name, rule.removeprefix("**/"))
    return fnmatch(path, rule) and rule.count("/") == path.count("/")


@contextmanager
def process_1(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """*command* of bubblewrap while it runs, and the number that its process 1 has out here."""
    read, write = os.pipe()
    command = [command[0], "--info-fd", str(write), *command[1:]]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=[write]
    ) as process:
        os.close(write)
        with os.fdopen(read) as info:
            number = json.load(info)["child-pid"]
        try:
            yield process, number
        finally:
            process.kill()
