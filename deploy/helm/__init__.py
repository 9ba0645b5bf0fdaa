"""Writes the generated files of the chart: rules with open thresholds, dashboards, and the schema of its values."""
