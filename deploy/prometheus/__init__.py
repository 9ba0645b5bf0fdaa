"""Alert and recording rules for Prometheus, their unit tests, and their pages in docs/, from two YAML files."""
