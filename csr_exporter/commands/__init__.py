"""What each command does; `csr_exporter.cli` has their flags."""
