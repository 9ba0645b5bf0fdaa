"""The dashboards, built with Grafana's own library so that their schema holds; ``make dashboards`` writes the JSON."""
