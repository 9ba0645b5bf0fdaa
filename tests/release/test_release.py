"""The artefacts of a release, tried as a new user would."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from csr_exporter import __version__
from csr_exporter.cli import main
from release import manual
from release.artefacts import CONSTRAINTS, DOCKERFILE, chart, context, make, packed
from release.bill import Component, audit, components, licence_list
from release.sources import ROOT, ReleaseError, built, extract, moment, require_changes
from tests.processes import DEADLINE, clean_environment, free_port, listening, tool
from tests.release.conftest import Release
from tests.release.osv import advisories


def said(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What *command* prints; it must succeed."""
    result = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
        cwd=cwd,
        env=clean_environment(environment),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_from_the_wheel_alone_the_demo_runs_is_scraped_and_ends(release: Release) -> None:
    command = release.environment / "bin" / "csr-exporter"

    with listening(command, "demo", "--web.listen-address=127.0.0.1:0") as demo:
        metrics = demo.ready().get("/metrics").text

        assert len(re.findall(r"^scm_csr_up\{.*\} 1\.0$", metrics, re.MULTILINE)) == 4
        assert demo.stop() == 0


def test_from_the_wheel_alone_every_command_says_what_it_does(release: Release) -> None:
    text = said(release.environment / "bin" / "csr-exporter", "--help")

    assert [name for name in main.commands if not re.search(rf"^  {name} +\w", text, re.MULTILINE)] == []


def test_the_wheel_brings_the_schema_that_the_command_prints(release: Release) -> None:
    brought = "from importlib.resources import files; print(files('csr_exporter') / 'configuration.schema.json')"
    file = Path(said(release.environment / "bin" / "python", "-c", brought, cwd=release.environment).strip())

    assert file.is_relative_to(release.environment)
    assert file.read_text(encoding="utf-8") == said(release.environment / "bin" / "csr-exporter", "schema")


def test_the_wheel_brings_a_man_page_for_each_command(release: Release) -> None:
    pages = {page.stem for page in (release.environment / "share" / "man" / "man1").iterdir()}

    assert pages == {"csr-exporter"} | {f"csr-exporter-{name}" for name in main.commands}


def test_the_wheel_brings_a_readme_whose_links_work_on_the_index(release: Release) -> None:
    with zipfile.ZipFile(release.one(".whl")) as wheel:
        metadata = wheel.read(f"csr_exporter-{__version__}.dist-info/METADATA").decode()

    assert f"](https://github.com/csr-exporter/csr-exporter/blob/v{__version__}/docs/install.md)" in metadata
    assert "](docs/" not in metadata


def test_man_pages_are_well_formed(release: Release) -> None:
    pages = sorted((release.environment / "share" / "man" / "man1").iterdir())

    lint = subprocess.run(
        [tool("mandoc", "mandoc"), "-Tlint", "-Wwarning", *pages],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    # They bear no date, on purpose.
    found = [line for line in lint.stdout.splitlines() if "missing date" not in line]
    assert found == []
    assert len(lint.stdout.splitlines()) == len(pages), lint.stderr


BASH = """
source "$1/share/bash-completion/completions/csr-exporter"
COMP_WORDS=(csr-exporter "${@:2}") COMP_CWORD=$(($# - 1))
_csr_exporter_completion csr-exporter
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = """
source $argv[1]/share/fish/vendor_completions.d/csr-exporter.fish
complete --do-complete "csr-exporter $argv[2..]"
"""
# What zsh provides only while its line editor waits prints what it is given instead.
ZSH = """
compdef() { : }
compadd() { print -l -- ${(P)@[-1]} }
_describe() { print -l -- ${(P)3} }
source $1/share/zsh/site-functions/_csr-exporter
words=(csr-exporter ${@:2}) CURRENT=$#
_csr_exporter_completion
"""


@pytest.mark.parametrize(("words", "completed"), [(["che"], ["check"]), (["run", "--web.pr"], ["--web.probe-address"])])
@pytest.mark.parametrize(("shell", "script"), [("bash", BASH), ("zsh", ZSH), ("fish", FISH)])
def test_a_shell_completes_commands_and_flags(
    release: Release, shell: str, script: str, words: list[str], completed: list[str]
) -> None:
    path = f"{release.environment / 'bin'}:{os.environ['PATH']}"
    zeroth = [] if shell == "fish" else [shell]  # what the others take for the name of the script

    found = said(tool(shell, shell), "-c", script, *zeroth, release.environment, *words, PATH=path)

    # Behind each, zsh and fish get what it does.
    assert [re.split("[:\t]", line)[0] for line in found.splitlines()] == completed


@pytest.mark.parametrize("path", sorted(manual.files()))
def test_a_file_that_follows_from_the_commands_is_current(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == manual.files()[path], "run make manual"


def test_no_other_man_page_or_completion_is_there() -> None:
    there = {file.relative_to(ROOT) for file in (ROOT / manual.SHARE).rglob("*") if file.is_file()}

    assert there == {path for path in manual.files() if path.is_relative_to(manual.SHARE)}


def test_made_again_from_the_sdist_a_release_is_the_same_byte_for_byte(release: Release, tmp_path: Path) -> None:
    make(release.sources, tmp_path / "dist", tmp_path / "environment", components(release.bill))

    assert contents(tmp_path / "dist") == contents(release.artefacts)


def contents(folder: Path) -> dict[str, str]:
    """Digests: pytest would take minutes to show how the bytes differ."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_the_checksums_are_those_of_all_other_artefacts(release: Release) -> None:
    checked = said(tool("sha256sum", "coreutils"), "--check", "SHA256SUMS", cwd=release.artefacts)

    others = {file.name for file in release.artefacts.iterdir()} - {"SHA256SUMS"}
    assert set(checked.splitlines()) == {f"{name}: OK" for name in others}


def test_the_sdist_holds_the_tests_and_nothing_that_was_left_behind(release: Release) -> None:
    names = {path.relative_to(release.sources).as_posix() for path in release.sources.rglob("*")}
    parts = {part for name in names for part in name.split("/")}

    assert {"tests/release/test_release.py", "tests/data", "docs/reference.py", "Makefile", ".ci/run"} <= names
    assert parts & {".git", ".venv", "__pycache__", "node_modules", "dist", ".hypothesis", ".mypy_cache"} == set()
    assert [name for name in names if name.endswith((".pyc", ".log", ".sqlite"))] == []


def test_the_tests_of_the_sdist_are_collected_and_pass(release: Release) -> None:
    chosen = "test_inventory or test_architecture"

    result = said(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, cwd=release.sources)

    assert files_of_tests(release.sources) == files_of_tests(ROOT)
    passed, deselected = map(int, re.findall(r"(\d+) (?:passed|deselected)", result))
    assert passed > 10
    assert deselected > 500


def files_of_tests(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "tests").glob("*.py"))


