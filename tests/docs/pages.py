"""The pages of the project, read as a reader of Markdown reads them."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_SHELLS = {"sh", "bash", "console"}
_BETWEEN_COMMANDS = re.compile(r"\s(?:&&|\|\|?|;)\s|\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the language that it says it is in."""

    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One file of Markdown."""

    file: Path

    def __str__(self) -> str:
        return self.file.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def _tokens(self) -> list[Token]:
        return _MARKDOWN.parse(self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        return [Block(each.info.strip(), each.content) for each in self._tokens if each.type == "fence"]

    def block(self, language: str, beginning: str) -> Block:
        """The first block in *language* that begins so."""
        return next(each for each in self.blocks if each.language == language and each.text.startswith(beginning))

    @cached_property
    def headings(self) -> list[tuple[str, str]]:
        """The level of each heading, such as ``h2``, and what it says."""
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        return [(each.tag, _plain(inline)) for each, inline in pairs if each.type == "heading_open"]

    @cached_property
    def anchors(self) -> set[str]:
        """What a link may name after ``#``, as GitHub makes it of headings."""
        found: Counter[str] = Counter()
        anchors = set()
        for _, heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{found[slug]}" if found[slug] else slug)
            found[slug] += 1
        return anchors

    @cached_property
    def links(self) -> list[str]:
        """The targets of links and pictures, in Markdown and in HTML."""
        return [*self._targets()]

    def _targets(self) -> Iterator[str]:
        for token in self._inner():
            for name in ("href", "src"):
                if target := token.attrGet(name):
                    yield str(target)
            if token.type.startswith("html"):
                yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', token.content)

    @cached_property
    def code(self) -> list[str]:
        """What stands between backquotes within a sentence, a list or a table."""
        return [each.content for each in self._inner() if each.type == "code_inline"]

    @cached_property
    def tables(self) -> list[list[str]]:
        """The code in each row of each table."""
        rows: list[list[str]] = []
        inside = False
        for token in self._tokens:
            if token.type in {"tr_open", "tr_close"}:
                inside = token.type == "tr_open"
                rows += [[]] if inside else []
            elif inside:
                rows[-1] += [each.content for each in token.children or () if each.type == "code_inline"]
        return rows

    def _inner(self) -> Iterator[Token]:
        for token in self._tokens:
            yield from token.children or (token,)

    def commands(self, program: str) -> Iterator[list[str]]:
        """The words after *program* wherever it is called: in blocks for a shell, and between backquotes."""
        call = re.compile(rf"(?:\w+=\S* )*(?:\S*/)?{program} (.*)")
        lines = [each.text.replace("\\\n", " ") for each in self.blocks if each.language in _SHELLS]
        for text in (*lines, *self.code):
            for command in _BETWEEN_COMMANDS.split(text):
                if called := call.match(command.strip()):
                    yield shlex.split(called[1], comments=True)

    def containers(self) -> Iterator[list[str]]:
        """The arguments that containers are given in blocks of YAML."""
        for block in self.blocks:
            if block.language == "yaml":
                yield from _arguments(yaml.safe_load(block.text))


def _arguments(node: object) -> Iterator[list[str]]:
    if isinstance(node, dict):
        yield from ([str(word) for word in words] for name, words in node.items() if name == "args")
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _arguments(child)


def _plain(inline: Token) -> str:
    return "".join(each.content for each in inline.children or ())


def pages() -> list[Page]:
    """Every whole page but those that tools put into hidden and installed folders."""
    folders = ("docs", "deploy", "grafana", "bench", "tests")
    files = [*ROOT.glob("*.md"), *(each for at in folders for each in ROOT.glob(f"{at}/**/*.md"))]
    return [Page(file) for file in sorted(files) if not file.name.endswith(".head.md")]
