"""Every command that a page gives in a block is executed by a test, or here is why not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT, Page, pages

_REPRODUCED = "release/test_release.py::test_made_again_from_the_sdist_a_release_is_the_same_byte_for_byte"

TRIED = {
    "csr-exporter check": "commands/test_check.py::test_a_wrong_secret_is_tried_once_and_never_shown",
    "csr-exporter run": "commands/test_run.py",
    "csr-exporter list": "commands/test_cli.py",
    "csr-exporter once": "commands/test_cli.py",
    "csr-exporter changes": "commands/test_changes.py",
    "csr-exporter policy": "commands/test_policy.py",
    "./csr-exporter-0.1.0-x86_64.pyz": "release/test_packages.py::test_the_pyz_needs_nothing_but_python",
    "make demo": "release/test_first_data.py::test_there_is_data",
    "make dist": _REPRODUCED,
    "diff dist/SHA256SUMS": _REPRODUCED,
    "sha256sum --check": "release/test_release.py::test_the_checksums_are_those_of_all_other_artefacts",
    "python3 -m venv": "release/test_first_data.py::test_there_is_data",
    "pip install": "release/test_first_data.py::test_there_is_data",
    "/opt/csr-exporter/bin/pip install": "release/test_first_data.py::test_there_is_data",
    "systemd-sysusers": "deploy/test_systemd.py::test_the_user_is_made_by_sysusers",
    "promtool test rules": "rules/test_rules.py::test_alerts_fire_and_end_as_promtool_is_told",
    "pint --offline": "rules/test_rules.py::test_pint_finds_nothing_to_say",
    "docker compose": "deploy/test_compose.py::test_compose_takes_the_file_and_whatever_is_mounted_exists",
}
"""Where, in tests, by how the command begins."""

NOT_TRIED = {
    "make test": "it runs the tests",
    "make lint": "CI runs it before the tests",
    'PATH="$(go env GOPATH)/bin/prometheus-3:$PATH"': "CI runs the same",
    "git clone": "the address is of the network",
    "apt install": "the tests unpack the same file by dpkg, without the network",
    "dnf install": "there is no RHEL to try it in; the files of the package are compared with those of the .deb",
    "pipx install": "a wrapper of pip",
    "cp deploy/systemd/": "a copy of a file that is there, as the next test asserts",
    "install -": "copies, likewise, and keys of your own",
    "systemctl": "no systemd runs here; systemd-analyze has read the units",
    "docker build": "no daemon runs here; the tests build the same file by buildah",
    "docker run": "likewise; the tests run the image as the user and with the root that this gives it",
    "docker push": "no registry",
    "kubectl": "no cluster; the manifests are held against Kubernetes' schemas",
    "helm install": "likewise; the tests render the chart with the values of the page",
    "gh attestation": "nothing is published yet",
}
"""Why, by how the command begins."""


def commands(page: Page) -> Iterator[str]:
    for block in page.blocks:
        if block.language in {"sh", "bash", "console"}:
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from (part.strip() for part in re.split(r"\s(?:&&|\|)\s", line.partition(" #")[0]))


@pytest.mark.parametrize("page", pages(), ids=str)
def test_a_command_is_executed_by_a_test_or_it_is_known_why_not(page: Page) -> None:
    known = (*TRIED, *NOT_TRIED, "tee csrs.json")

    assert [command for command in commands(page) if command and not command.startswith(known)] == []


def test_no_answer_is_left_over() -> None:
    given = [command for page in pages() for command in commands(page)]

    assert [each for each in (*TRIED, *NOT_TRIED) if not any(command.startswith(each) for command in given)] == []


@pytest.mark.parametrize("test", sorted(set(TRIED.values())))
def test_a_test_that_executes_commands_exists(test: str) -> None:
    file, _, name = test.partition("::")

    assert f"def {name or 'test_'}" in (ROOT / "tests" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", pages(), ids=str)
def test_a_file_that_a_command_of_a_page_copies_is_there(page: Page) -> None:
    named = {word for command in commands(page) for word in re.findall(r"(?:^|[ =])(deploy/\S+)", command)}

    assert [path for path in sorted(named) if not any(ROOT.glob(path))] == []
