"""Man pages, completions and the JSON Schema: what follows from the commands and the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class
from click.testing import CliRunner
from click_man.man import ManPage

from csr_exporter import __version__
from csr_exporter.cli import main

SHARE = Path("release/share")
COMPLETIONS = {
    "bash": "bash-completion/completions/csr-exporter",
    "zsh": "zsh/site-functions/_csr-exporter",
    "fish": "fish/vendor_completions.d/csr-exporter.fish",
}
"""Where each shell looks, below ``share``."""


def files() -> dict[Path, str]:
    """Each file with its text."""
    return {
        Path("docs/configuration.schema.json"): CliRunner().invoke(main, ["schema"]).output,
        **{SHARE / place: completion(shell) for shell, place in COMPLETIONS.items()},
        **{SHARE / f"man/man1/{name}.1": page for name, page in man_pages()},
    }


def completion(shell: str) -> str:
    """What *shell* asks csr-exporter for completions with."""
    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(shell)
    return kind(main, {}, "csr-exporter", "_CSR_EXPORTER_COMPLETE").source().strip() + "\n"


def man_pages() -> Iterator[tuple[str, str]]:
    """The name and the text of the page on csr-exporter, and of one for each command."""
    top = click.Context(main, info_name="csr-exporter")
    yield "csr-exporter", man_page(top)
    for name, command in main.commands.items():
        yield f"csr-exporter-{name}", man_page(click.Context(command, info_name=name, parent=top))


def man_page(context: click.Context) -> str:
    """The page on the command of *context*. It bears no date: that of a commit would be another in each."""
    command = context.command
    page = ManPage(context.command_path)
    page.version, page.date = __version__, ""
    page.short_help = first_sentence(command)
    page.synopsis = " ".join(command.collect_usage_pieces(context))
    page.description = command.help
    page.options = [record for each in command.get_params(context) if (record := each.get_help_record(context))]
    if isinstance(command, click.Group):
        page.commands = [(name, first_sentence(each)) for name, each in command.commands.items()]
    # A paragraph right after its heading is one too many.
    return str(page).replace(".SH COMMANDS\n.PP\n", ".SH COMMANDS\n")


def first_sentence(command: click.Command) -> str:
    """What *command* does, in one sentence without its full stop."""
    return " ".join((command.help or "").split()).partition(". ")[0].removesuffix(".")
