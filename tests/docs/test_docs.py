"""Documentation that tells the truth."""

from __future__ import annotations

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
import reference
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.docs.pages import Page

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_a_page_written_from_the_code_is_current(name: str) -> None:
    page = "\n".join(reference.PAGES[name]()) + "\n"

    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page, "run python docs/reference.py"


def test_every_family_has_an_example_and_every_example_a_family() -> None:
    assert {reference.sample_name(family) for family in reference.exposed_families()} == set(reference.EXAMPLES)


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted({"README.md"} | {f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md")}))
def test_a_page_names_only_metrics_that_exist(file: str) -> None:
    families = reference.exposed_families()
    names = {sample.name for family in families for sample in family.samples}
    names |= {family.name for family in families} | {reference.sample_name(family) for family in families}

    words = re.findall(r"\b(?:scm_csrs?|csr_exporter)_[a-z_]+[a-z]\b", (ROOT / file).read_text(encoding="utf-8"))

    assert set(words) - names == set()


def sample_in_the_readme() -> list[Sample]:
    text = Page(ROOT / "README.md").block("text", "scm_csrs{").text
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_the_sample_in_the_readme_has_names_and_labels_that_exist() -> None:
    samples = [sample for family in reference.exposed_families() for sample in family.samples]
    exposed = {(sample.name, *sorted(sample.labels)) for sample in samples}
    exposed |= {(sample.name, *sorted(sample.labels.keys() - {"owner"})) for sample in samples}  # without owners

    assert {(sample.name, *sorted(sample.labels)) for sample in sample_in_the_readme()} - exposed == set()


def test_the_counts_in_the_readme_add_up_to_what_is_reported() -> None:
    values = [(sample.name, sample.value) for sample in sample_in_the_readme()]

    assert sum(value for name, value in values if name == "scm_csrs") == dict(values)["scm_csr_reported"]


def test_pictures_are_light_and_shown() -> None:
    pages = readme() + "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))

    assert pictures
    assert [picture.name for picture in pictures if f"pictures/{picture.name}" not in pages] == []
    assert [picture.name for picture in pictures if picture.stat().st_size >= 300_000] == []


def test_every_dependency_says_how_it_earns_its_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    dependencies = [re.split(r"[<>=]", each)[0] for each in project["dependencies"]]

    assert [each for each in dependencies if f"| {each} |" not in page] == []


def test_every_room_is_on_the_page_of_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {each.name.removesuffix(".py") for each in (ROOT / "csr_exporter").iterdir()}

    named = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}

    assert named == rooms - {"__init__", "__main__", "__pycache__", "py.typed", "templates"}


WALK = re.findall(r"^\| (\d+) \| `csr_exporter\.(\S+)` \|", Page(ROOT / "docs" / "architecture.md").text, re.MULTILINE)


def test_the_walk_visits_each_room_once_in_at_most_ten_steps() -> None:
    rooms = [name.split(".")[0] for _, name in WALK]

    assert 0 < len(rooms) <= 10
    assert sorted(rooms) == sorted(set(rooms))


@pytest.mark.parametrize(("step", "name"), WALK)
def test_a_function_of_the_walk_exists(step: str, name: str) -> None:
    try:
        found = pkgutil.resolve_name(f"csr_exporter.{name}")
    except (ImportError, AttributeError) as error:
        pytest.fail(f"docs/architecture.md, step {step}: {error}; name the function that does this now")

    assert callable(found)
