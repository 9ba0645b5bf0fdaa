"""``python -m csr_exporter``."""

from csr_exporter.cli import main

if __name__ == "__main__":
    main()
