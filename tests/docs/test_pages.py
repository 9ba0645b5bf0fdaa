"""Pages whose links, commands and configurations are tried."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml
from _pytest.mark import ParameterSet

from csr_exporter.cli import main
from csr_exporter.config import read_config
from tests.docs.pages import ROOT, Block, Page, pages
from tests.processes import DEADLINE, tool

PAGES = pages()
README, CHINESE = Page(ROOT / "README.md"), Page(ROOT / "README.zh-CN.md")

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


# --- links ------------------------------------------------------------------------------------------------------------


def is_within(link: str) -> bool:
    return not re.match(r"[a-z]+:", link)


@each_page
def test_a_link_within_the_project_leads_somewhere(page: Page) -> None:
    assert [link for link in page.links if is_within(link) and not leads_somewhere(page, link)] == []


def leads_somewhere(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.file.parent / path).resolve() if path else page.file
    return target.exists() and (not anchor or anchor in Page(target).anchors)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = {README.file}, [README]
    while waiting:
        page = waiting.pop()
        paths = (link.partition("#")[0] for link in page.links if is_within(link))
        files = {(page.file.parent / path).resolve() for path in paths if path.endswith(".md")}
        waiting += [Page(file) for file in files - reached]
        reached |= files

    assert {str(page) for page in PAGES if page.file.is_relative_to(ROOT / "docs")} <= {
        str(Page(file)) for file in reached
    }


# --- commands ---------------------------------------------------------------------------------------------------------


@each_page
def test_a_command_of_ours_is_understood(page: Page) -> None:
    commands = [*page.commands("csr-exporter"), *page.containers()]

    assert [problem for words in commands if (problem := misunderstood(words))] == []


def misunderstood(words: list[str]) -> str:
    """What is wrong with the *words* after ``csr-exporter``, empty where nothing is."""
    name, *arguments = words
    if name in {"--help", "-h", "--version"}:
        return ""
    command = main.commands.get(name)
    if command is None:
        return f"{name}: no such command"
    context = click.Context(command)
    try:
        given, surplus, _ = command.make_parser(context).parse_args(arguments)
        for each in command.params:
            if each.name in given and isinstance(each.type, click.Choice):
                each.type_cast_value(context, given[each.name])
    except click.UsageError as error:
        return f"{name}: {error.format_message()}"
    return f"{name}: unexpected {surplus}" if surplus else ""


def test_a_command_that_is_not_ours_is_noticed() -> None:
    assert misunderstood(["run", "--config.file=x"]) == ""
    assert misunderstood(["list", "--sort=age"]) == ""
    assert misunderstood(["walk"]) == "walk: no such command"
    assert "No such option" in misunderstood(["run", "--config.path=x"])
    assert "is not one of" in misunderstood(["list", "--sort=colour"])
    assert misunderstood(["once", "more"]) == "once: unexpected ['more']"


@each_page
def test_a_flag_of_ours_exists(page: Page) -> None:
    ours = {name for command in main.commands.values() for each in command.params for name in each.opts}

    named = {flag for code in page.code for flag in re.findall(r"(?:^| )(--(?:config|web|log|shard)[.a-z-]*)", code)}

    assert named - ours == set()


@each_page
def test_a_target_of_make_exists(page: Page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    named = {word for words in page.commands("make") for word in words if "=" not in word}

    assert named - targets == set()


@each_page
def test_a_python_program_exists(page: Page) -> None:
    assert [words for words in page.commands("python") if not is_a_program(words)] == []


def is_a_program(words: list[str]) -> bool:
    if words[0] == "-m":
        return find_spec(words[1]) is not None
    return (ROOT / words[0]).exists()


# --- configurations ---------------------------------------------------------------------------------------------------


def yaml_blocks(setting: str) -> Sequence[ParameterSet]:
    """The blocks, of any page, that begin with *setting* or have it at the top."""
    found = [
        pytest.param(block, id=f"{page}-{number}")
        for page in PAGES
        for number, block in enumerate(page.blocks)
        if block.language == "yaml" and re.search(rf"^{setting}:", block.text, re.MULTILINE)
    ]
    assert found
    return found


@pytest.mark.parametrize("block", yaml_blocks("accounts"))
def test_a_configuration_is_valid(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(block.text, encoding="utf-8")

    assert read_config(file).accounts


@pytest.mark.parametrize("block", [*yaml_blocks("scrape_configs"), *yaml_blocks("remote_write")])
def test_a_configuration_of_prometheus_is_valid(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(block.text, encoding="utf-8")
    promtool = tool("promtool", "prometheus")

    result = subprocess.run(
        [promtool, "check", "config", "--syntax-only", file],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert result.returncode == 0, result.stderr


@each_page
def test_every_block_of_yaml_can_be_read(page: Page) -> None:
    for block in page.blocks:
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.text), dict)


# --- in Chinese -------------------------------------------------------------------------------------------------------


def test_the_readme_in_chinese_has_the_same_headings() -> None:
    assert [level for level, _ in CHINESE.headings] == [level for level, _ in README.headings]


def test_the_readme_in_chinese_has_the_same_blocks() -> None:
    assert CHINESE.blocks == README.blocks


def test_the_readme_in_chinese_has_the_same_links_and_pictures() -> None:
    (to_chinese, *links), (to_english, *chinese) = README.links, CHINESE.links

    assert (to_chinese, to_english) == ("README.zh-CN.md", "README.md")
    assert chinese == links


def test_the_readme_in_chinese_has_the_same_code() -> None:
    assert CHINESE.tables == README.tables
    assert sorted(CHINESE.code) == sorted(README.code)
