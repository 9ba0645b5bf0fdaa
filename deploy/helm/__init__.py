"""Writes what the chart has from elsewhere: rules whose thresholds are open, dashboards, the schema of its values."""