def test_the_bill_lists_what_the_wheel_needs_and_nothing_that_only_its_makers_need(release: Release) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {normal(each.name) for each in components(release.bill)}

    assert {requirement(each) for each in project["dependencies"]} <= names
    assert {"pytest", "mypy", "ruff", "hatchling", "pip", "setuptools", "csr-exporter"} & names == set()


def requirement(text: str) -> str:
    return normal(re.split(r"[<>=]", text)[0])


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bill_is_valid_cyclonedx_of_this_version(release: Release) -> None:
    described = json.loads(release.bill)["metadata"]["component"]

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(release.bill) is None
    assert (described["name"], described["version"]) == ("csr-exporter", __version__)


def test_every_licence_is_listed(release: Release) -> None:
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", release.one("licences.md").read_text("utf-8"), re.MULTILINE)

    assert rows[2:] == sorted(rows[2:], key=lambda row: row[0].casefold())
    assert set(rows[2:]) == {(each.name, each.version, ", ".join(each.licences)) for each in components(release.bill)}


def test_a_dependency_of_unknown_licence_stops_the_release() -> None:
    found = [Component("good", "1.0", ("MIT",)), Component("mute", "2.0", ()), Component("vague", "3.0", ("UNKNOWN",))]

    with pytest.raises(ReleaseError) as error:
        licence_list(found, "0.1.0")

    assert str(error.value) == "mute 2.0: its licence is not known\nvague 3.0: its licence is not known"


