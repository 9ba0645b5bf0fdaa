"""The dashboards before real data: hours of history in a real Prometheus, asked as Grafana would."""
