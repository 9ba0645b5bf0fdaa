"""What it takes to run and watch the exporter."""