def test_the_most_exact_of_what_a_package_says_of_its_licence_is_taken() -> None:
    vague = {"license": {"name": "License :: OSI Approved :: BSD License"}}
    bill = {
        "components": [
            {"name": "an-expression", "version": "1", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
            {"name": "an-identifier", "version": "1", "licenses": [vague, {"license": {"id": "BSD-3-Clause"}}]},
            {"name": "a-classifier", "version": "1", "licenses": [vague]},
            {"name": "nothing", "version": "1"},
        ]
    }

    found = [each.licences for each in components(json.dumps(bill))]

    assert found == [("MIT OR Apache-2.0",), ("BSD-3-Clause",), ("BSD License",), ()]


def test_no_artefact_tells_where_it_was_made(release: Release) -> None:
    # That nothing tells of the checkout either is seen where the same bytes come from another folder.
    place = str(release.environment.parent).encode()

    assert [name for name, text in texts(release.artefacts) if place in text] == []


def test_the_bill_and_the_licences_hold_no_address(release: Release) -> None:
    addresses = re.findall(r"https?://[^\"\s]+", release.bill + release.one("licences.md").read_text("utf-8"))

    assert addresses == ["http://cyclonedx.org/schema/bom-1.6.schema.json"]


def texts(folder: Path) -> list[tuple[str, bytes]]:
    """Every file of every artefact."""
    found = []
    for artefact in folder.iterdir():
        if artefact.suffix == ".whl":
            with zipfile.ZipFile(artefact) as wheel:
                found += [(name, wheel.read(name)) for name in wheel.namelist()]
        elif artefact.suffix in {".gz", ".tgz"}:
            found += members(artefact)
        else:
            found.append((artefact.name, artefact.read_bytes()))
    return found


def members(archive: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(archive) as tape:
        return [(each.name, file.read()) for each in tape.getmembers() if (file := tape.extractfile(each))]


H11 = Component("h11", "0.14.0", ("MIT",))
CLICK = Component("click", "8.4.0", ("BSD-3-Clause",))


def test_an_audit_without_advisories_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with advisories() as address:
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", address)

        audit([CLICK])


def test_an_advisory_fails_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    with advisories() as address:
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", address)

        with pytest.raises(ReleaseError, match=r"h11 +0\.14\.0 +GHSA-made-up"):
            audit([CLICK, H11])


def test_an_audit_that_nobody_answers_is_not_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{free_port()}/v1/query")

    with pytest.raises(ReleaseError, match="Connection refused"):
        audit([CLICK])


def test_the_changelog_tells_of_the_version() -> None:
    require_changes("## [0.1.0] - 2026-01-01\n\n- It counts.\n", "0.1.0")
    require_changes("## [Unreleased]\n\n- It counts.\n\n## [0.1.0] - 2026-01-01\n\n- It starts.\n", "0.2.0")

    with pytest.raises(ReleaseError, match=r"nothing under \[0\.2\.0\] or \[Unreleased\]"):
        require_changes("## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- It counts.\n", "0.2.0")


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_the_context_of_the_image_is_what_its_dockerfile_copies(tmp_path: Path) -> None:
    dockerfile = (
        "FROM a AS build\nCOPY --chown=1:1 README.md LIC* ./\nCOPY code code\nFROM a\nCOPY --from=build /x /x\n"
    )
    write(tmp_path, **{str(DOCKERFILE): dockerfile, ".dockerignore": "*", "README.md": "", "LICENCE": "", "other": ""})
    write(tmp_path, **{"code/a.py": "", "code/deep/b.py": ""})

    names = set(context(tmp_path))

    assert names == {str(DOCKERFILE), ".dockerignore", "README.md", "LICENCE", "code/a.py", "code/deep/b.py"}


def test_a_dockerfile_that_copies_what_is_missing_stops_the_release(tmp_path: Path) -> None:
    write(tmp_path, **{str(DOCKERFILE): "COPY code code\n"})

    with pytest.raises(ReleaseError, match="copies code, which does not exist"):
        context(tmp_path)


def test_the_context_of_the_image_is_enough_for_the_same_wheel(release: Release, tmp_path: Path) -> None:
    extract(release.one("-image.tar.gz"), tmp_path / "context")

    wheel = built("wheel", tmp_path / "context", tmp_path, moment(ROOT))

    assert (tmp_path / "context" / DOCKERFILE).read_bytes() == (ROOT / DOCKERFILE).read_bytes()
    assert wheel.read_bytes() == release.one(".whl").read_bytes()
    pins = (tmp_path / "context" / CONSTRAINTS).read_text(encoding="utf-8").splitlines(keepends=True)[1:]
    assert pins == [each.pin for each in components(release.bill)]


def test_a_chart_of_another_version_stops_the_release(tmp_path: Path) -> None:
    write(tmp_path, **{"deploy/helm/csr-exporter/Chart.yaml": "version: 0.1.0\nappVersion: 0.0.9\n"})

    with pytest.raises(ReleaseError, match=r"Chart\.yaml: appVersion is 0\.0\.9, the package's is 0\.1\.0"):
        chart(tmp_path, "0.1.0")


def test_a_chart_is_packed_below_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "deploy/helm/csr-exporter"
    write(folder, **{"Chart.yaml": "version: 0.1.0\nappVersion: 0.1.0\n", "templates/service.yaml": ""})

    assert set(chart(tmp_path, "0.1.0")) == {"csr-exporter/Chart.yaml", "csr-exporter/templates/service.yaml"}


def test_an_archive_depends_on_names_and_content_alone(tmp_path: Path) -> None:
    write(tmp_path, **{"early/file": "content", "late/file": "content"})
    os.utime(tmp_path / "early/file", (1, 1))

    one = packed({"b": tmp_path / "early/file", "a": tmp_path / "early/file"}, moment=1_700_000_000)
    other = packed({"a": tmp_path / "late/file", "b": tmp_path / "late/file"}, moment=1_700_000_000)

    assert one == other
