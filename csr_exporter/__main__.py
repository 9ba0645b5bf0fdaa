"""``csr-exporter``, and ``python -m csr_exporter``."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the commands, and run the one that is asked for."""
    gc.disable()  # nothing of what is loaded is garbage, and looking for some takes an eighth of the time to start
    from csr_exporter.cli import main as command  # noqa: PLC0415 - as said

    gc.freeze()
    gc.enable()
    command()


if __name__ == "__main__":
    main()
